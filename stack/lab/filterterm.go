package lab

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// term is one condition on a packet and its headers.
type term func(*Packet, *headers) bool

// Terms that are one word.
var simpleTerms = map[string]term{
	"ip":   func(_ *Packet, h *headers) bool { return h.version == 4 },
	"ip6":  func(_ *Packet, h *headers) bool { return h.version == 6 },
	"arp":  func(_ *Packet, h *headers) bool { return h.ether == etherARP },
	"tcp":  protocol(0, protoTCP),
	"udp":  protocol(0, protoUDP),
	"icmp": protocol(4, protoICMP), "icmp6": protocol(6, protoICMP6), "igmp": protocol(4, protoIGMP),
	"fin": flagged(1), "syn": flagged(2), "rst": flagged(4), "psh": flagged(8), "ack": flagged(16),
	"multicast":  func(p *Packet, _ *headers) bool { return len(p.Data) > 0 && p.Data[0]&1 != 0 },
	"fragment":   func(_ *Packet, h *headers) bool { return h.piece },
	"badsum":     func(_ *Packet, h *headers) bool { return h.checksums() != nil },
	"lost":       mishap(func(f Fate) bool { return f.Outcome != Delivered }),
	"corrupted":  mishap(func(f Fate) bool { return f.Corrupted }),
	"duplicated": mishap(func(f Fate) bool { return f.Duplicate }),
}

// Words that begin a term and take more. They are set below, where the functions are known to the compiler.
var longTerms map[string]func(*filterParser) (term, error)

func init() {
	longTerms = map[string]func(*filterParser) (term, error){
		"proto": func(p *filterParser) (term, error) {
			n, err := p.number(255)
			return protocol(0, uint8(n)), err
		},
		"src":  func(p *filterParser) (term, error) { return p.direction(true, false) },
		"dst":  func(p *filterParser) (term, error) { return p.direction(false, true) },
		"host": (*filterParser).host,
		"net":  func(p *filterParser) (term, error) { return p.net(true, true) },
		"port": func(p *filterParser) (term, error) { return p.port(true, true) },
		"from": func(p *filterParser) (term, error) { return p.name("a host's name", sentBy) },
		"to":   func(p *filterParser) (term, error) { return p.name("a host's name", receivedBy) },
		"on": func(p *filterParser) (term, error) {
			return p.name("a segment's name", func(name string) term { return func(q *Packet, _ *headers) bool { return q.Segment == name } })
		},
		"type": (*filterParser).kind,
		"code": func(p *filterParser) (term, error) {
			n, err := p.number(255)
			return func(_ *Packet, h *headers) bool { return h.icmp && int(h.code) == n }, err
		},
		"len": (*filterParser).length,
	}
}

// begins reports whether a word can begin a term.
func begins(w string) bool {
	return simpleTerms[w] != nil || longTerms[w] != nil || w == "not" || w == "!" || w == "("
}

func protocol(version, proto uint8) term {
	return func(_ *Packet, h *headers) bool {
		return h.version != 0 && h.proto == proto && (version == 0 || h.version == version)
	}
}

func flagged(bit uint8) term {
	return func(_ *Packet, h *headers) bool { return h.flags&bit != 0 }
}

func mishap(is func(Fate) bool) term {
	return func(p *Packet, _ *headers) bool { return slices.ContainsFunc(p.Fates(), is) }
}

// term reads one condition.
func (p *filterParser) term() (term, error) {
	w := p.take()
	if t := simpleTerms[w.text]; t != nil {
		return t, nil
	}
	if f := longTerms[w.text]; f != nil {
		return f(p)
	}
	return nil, expected(w, "a condition, as in tcp, src 2001:db8::1 or not port 80,")
}

// direction reads what follows src or dst.
func (p *filterParser) direction(src, dst bool) (term, error) {
	switch {
	case p.accept("port"):
		return p.port(src, dst)
	case p.accept("host", "net"):
	}
	return p.net(src, dst)
}

// net reads an address or a prefix.
func (p *filterParser) net(src, dst bool) (term, error) {
	w := p.take()
	prefix, ok := parsePrefix(w.text)
	if !ok {
		return nil, expected(w, "an address or a prefix")
	}
	return within(prefix, src, dst), nil
}

