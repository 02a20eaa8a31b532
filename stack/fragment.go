package stack

import (
	"encoding/binary"
	"fmt"
	"syscall"
)

const (
	fragmentSize   = 8 // of a Fragment header
	fragmentNumber = 44
	moreFragments4 = 0x2000
)

// fragment cuts the packet into pieces that fit mtu and sends them in order. send borrows its
// argument.
func (p *ipPacket) fragment(mtu int, send func([]byte) error) error {
	if p.b[0]>>4 == 4 {
		return p.fragment4(mtu, send)
	}
	return p.fragment6(mtu, send)
}

// fragment6: RFC 8200 section 4.5: "The Per-Fragment headers must consist of the IPv6 header plus any
// extension headers that must be processed by nodes en route to the destination, that is, all headers
// up to and including the Routing header if present, else the Hop-by-Hop Options header if present,
// else no extension headers."
func (p *ipPacket) fragment6(mtu int, send func([]byte) error) error {
	// "each, except possibly the last ("rightmost") one, being an integer multiple of 8 octets long."
	size := (mtu - p.fixed - fragmentSize) &^ 7
	if size < 8 {
		return fmt.Errorf("%d bytes of headers in front of each fragment leave no room for it in a packet of %d: %w", p.fixed, mtu, syscall.EMSGSIZE)
	}
	id, rest := p.rand.Uint32(), p.b[p.fixed:]
	for at := 0; at < len(rest); at += size {
		data, bits := rest[at:min(at+size, len(rest))], at
		if at+len(data) < len(rest) {
			bits |= 1 // more fragments
		}
		f := append(p.part[:0], p.b[:p.fixed]...)
		f[p.next] = fragmentNumber
		f = append(f, p.b[p.next], 0)
		f = binary.BigEndian.AppendUint16(f, uint16(bits))
		f = binary.BigEndian.AppendUint32(f, id)
		f = append(f, data...)
		binary.BigEndian.PutUint16(f[4:], uint16(len(f)-header6))
		p.part = f
		if err := send(f); err != nil {
			return err
		}
	}
	return nil
}

// fragment4 is RFC 791 section 3.2's, for a header without options.
func (p *ipPacket) fragment4(mtu int, send func([]byte) error) error {
	size, rest := (mtu-header4)&^7, p.b[header4:]
	for at := 0; at < len(rest); at += size {
		data, bits := rest[at:min(at+size, len(rest))], at/8
		if at+len(data) < len(rest) {
			bits |= moreFragments4
		}
		f := append(append(p.part[:0], p.b[:header4]...), data...)
		binary.BigEndian.PutUint16(f[2:], uint16(len(f)))
		binary.BigEndian.PutUint16(f[6:], uint16(bits))
		sumHeader4(f[:header4])
		p.part = f
		if err := send(f); err != nil {
			return err
		}
	}
	return nil
}
