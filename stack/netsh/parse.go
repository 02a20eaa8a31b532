package netsh

import (
	"context"
	"errors"
	"strings"
)

// A call is a command that is about to run, with what was said to it.
type call struct {
	ctx     context.Context
	sh      *Shell
	out     *strings.Builder
	command string
	args    map[string]arg // by the full name of the parameter
}

// An arg is the value of a parameter and the word that it was read from.
type arg struct {
	value any
	word  word
}

// get returns the value of a parameter, and whether it was given.
func get[T any](c *call, name string) (T, bool) {
	v, ok := c.args[name].value.(T)
	return v, ok
}

// given reports whether a parameter was.
func (c *call) given(name string) bool {
	_, ok := c.args[name]
	return ok
}

// wrong is a complaint about the value of a parameter, or about its absence.
func (c *call) wrong(name string, e *Error) error {
	e.Command = c.command
	if a, ok := c.args[name]; ok {
		return e.at(a.word)
	}
	return e
}

// blame says which parameter an error of the stack is about.
func (c *call) blame(name string, err error) error {
	var e *Error
	if err == nil || errors.As(err, &e) || !c.given(name) {
		return err
	}
	return c.wrong(name, &Error{Problem: err.Error(), Err: err})
}

// parse reads words as the parameters of a command: name=value, where the name may be abbreviated, or the
// value alone, which then is the first parameter's that has none yet.
func (c *call) parse(params []param, words []word) *Error {
	all := make([]*param, len(params))
	for i := range params {
		all[i] = &params[i]
	}
	c.args = make(map[string]arg)
	for _, w := range words {
		var e *Error
		if w.eq >= 0 {
			e = c.named(all, w)
		} else {
			e = c.positional(all, w)
		}
		if e != nil {
			return e.at(w)
		}
	}
	for _, p := range all {
		if p.need && !c.given(p.name) {
			return problem(ErrSyntax, "there is no %s", p.name).wanting("%s=%s, %s", p.name, p.kind.usage, p.kind.want)
		}
	}
	return nil
}

func (c *call) named(all []*param, w word) *Error {
	name := w.text[:w.eq]
	found := find(name, all, (*param).names)
	switch len(found) {
	case 0:
		if len(all) == 0 {
			return problem(ErrSyntax, "it takes no parameters")
		}
		return problem(ErrSyntax, "it takes no parameter %s", quoted(name)).oneOf(name, namesOf(all, (*param).names))
	case 1:
	default:
		return problem(ErrSyntax, "the parameter %s may mean several", quoted(name)).wanting("%s", alternatives(namesOf(found, (*param).names)))
	}
	p := found[0]
	if before, twice := c.args[p.name]; twice {
		return problem(ErrSyntax, "%s is given already, by %s at column %d", p.name, quoted(before.word.text), before.word.column)
	}
	return c.read(p, w, w.text[w.eq+1:])
}

func (c *call) positional(all []*param, w word) *Error {
	for _, p := range all {
		if c.given(p.name) {
			continue
		}
		e := c.read(p, w, w.text)
		if e == nil || !p.skip || errors.Is(e, errors.ErrUnsupported) {
			return e
		}
	}
	if len(all) == 0 {
		return problem(ErrSyntax, "it takes no parameters")
	}
	return problem(ErrSyntax, "one word too many: all parameters have a value")
}

// read makes a value of text, which is the word w, or what follows the = in it.
func (c *call) read(p *param, w word, text string) *Error {
	v, err := p.kind.parse(c.sh, text)
	if err == nil {
		c.args[p.name] = arg{value: v, word: w}
		return nil
	}
	var e *Error
	if !errors.As(err, &e) {
		e = problem(ErrSyntax, "%v", err)
	}
	e.Problem = p.name + ": " + e.Problem
	if e.Want == "" {
		e.Want = p.kind.want
	}
	return e
}