func parsePrefix(s string) (netip.Prefix, bool) {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), a.Zone() == ""
	}
	p, err := netip.ParsePrefix(s)
	return p, err == nil
}

func within(prefix netip.Prefix, src, dst bool) term {
	return func(_ *Packet, h *headers) bool {
		return src && prefix.Contains(h.src) || dst && prefix.Contains(h.dst)
	}
}

// host reads an address, or the name of a host of the lab.
func (p *filterParser) host() (term, error) {
	if prefix, ok := parsePrefix(p.peek().text); ok {
		p.take()
		return within(prefix, true, true), nil
	}
	return p.name("an address or a host's name", func(name string) term {
		sent, received := sentBy(name), receivedBy(name)
		return func(q *Packet, h *headers) bool { return sent(q, h) || received(q, h) }
	})
}

func (p *filterParser) name(what string, make func(name string) term) (term, error) {
	w := p.take()
	if w.text == "" || has(operator+"(),", w.text[0]) {
		return nil, expected(w, what)
	}
	return make(w.text), nil
}

// is reports whether a host, or a host's interface, is meant by name.
func is(port, name string) bool {
	return port == name || len(port) > len(name) && port[len(name)] == '/' && strings.HasPrefix(port, name)
}

func sentBy(name string) term {
	return func(q *Packet, _ *headers) bool { return is(q.From, name) }
}

func receivedBy(name string) term {
	return func(q *Packet, _ *headers) bool {
		for _, g := range q.fates {
			if slices.ContainsFunc(g.to, func(to *port) bool { return is(to.name, name) }) {
				return true
			}
		}
		return false
	}
}

func (p *filterParser) port(src, dst bool) (term, error) {
	n, err := p.number(65535)
	return func(_ *Packet, h *headers) bool {
		return h.ports && (src && int(h.srcPort) == n || dst && int(h.dstPort) == n)
	}, err
}

func (p *filterParser) number(limit int) (int, error) {
	w := p.take()
	n, err := strconv.ParseUint(w.text, 10, 32)
	if err != nil || n > uint64(limit) {
		return 0, expected(w, fmt.Sprintf("a number from 0 to %d", limit))
	}
	return int(n), nil
}

// Numbers of ICMP and ICMPv6 by the names of filters: -1 where there is none.
var kinds = map[string][2]int{
	"echo-request": {8, 128}, "echo-reply": {0, 129}, "unreachable": {3, 1}, "too-big": {-1, 2},
	"time-exceeded": {11, 3}, "parameter-problem": {12, 4}, "rs": {-1, 133}, "ra": {-1, 134},
	"ns": {-1, 135}, "na": {-1, 136}, "redirect": {5, 137},
}

// kind reads what follows type.
func (p *filterParser) kind() (term, error) {
	w := p.peek()
	if k, ok := kinds[w.text]; ok {
		p.take()
		return func(_ *Packet, h *headers) bool {
			return h.icmp && (h.version == 4 && int(h.kind) == k[0] || h.version == 6 && int(h.kind) == k[1])
		}, nil
	}
	n, err := p.number(255)
	if err != nil {
		err = expected(w, "a number from 0 to 255 or a name, as in ns,")
	}
	return func(_ *Packet, h *headers) bool { return h.icmp && int(h.kind) == n }, err
}

// length reads what follows len.
func (p *filterParser) length() (term, error) {
	w := p.take()
	var holds func(order int) bool
	switch w.text {
	case "<":
		holds = func(o int) bool { return o < 0 }
	case "<=":
		holds = func(o int) bool { return o <= 0 }
	case ">":
		holds = func(o int) bool { return o > 0 }
	case ">=":
		holds = func(o int) bool { return o >= 0 }
	case "=", "==":
		holds = func(o int) bool { return o == 0 }
	case "!=":
		holds = func(o int) bool { return o != 0 }
	default:
		return nil, expected(w, "<, <=, >, >=, = or !=")
	}
	n, err := p.number(65535 + 40)
	return func(_ *Packet, h *headers) bool { return h.version != 0 && holds(cmp.Compare(len(h.ip), n)) }, err
}
