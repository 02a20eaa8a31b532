package netsh

import (
	"errors"
	"strings"
)

// A choice is one of the words that a parameter may be.
type choice struct {
	name    string
	refused string // why a Stack can't; empty: it can
}

// choiceKind is the full name of one of the choices, each of which may be abbreviated.
func choiceKind(choices ...choice) kind {
	names := func(c choice) []string { return []string{c.name} }
	all := namesOf(choices, names)
	return kind{
		usage: strings.Join(all, "|"),
		want:  alternatives(all),
		parse: func(_ *Shell, text string) (any, error) {
			found := find(text, choices, names)
			switch {
			case len(found) == 0:
				return nil, problem(ErrSyntax, "that is none of its values").oneOf(text, all)
			case len(found) > 1:
				return nil, problem(ErrSyntax, "that may mean several").wanting("%s", alternatives(namesOf(found, names)))
			case found[0].refused != "":
				return nil, problem(errors.ErrUnsupported, "%s: %s", found[0].name, found[0].refused).wanting("%s", alternatives(possible(choices)))
			}
			return found[0].name, nil
		},
		complete: func(*Shell) []string { return possible(choices) },
	}
}

func possible(choices []choice) (names []string) {
	for _, c := range choices {
		if c.refused == "" {
			names = append(names, c.name)
		}
	}
	return names
}

// only is a kind of which a Stack knows but one value.
func only(k kind, value any, name, why string) kind {
	parse := k.parse
	k.parse = func(s *Shell, text string) (any, error) {
		v, err := parse(s, text)
		if err == nil && v != value {
			return nil, problem(errors.ErrUnsupported, "%s", why).wanting("%s, or to leave it out", name)
		}
		return v, err
	}
	return k
}

var (
	trueFalse = choiceKind(choice{name: "true"}, choice{name: "false"})
	level     = choiceKind(choice{name: "normal"}, choice{name: "verbose"})
	unicast   = choiceKind(choice{name: "unicast"}, choice{"anycast", "a stack has no anycast addresses"})
	store     = choiceKind(choice{name: "active"}, choice{"persistent", "a stack keeps nothing beyond its end"})
)
