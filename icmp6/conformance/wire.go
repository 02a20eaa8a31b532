package conformance

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// The Next Header values that the suite knows (RFC 8200 section 4).
const (
	hopByHop   = 0
	routing    = 43
	fragment   = 44
	icmpv6     = 58
	destOption = 60
)

const headerLen = 40 // of IPv6

// ip6 makes an IPv6 packet.
func ip6(src, dst netip.Addr, next, hops, class uint8, payload []byte) []byte {
	p := make([]byte, headerLen, headerLen+len(payload))
	binary.BigEndian.PutUint32(p, 6<<28|uint32(class)<<20)
	binary.BigEndian.PutUint16(p[4:], uint16(len(payload)))
	p[6], p[7] = next, hops
	s, d := src.As16(), dst.As16()
	copy(p[8:], s[:])
	copy(p[24:], d[:])
	return append(p, payload...)
}

// A packet is what the host has put on the wire.
type packet struct {
	src, dst    netip.Addr
	hops, class uint8
	headers     []header // extension headers, in order, without a fragment header
	next        uint8    // of payload
	payload     []byte

	id        uint32 // of a fragment
	offset    int    // of a fragment's payload
	fragment  bool
	more      bool
	fragments int // that a reassembled packet came in; 0: it came whole
	largest   int // size of the packet, or of its largest fragment
}

// String is what a packet is, without what differs from run to run.
func (p packet) String() string {
	if p.next == icmpv6 && len(p.payload) > 0 {
		return fmt.Sprintf("ICMPv6 type %d", p.payload[0])
	}
	return fmt.Sprintf("%d bytes of protocol %d", len(p.payload), p.next)
}

type header struct {
	typ   uint8
	bytes []byte
}

var errCut = errors.New("a packet that is cut")

func parse(b []byte) (packet, error) {
	if len(b) < headerLen || b[0]>>4 != 6 || headerLen+int(binary.BigEndian.Uint16(b[4:])) != len(b) {
		return packet{}, fmt.Errorf("%d bytes that are no IPv6 packet", len(b))
	}
	p := packet{
		src:     netip.AddrFrom16([16]byte(b[8:24])),
		dst:     netip.AddrFrom16([16]byte(b[24:40])),
		hops:    b[7],
		class:   b[0]<<4 | b[1]>>4,
		next:    b[6],
		payload: b[headerLen:],
		largest: len(b),
	}
	return p, p.walk()
}

// walk moves the extension headers at the beginning of payload to headers, up to what is in a
// fragment, which can only be read when it is whole.
func (p *packet) walk() error {
	for {
		b, n := p.payload, 0
		switch p.next {
		case hopByHop, routing, destOption:
			if len(b) < 8 || len(b) < 8+8*int(b[1]) {
				return errCut
			}
			n = 8 + 8*int(b[1])
			p.headers = append(p.headers, header{p.next, b[:n]})
		case fragment:
			if len(b) < 8 {
				return errCut
			}
			at := binary.BigEndian.Uint16(b[2:])
			p.fragment, p.offset, p.more = true, int(at&^7), at&1 != 0
			p.id = binary.BigEndian.Uint32(b[4:])
			p.next, p.payload = b[0], b[8:]
			return nil
		default:
			return nil
		}
		p.next, p.payload = b[0], b[n:]
	}
}

// noise reports whether p belongs to a host's housekeeping: multicast listener and neighbour
// discovery messages. Reports of errors are noise to all but those who look for them.
func (p *packet) noise(errors bool) bool {
	if p.next != icmpv6 || p.fragment || len(p.payload) == 0 {
		return false
	}
	switch t := p.payload[0]; {
	case t >= 130 && t <= 137, t == 143:
		return true
	case t >= 1 && t <= 4:
		return !errors
	}
	return false
}

// reassemble returns packets with fragments joined.
func reassemble(ps []packet) ([]packet, error) {
	var out []packet
	for len(ps) > 0 {
		first := ps[0]
		if !first.fragment {
			out, ps = append(out, first), ps[1:]
			continue
		}
		mine := func(p packet) bool { return p.fragment && p.id == first.id && p.src == first.src && p.dst == first.dst }
		var parts, rest []packet
		for _, p := range ps {
			if mine(p) {
				parts = append(parts, p)
			} else {
				rest = append(rest, p)
			}
		}
		whole, err := join(parts)
		if err != nil {
			return nil, err
		}
		out, ps = append(out, whole), rest
	}
	return out, nil
}

// join makes one packet of its fragments.
func join(parts []packet) (packet, error) {
	slices.SortFunc(parts, func(a, b packet) int { return a.offset - b.offset })
	whole := parts[0]
	whole.fragment, whole.fragments, whole.payload = false, len(parts), nil
	for i, p := range parts {
		if p.offset != len(whole.payload) || p.more != (i < len(parts)-1) {
			return packet{}, fmt.Errorf("%d fragments that do not fit together", len(parts))
		}
		whole.payload = append(whole.payload, p.payload...)
		whole.largest = max(whole.largest, p.largest)
	}
	return whole, whole.walk()
}
