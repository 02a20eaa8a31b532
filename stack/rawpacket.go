package stack

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"syscall"

	"github.com/hextet/hextet/icmp6"
	"github.com/hextet/hextet/icmp6/checksum"
)

// assemble makes the packet: headers, payload and checksum.
func (c *rawSocket) assemble(p *ipPacket, f *flow, pieces [][]byte, h *rawHeader, final netip.Addr, o *rawOptions) error {
	n := 0
	for _, piece := range pieces {
		n += len(piece)
	}
	head, limit := header6+h.ext.size(), maxPayload6-h.ext.size()
	if c.key.ipv4 {
		head, limit = header4, maxPayload4
	}
	if n > limit {
		return fmt.Errorf("a payload of %d bytes, of at most %d: %w", n, limit, syscall.EMSGSIZE)
	}
	p.grow(head + n)
	p.whole = o.stays(h.whole)
	if err := c.fill(p.b[head:], pieces, f, final, o.checksum); err != nil {
		return err
	}
	hops, tc := o.hopsOf(f, h.hops), o.trafficClass(h.tos)
	p.putHeader(f, c.key.proto, hops, tc)
	if !c.key.ipv4 {
		p.fixed, p.next = h.ext.put(p.b, c.key.proto, final)
	}
	return nil
}

// fill copies the payload into b and fills the checksum in, in one pass over a payload of one piece.
// It is icmp6.Offset's Fill, whose errors it returns.
func (c *rawSocket) fill(b []byte, pieces [][]byte, f *flow, final netip.Addr, o icmp6.Offset) error {
	if o < 0 || len(pieces) != 1 || len(b) < int(o)+2 {
		n := 0
		for _, piece := range pieces {
			n += copy(b[n:], piece)
		}
		if o < 0 {
			return nil
		}
		return o.Fill(f.src, final, c.key.proto, b)
	}
	sum := f.sum
	if final != f.dst {
		sum = checksum.PseudoHeader(f.src, final, c.key.proto, 0)
	}
	sum = checksum.Copy(b, pieces[0], checksum.Combine(sum, uint16(len(b))))
	// Adding the complement takes out what the field held. A pseudo-header makes every sum at least
	// 1, so that neither side becomes the other zero by that.
	field := ^checksum.Combine(sum, ^binary.BigEndian.Uint16(b[o:]))
	if field == 0 && c.key.proto == protoUDP {
		field = 0xffff // RFC 8200 section 8.1
	}
	binary.BigEndian.PutUint16(b[o:], field)
	return nil
}

const protoUDP = 17
