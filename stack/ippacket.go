package stack

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"syscall"

	"github.com/hextet/hextet/icmp6/checksum"
	"github.com/hextet/hextet/stack/internal/convert"
)

const (
	header4 = 20 // of IPv4, without options
	header6 = 40
)

const maxPooledBytes = 16 << 10 // a larger buffer is not kept for another packet

// The longest payload: the Payload Length field of IPv6 does not count the header (RFC 8200 section
// 3), the Total Length field of IPv4 does (RFC 791 section 3.1).
const (
	maxPayload6 = 65535
	maxPayload4 = 65535 - header4
)

// ipPacket is an IP packet of a raw or a UDP socket on its way out.
type ipPacket struct {
	b     []byte
	fixed int    // how much of b each fragment begins with
	next  int    // where in b the type of what follows b[:fixed] stands
	whole bool   // not to be fragmented, by the sender or by anybody
	part  []byte // scratch for a fragment
	rand  *rand.Rand
}

var ipPackets = sync.Pool{New: func() any { return new(ipPacket) }}

func (s *Stack) newIPPacket() *ipPacket {
	p := ipPackets.Get().(*ipPacket)
	p.rand = s.rand
	return p
}

// free gives the buffers back.
func (p *ipPacket) free() {
	if cap(p.b) > maxPooledBytes {
		p.b = nil
	}
	if cap(p.part) > maxPooledBytes {
		p.part = nil
	}
	ipPackets.Put(p)
}

// grow makes b n bytes long, whose content does not matter.
func (p *ipPacket) grow(n int) {
	if cap(p.b) < n {
		p.b = make([]byte, n, max(n, 2048))
	}
	p.b = p.b[:n]
}

// putHeader writes the header, which nothing follows but the payload. In IPv6 it may be followed by
// extension headers, whose writer then corrects fixed and next.
func (p *ipPacket) putHeader(f *flow, proto, hops, tc uint8) {
	if f.dst.Is4() {
		p.fixed, p.next = header4, 9
		putHeader4(p.b, f, proto, hops, tc, p.whole, id4(p.rand))
		return
	}
	p.fixed, p.next = header6, 6
	putHeader6(p.b, f, proto, hops, tc)
}

// putHeader6 writes the header of RFC 8200 section 3.
func putHeader6(b []byte, f *flow, next, hops, tc uint8) {
	binary.BigEndian.PutUint32(b, 6<<28|uint32(tc)<<20)
	binary.BigEndian.PutUint16(b[4:], uint16(len(b)-header6))
	b[6], b[7] = next, hops
	src, dst := f.src.As16(), f.dst.As16()
	copy(b[8:24], src[:])
	copy(b[24:40], dst[:])
}

// id4 is an Identification that nobody takes for one yet to be chosen.
func id4(r *rand.Rand) uint16 { return uint16(1 + r.IntN(1<<16-1)) }

// putHeader4 writes the header of RFC 791 section 3.1.
func putHeader4(b []byte, f *flow, proto, ttl, tos uint8, whole bool, id uint16) {
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

// emit sends the packet, in fragments if need be, and gives this host its copy.
func (p *ipPacket) emit(f *flow) error {
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
func (p *ipPacket) staysHere() bool {
	if p.b[0]>>4 == 4 {
		return p.b[8] == 0 && p.b[16]>>4 == 0xe
	}
	return p.b[7] == 0 && p.b[24] == 0xff
}
