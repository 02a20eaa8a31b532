package stack

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"syscall"

	"github.com/hextet/hextet/icmp6"
	"github.com/hextet/hextet/icmp6/checksum"
	"github.com/hextet/hextet/stack/internal/convert"
)

const (
	header4 = 20 // of IPv4, without options
	header6 = 40
)

// The longest payload: the Payload Length field of IPv6 does not count the header (RFC 8200 section
// 3), the Total Length field of IPv4 does (RFC 791 section 3.1).
const (
	maxPayload6 = 65535
	maxPayload4 = 65535 - header4
)

// rawPacket is an IP packet on its way out.
type rawPacket struct {
	b     []byte
	fixed int    // how much of b each fragment begins with
	next  int    // where in b the type of what follows b[:fixed] stands
	whole bool   // not to be fragmented, by the sender or by anybody
	part  []byte // scratch for a fragment
	rand  *rand.Rand
}

var rawPackets = sync.Pool{New: func() any { return new(rawPacket) }}

func (s *Stack) newRawPacket() *rawPacket {
	p := rawPackets.Get().(*rawPacket)
	p.rand = s.rand
	return p
}

// free gives the buffers back.
func (p *rawPacket) free() {
	if cap(p.b) > rawPooledBytes {
		p.b = nil
	}
	if cap(p.part) > rawPooledBytes {
		p.part = nil
	}
	rawPackets.Put(p)
}

// grow makes b n bytes long, whose content does not matter.
func (p *rawPacket) grow(n int) {
	if cap(p.b) < n {
		p.b = make([]byte, n, max(n, 2048))
	}
	p.b = p.b[:n]
}

// assemble makes the packet: headers, payload and checksum.
func (c *rawSocket) assemble(p *rawPacket, f *rawFlow, pieces [][]byte, h *rawHeader, final netip.Addr, o *rawOptions) error {
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
	p.whole = o.stays(h)
	if err := c.fill(p.b[head:], pieces, f, final, o.checksum); err != nil {
		return err
	}
	hops, tc := o.hopsOf(f, h), trafficClass(h, o)
	if c.key.ipv4 {
		p.fixed, p.next = header4, 9
		putHeader4(p.b, f, c.key.proto, hops, tc, p.whole, id4(p.rand))
		return nil
	}
	putHeader6(p.b, f, hops, tc)
	p.fixed, p.next = h.ext.put(p.b, c.key.proto, final)
	return nil
}

// putHeader6 writes the header of RFC 8200 section 3, but for Next Header.
func putHeader6(b []byte, f *rawFlow, hops, tc uint8) {
	binary.BigEndian.PutUint32(b, 6<<28|uint32(tc)<<20)
	binary.BigEndian.PutUint16(b[4:], uint16(len(b)-header6))
	b[7] = hops
	src, dst := f.src.As16(), f.dst.As16()
	copy(b[8:24], src[:])
	copy(b[24:40], dst[:])
}

// id4 is an Identification that nobody takes for one yet to be chosen.
func id4(r *rand.Rand) uint16 { return uint16(1 + r.IntN(1<<16-1)) }

// putHeader4 writes the header of RFC 791 section 3.1.
func putHeader4(b []byte, f *rawFlow, proto, ttl, tos uint8, whole bool, id uint16) {
	b[0], b[1] = 0x45, tos
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	binary.BigEndian.PutUint16(b[4:], id)
	binary.BigEndian.PutUint16(b[6:], 0)
	if whole {
		b[6] = dontFragment4
	}
	b[8], b[9] = ttl, proto
	src, dst := f.src.As4(), f.dst.As4()
	copy(b[12:16], src[:])
	copy(b[16:20], dst[:])
	sumHeader4(b[:header4])
}

// sumHeader4 fills the checksum of an IPv4 header in.
func sumHeader4(h []byte) {
	h[10], h[11] = 0, 0
	binary.BigEndian.PutUint16(h[10:], ^checksum.Sum(h, 0))
}

const dontFragment4 = 0x40 // in the byte of the flags (RFC 791 section 3.1)

// fill copies the payload into b and fills the checksum in, in one pass over a payload of one piece.
// It is icmp6.Offset's Fill, whose errors it returns.
func (c *rawSocket) fill(b []byte, pieces [][]byte, f *rawFlow, final netip.Addr, o icmp6.Offset) error {
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

// emit sends the packet, in fragments if need be, and gives this host its copy.
func (c *rawSocket) emit(p *rawPacket, f *rawFlow) error {
	leaves := f.out.Leaves() && !p.staysHere()
	if leaves && len(p.b) > f.mtu && p.whole {
		return fmt.Errorf("a packet of %d bytes to %v, whose path carries %d, that is not to be fragmented: %w", len(p.b), f.dst, f.mtu, syscall.EMSGSIZE)
	}
	if f.out.Loops() {
		if err := convert.Error(f.out.Deliver(p.b)); err != nil {
			return err
		}
	}
	switch {
	case !leaves:
		return nil
	case len(p.b) <= f.cut || p.whole:
		return convert.Error(f.out.Send(p.b))
	}
	return p.fragment(f.cut, func(b []byte) error { return convert.Error(f.out.Send(b)) })
}

// staysHere reports whether the packet is for group members on this host only: a multicast packet
// whose hop limit, or time to live, is 0.
func (p *rawPacket) staysHere() bool {
	if p.b[0]>>4 == 4 {
		return p.b[8] == 0 && p.b[16]>>4 == 0xe
	}
	return p.b[7] == 0 && p.b[24] == 0xff
}
