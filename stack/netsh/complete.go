package netsh

import (
	"slices"
	"strings"
)

// Complete returns the lines that a line may be on its way to: its last word in full, where a blank at the end
// begins a new one. It proposes commands, the names of parameters, and values of which there are few:
// interfaces, and words such as true. The part of them that they have in common is what a Tab key adds.
func (s *Shell) Complete(line string) []string {
	if len(line) > MaxLine {
		return nil
	}
	words, open := split(line)
	last := word{column: len(line) + 1, eq: -1}
	if n := len(words); n > 0 && (open > 0 || strings.TrimRight(line, " \t") == line) {
		last, words = words[n-1], words[:n-1]
	}
	var full []string
	for _, text := range s.endings(words, last) {
		full = append(full, line[:last.column-1]+text)
	}
	slices.Sort(full)
	return slices.Compact(full)
}

// endings returns what the last word may be, after the others.
func (s *Shell) endings(words []word, last word) (texts []string) {
	from := s.at
	if len(words) > 0 && words[0].is("ipconfig", "ipconfig.exe") {
		for _, c := range ipconfigCommands[1:] {
			texts = proposed(texts, last, "/"+c.option)
		}
		return texts
	}
	if len(words) > 0 && words[0].is("netsh", "netsh.exe") {
		from, words = place{root}, words[1:]
	}
	for in := from; len(in) > 0; in = in[:len(in)-1] { // as command looks for what is meant
		at, rest, e := walk(in, words)
		if e != nil && len(at) > len(in) {
			return nil
		}
		if e != nil {
			continue
		}
		if n := at.last(); n.run != nil {
			return s.parameters(n.params, rest, last)
		}
		for _, n := range at.last().sub {
			texts = proposed(texts, last, n.name)
		}
		if len(texts) > 0 || len(words) > 0 {
			break
		}
	}
	if len(words) == 0 {
		texts = proposed(texts, last, "ipconfig")
	}
	return texts
}

// proposed adds a text that the word may be the beginning of.
func proposed(texts []string, w word, text string) []string {
	if prefixOf(w.text, text) {
		return append(texts, text)
	}
	return texts
}

// parameters proposes names of parameters that are not given, and the values of the one that is meant.
func (s *Shell) parameters(params []param, words []word, last word) (texts []string) {
	c := &call{sh: s}
	rest := make([]param, len(params))
	for k, p := range params { // none is missing yet
		p.need = false
		rest[k] = p
	}
	if c.parse(rest, words) != nil {
		return nil
	}
	rest = slices.DeleteFunc(rest, func(p param) bool { return c.given(p.name) })
	if last.eq >= 0 {
		for _, p := range rest {
			if name := last.text[:last.eq]; prefixOf(name, p.name) && name != "" {
				texts = append(texts, s.values(p, name+"=", last.text[last.eq+1:])...)
			}
		}
		return texts
	}
	for k, p := range rest {
		if k == 0 || rest[k-1].skip {
			texts = append(texts, s.values(p, "", last.text)...)
		}
	}
	for _, p := range rest {
		if !last.quoted {
			texts = proposed(texts, last, p.name+"=")
		}
	}
	return texts
}

// values proposes those of a parameter that begin with text.
func (s *Shell) values(p param, before, text string) (texts []string) {
	if p.kind.complete == nil {
		return nil
	}
	for _, v := range p.kind.complete(s) {
		if prefixOf(text, v) && !strings.Contains(v, `"`) { // there is no way to write a quote
			texts = append(texts, before+quote(v))
		}
	}
	return texts
}
