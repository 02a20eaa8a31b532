package netsh

import "strings"

// A node of the tree of commands: a context, such as "interface ipv4", a verb in it, such as "add", or a
// command, which is what has a run.
type node struct {
	name    string
	aliases []string // other names
	help    string
	sub     []*node
	context bool // one can be in it
	params  []param
	run     func(*call) error
	changes bool // it says "Ok." when it is done
}

// A param is what a command takes, by its position or as name=value.
type param struct {
	name string
	kind kind
	need bool
	skip bool // a word without a name that it can't be is for the next one
	help string
	def  string // what holds without it, for the help
}

// prefixOf reports whether s abbreviates name.
func prefixOf(s, name string) bool {
	return len(s) <= len(name) && strings.EqualFold(s, name[:len(s)])
}

// find returns what s means among names: the one that it is, else the only one that it abbreviates. If there
// are several, it returns them all.
func find[T any](s string, all []T, names func(T) []string) (found []T) {
	for _, t := range all {
		for _, name := range names(t) {
			if strings.EqualFold(s, name) {
				return []T{t}
			}
		}
	}
	if s == "" {
		return nil
	}
	for _, t := range all {
		for _, name := range names(t) {
			if prefixOf(s, name) {
				found = append(found, t)
				break
			}
		}
	}
	return found
}

func (n *node) names() []string { return append([]string{n.name}, n.aliases...) }
func (p *param) names() []string {
	return []string{p.name}
}

// namesOf returns the first name of each.
func namesOf[T any](all []T, names func(T) []string) []string {
	var firsts []string
	for _, t := range all {
		firsts = append(firsts, names(t)[0])
	}
	return firsts
}

// child returns the node below n that w means.
func (n *node) child(w word) (*node, *Error) {
	found := find(w.text, n.sub, (*node).names)
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return nil, problem(ErrSyntax, "there is no such command").oneOf(w.text, namesOf(n.sub, (*node).names)).at(w)
	}
	return nil, problem(ErrSyntax, "that may mean several commands").wanting("%s", alternatives(namesOf(found, (*node).names))).at(w)
}

// A place in the tree is the way to it.
type place []*node

func (p place) last() *node { return p[len(p)-1] }

// String returns the full words that lead there, without the root.
func (p place) String() string {
	var words []string
	for _, n := range p[1:] {
		words = append(words, n.name)
	}
	return strings.Join(words, " ")
}

// then returns the place one further.
func (p place) then(n *node) place { return append(p[:len(p):len(p)], n) }
