package lab

import (
	"net/netip"
	"strings"
)

// playAnswer has a host send ICMP errors about packets. Its own it leaves alone, so that no error follows from
// another.
func (tl *tale) playAnswer(l *storyLine) (string, error) {
	p, _, err := tl.find(l, l.args[0])
	if err != nil {
		return "", err
	}
	say, err := l.answer(p.Host)
	if err != nil {
		return "", err
	}
	f, err := ParseFilter(l.filter())
	if err != nil {
		return "", err
	}
	own := p.name + "/"
	tl.l.On(f.And(func(q Packet) bool { return !strings.HasPrefix(q.From, own) }), func(q Packet) {
		say(q) // a packet that has no sender, or is none of IP, has nobody to be told
	})
	return "", nil
}

// answer is what the one option of an answer says about a packet.
func (l *storyLine) answer(h *Host) (func(Packet) error, error) {
	if len(l.options) != 1 {
		return nil, l.wrong(storyWord{}, "one of too-big=, unreachable=, time-exceeded= and redirect= is expected")
	}
	for option := range l.options { // there is one
		n := l.number(option, 0)
		switch option {
		case "too-big":
			return func(q Packet) error { return h.PacketTooBig(q, n) }, nil
		case "unreachable":
			return func(q Packet) error { return h.Unreachable(q, uint8(n)) }, nil
		case "time-exceeded":
			return func(q Packet) error { return h.TimeExceeded(q, uint8(n)) }, nil
		}
	}
	target := netip.MustParseAddr(l.options["redirect"])
	return func(q Packet) error { return h.Redirect(q, target) }, nil
}
