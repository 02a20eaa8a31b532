package conformance

import (
	"bytes"
	"fmt"
	"net/netip"

	"golang.org/x/net/ipv6"
)

// An arrival is a step in which packets come from the wire and the current socket receives a message,
// unless it has to be dropped.
type arrival struct {
	msg      []byte
	src, dst netip.Addr
	proto    int              // -1: the socket's
	offset   int              // where a right checksum is put; -1: nowhere
	spoil    func(msg []byte) // afterwards; nil: not at all
	wrap     wrapper          // nil: the message is the packet's payload
	look     func(received) error
	hops     uint8
	class    uint8
	dropped  bool
	fixed    bool // offset counts, and not the socket's option
}

// arrives is a message from Peer to the socket's address. For ICMPv6, or where the socket's option
// says, it has a right checksum.
func arrives(msg []byte) arrival { return arrival{msg: msg, src: Peer, proto: -1, hops: 64} }

func (a arrival) from(src netip.Addr) arrival         { a.src = src; return a }
func (a arrival) to(dst netip.Addr) arrival           { a.dst = dst; return a }
func (a arrival) ofProtocol(n uint8) arrival          { a.proto = int(n); return a }
func (a arrival) spoiled(f func(b []byte)) arrival    { a.spoil = f; return a }
func (a arrival) wrapped(w wrapper) arrival           { a.wrap = w; return a }
func (a arrival) header(hops, class uint8) arrival    { a.hops, a.class = hops, class; return a }
func (a arrival) drop() step                          { a.dropped = true; return a }
func (a arrival) showing(f func(received) error) step { a.look = f; return a }

// sealedAt puts the checksum at an offset whatever the socket's option, or, with -1, nowhere.
func (a arrival) sealedAt(offset int) arrival { a.offset, a.fixed = offset, true; return a }

func (a arrival) do(r *rig) error {
	msg, err := a.inject(r)
	if err != nil {
		return err
	}
	got, err := r.fence(r.current)
	if err != nil {
		return err
	}
	return a.judge(got, msg)
}

// inject puts the packets on the wire and returns the message in them.
func (a arrival) inject(r *rig) ([]byte, error) {
	c := r.current
	dst := a.dst
	if !dst.IsValid() {
		if dst = c.local; !dst.IsValid() {
			dst = Host
		}
	}
	proto := c.proto
	if a.proto >= 0 {
		proto = uint8(a.proto)
	}
	offset := a.offset
	if !a.fixed {
		offset = c.offset
	}
	msg := bytes.Clone(a.msg)
	if offset >= 0 && len(msg) >= offset+2 {
		msg = sealed(a.src, dst, proto, offset, msg)
	}
	if a.spoil != nil {
		a.spoil(msg)
	}
	parts := []part{{proto, msg}}
	if a.wrap != nil {
		parts = a.wrap(proto, msg)
	}
	r.did("%d bytes of protocol %d arrive from %v for %v, packets: %d", len(msg), proto, a.src, dst, len(parts))
	for _, p := range parts {
		if err := r.b.Inject(ip6(a.src, dst, p.next, a.hops, a.class, p.payload)); err != nil {
			return nil, deviates("a packet on the wire", "%s", because(err))
		}
	}
	return msg, nil
}

// judge looks at what the socket received.
func (a arrival) judge(got []received, msg []byte) error {
	if a.dropped {
		if len(got) > 0 {
			return deviates("it is dropped", "it is received")
		}
		return nil
	}
	due := fmt.Sprintf("the %d bytes are received", len(msg))
	switch {
	case len(got) == 0:
		return deviates(due, "nothing is received")
	case len(got) > 1:
		return deviates(due, "%d messages are received", len(got))
	case len(got[0].payload) != len(msg):
		return deviates(due, "%d bytes are received", len(got[0].payload))
	case !bytes.Equal(got[0].payload, msg):
		return deviates(due, "other bytes are received")
	case got[0].src != a.src:
		return deviates(fmt.Sprintf("the bytes come from %v", a.src), "the bytes come from %v", got[0].src)
	}
	if a.look != nil {
		return a.look(got[0])
	}
	return nil
}

// nothing shows that the socket has received nothing.
var nothing = stepFunc(func(r *rig) error {
	got, err := r.fence(r.current)
	if err != nil {
		return err
	}
	return arrival{dropped: true}.judge(got, nil)
})

// bothReceive is an arrival for the case's first and second socket.
func bothReceive(a arrival) step {
	return stepFunc(func(r *rig) error {
		msg, err := a.inject(r)
		if err != nil {
			return err
		}
		for _, c := range r.socks[1:] {
			got, err := r.fence(c)
			if err != nil {
				return err
			}
			if err := a.judge(got, msg); err != nil {
				return err
			}
		}
		return nil
	})
}

// reports asks for control data with what is received.
func reports(cf ipv6.ControlFlags) step {
	return sets("control messages on", "SetControlMessage", func(s controlSetter) error { return s.SetControlMessage(cf, true) })
}

// answers injects a message and looks at what the host sends about it. The packet has to satisfy
// look; nil wants none.
func answers(a arrival, look func(packet) error) step {
	return stepFunc(func(r *rig) error {
		if _, err := a.inject(r); err != nil {
			return err
		}
		if err := r.settle(); err != nil {
			return err
		}
		ps, err := r.sent(true)
		switch {
		case err != nil:
			return err
		case look == nil && len(ps) > 0:
			return deviates("the host sends nothing", "it sends %v", ps[0])
		case look == nil:
			return nil
		case len(ps) != 1:
			return deviates("the host sends one packet", "it sends %d packets", len(ps))
		}
		return look(ps[0])
	})
}

// message expects an ICMPv6 message with a right checksum.
func message(typ, code byte) func(packet) error {
	return func(p packet) error {
		due := fmt.Sprintf("ICMPv6 type %d code %d", typ, code)
		switch {
		case p.next != icmpv6 || len(p.payload) < 8:
			return deviates(due, "protocol %d", p.next)
		case p.payload[0] != typ || p.payload[1] != code:
			return deviates(due, "type %d code %d", p.payload[0], p.payload[1])
		case sum(p.src, p.dst, icmpv6, p.payload) != 0xffff:
			return deviates(due, "the checksum of the message is wrong")
		}
		return nil
	}
}
