package netsh

import "time"

// Doors into the package for its tests.
var (
	ParseLifetime  = parseLifetime
	FormatLifetime = formatLifetime
	Distance       = distance
)

// Infinite is the lifetime that does not end.
const Infinite time.Duration = infinite

// Split returns the texts of a line's words, and where a quote is open.
func Split(line string) (texts []string, open int) {
	words, open := split(line)
	for _, w := range words {
		texts = append(texts, w.text)
	}
	return texts, open
}

// EachCommand calls f with the words of every command and the names of its parameters.
func EachCommand(f func(words []string, params []string)) { each(place{root}, f) }

func each(at place, f func(words []string, params []string)) {
	var words, params []string
	for _, n := range at[1:] {
		words = append(words, n.name)
	}
	if n := at.last(); n.run != nil {
		for _, p := range n.params {
			params = append(params, p.name)
		}
		f(words, params)
	}
	for _, n := range at.last().sub {
		each(at.then(n), f)
	}
}

// Siblings returns what else could stand where the last of words stands, by all its names.
func Siblings(words []string) (names [][]string) {
	n := root
	for _, w := range words[:len(words)-1] {
		for _, c := range n.sub {
			if c.name == w {
				n = c
			}
		}
	}
	for _, c := range n.sub {
		names = append(names, c.names())
	}
	return names
}

// Meaning returns the name of what a word means after others, or "".
func Meaning(words []string, last string) string {
	at, _, e := walk(place{root}, append(wordsOf(words[:len(words)-1]), word{text: last, eq: -1}))
	if e != nil {
		return ""
	}
	return at.last().name
}

func wordsOf(texts []string) (words []word) {
	for _, t := range texts {
		words = append(words, word{text: t, eq: -1})
	}
	return words
}

// Change runs steps as a command does.
func Change(steps ...[2]func() error) error {
	var c change
	for _, s := range steps {
		if err := c.do(s[0], s[1]); err != nil {
			return err
		}
	}
	return nil
}
