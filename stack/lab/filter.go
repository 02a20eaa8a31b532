package lab

import (
	"errors"
	"fmt"
)

// A Filter reports whether a packet is one of those that are meant.
type Filter func(Packet) bool

// And returns a Filter that passes what both do.
func (f Filter) And(g Filter) Filter { return func(p Packet) bool { return f(p) && g(p) } }

// Or returns a Filter that passes what either does.
func (f Filter) Or(g Filter) Filter { return func(p Packet) bool { return f(p) || g(p) } }

// Not returns a Filter that passes what f does not.
func (f Filter) Not() Filter { return func(p Packet) bool { return !f(p) } }

// After returns a Filter that passes what was sent after p.
func After(p Packet) Filter { return func(q Packet) bool { return q.Number > p.Number } }

func passes(p Packet, filters []Filter) bool {
	for _, f := range filters {
		if !f(p) {
			return false
		}
	}
	return true
}

// Match is ParseFilter for a text that is right. It panics if it is not.
func Match(text string) Filter {
	f, err := ParseFilter(text)
	if err != nil {
		panic(err)
	}
	return f
}

// ParseFilter reads a filter as people write it, in the manner of tcpdump:
//
//	icmp6 and src 2001:db8::1
//	tcp port 80 and not host web
//	type ns or type na, on lan1
//
// These words mean a packet
//
//	ip, ip6, arp                    of that network layer; ip is IPv4
//	tcp, udp, icmp, icmp6, igmp     of that protocol; proto 89 is one by its number
//	src A, dst A                    from, to an address or a prefix
//	host A, net P                   either of the two; in ARP, who asks and who is asked for
//	host web, host web/eth0         sent, or to be received, by a host or an interface of the lab
//	from web, to web                only the one, only the other
//	on lan1                         sent on that segment
//	port 80, src port 80, dst port 80
//	type 135, type ns, code 1       of ICMP or ICMPv6
//	syn, fin, rst, psh, ack         of TCP, with that flag
//	len > 1000                      whose IP packet is so long, in bytes; also <, <=, >=, =, !=
//	multicast                       to a group, or to everybody
//	fragment                        that is part of a larger one
//	lost, corrupted, duplicated     to which that happened on the way to at least one receiver
//	badsum                          with a wrong checksum
//
// and, or, not and parentheses join them; also &&, || and !. Not binds closest, then and, then or. Between
// two terms "and" may be left out, or written as a comma. Type names are echo-request, echo-reply,
// unreachable, too-big, time-exceeded, parameter-problem, rs, ra, ns, na and redirect. An empty text passes
// everything. Errors name the word, and where it is, counted in bytes from 1.
func ParseFilter(text string) (Filter, error) {
	t, err := parseFilter(text)
	if err != nil {
		return nil, err
	}
	return func(p Packet) bool {
		h := parse(p.Data)
		return t(&p, &h)
	}, nil
}

// maxFilter bounds a filter's text, and with it its depth.
const maxFilter = 4096

func parseFilter(text string) (term, error) {
	if len(text) > maxFilter {
		return nil, fmt.Errorf("lab: filter of %d bytes, of which %d are allowed", len(text), maxFilter)
	}
	p := &filterParser{words: splitFilter(text)}
	if p.peek().text == "" {
		return func(*Packet, *headers) bool { return true }, nil
	}
	t, err := p.any(0)
	if w := p.peek(); err == nil && w.text != "" {
		err = expected(w, `"and", "or" or the end`)
	}
	if err != nil {
		return nil, fmt.Errorf("lab: filter %q: %w", text, err)
	}
	return t, nil
}

// word is a word of a filter's text, and where it is.
type word struct {
	text string // "" at the end
	at   int    // from 1
}

func expected(w word, what string) error {
	if w.text == "" {
		return fmt.Errorf("at its end, %s is expected", what)
	}
	return fmt.Errorf("at %d, %q: %s is expected", w.at, w.text, what)
}

// splitFilter cuts a text into words, operators and parentheses.
func splitFilter(text string) []word {
	const space, single = " \t\r\n", "(),"
	var words []word
	for i := 0; i < len(text); {
		begin := i
		c := text[i]
		switch {
		case has(space, c):
			i++
			continue
		case has(single, c):
			i++
		case has(operator, c):
			for i < len(text) && has(operator, text[i]) && (i == begin || text[i] != '!') {
				i++
			}
		default:
			for i < len(text) && !has(space, text[i]) && !has(single, text[i]) && !has(operator, text[i]) {
				i++
			}
		}
		words = append(words, word{text[begin:i], begin + 1})
	}
	return words
}

const operator = "<>=!&|"

func has(set string, c byte) bool {
	for i := range len(set) {
		if set[i] == c {
			return true
		}
	}
	return false
}

// filterParser reads words by recursive descent.
type filterParser struct {
	words []word
	next  int
}

func (p *filterParser) peek() word {
	if p.next < len(p.words) {
		return p.words[p.next]
	}
	return word{}
}

func (p *filterParser) take() word {
	w := p.peek()
	if w.text != "" {
		p.next++
	}
	return w
}

// accept takes one of the words if it is next.
func (p *filterParser) accept(texts ...string) bool {
	w := p.peek()
	for _, s := range texts {
		if w.text == s {
			p.next++
			return true
		}
	}
	return false
}

const maxNesting = 100

var errNesting = errors.New("it is nested more than 100 deep")

func (p *filterParser) any(depth int) (term, error) {
	left, err := p.all(depth)
	for err == nil && p.accept("or", "||") {
		var right term
		a := left
		if right, err = p.all(depth); err == nil {
			left = func(q *Packet, h *headers) bool { return a(q, h) || right(q, h) }
		}
	}
	return left, err
}

func (p *filterParser) all(depth int) (term, error) {
	left, err := p.one(depth)
	for err == nil {
		if !p.accept("and", "&&", ",") {
			if w := p.peek().text; w == "" || w == ")" || w == "or" || w == "||" || !begins(w) {
				break
			}
		}
		var right term
		a := left
		if right, err = p.one(depth); err == nil {
			left = func(q *Packet, h *headers) bool { return a(q, h) && right(q, h) }
		}
	}
	return left, err
}

func (p *filterParser) one(depth int) (term, error) {
	if depth > maxNesting {
		return nil, errNesting
	}
	switch {
	case p.accept("not", "!"):
		t, err := p.one(depth + 1)
		return func(q *Packet, h *headers) bool { return !t(q, h) }, err
	case p.accept("("):
		t, err := p.any(depth + 1)
		if err == nil && !p.accept(")") {
			err = expected(p.peek(), `")", "and" or "or"`)
		}
		return t, err
	}
	return p.term()
}
