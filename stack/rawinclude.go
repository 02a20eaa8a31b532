package stack

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"syscall"
)

// SetHeaderIncluded says that what is written begins with the IP header. The destination of the call
// decides the way, the header what is on the wire: it may contradict the destination, as long as that
// is not the host's own, and carry a source that is not the host's.
//
// An IPv6 packet goes out as it is, checksums included, and may contain extension headers; control
// messages then choose source and interface of the route only. Of an IPv4 packet the stack writes
// Total Length and Header Checksum, an Identification that is 0 and a source that is 0.0.0.0, as
// other hosts do. A packet that is larger than the path carries is syscall.EMSGSIZE: nothing is
// fragmented. What is no IP packet is syscall.EINVAL. Reading is not changed.
func (c *rawSocket) SetHeaderIncluded(on bool) error {
	return c.set(func(o *rawOptions) error {
		o.headerIncluded = on
		return nil
	})
}

// HeaderIncluded reports what SetHeaderIncluded set; on a new socket it is off.
func (c *rawSocket) HeaderIncluded() bool { return c.opt.Load().headerIncluded }

// include makes the packet of one that the caller made.
func (c *rawSocket) include(p *ipPacket, f *flow, pieces [][]byte) error {
	n := 0
	for _, piece := range pieces {
		n += len(piece)
	}
	if limit := maxPayload6 + header6; n > limit {
		return fmt.Errorf("a packet of %d bytes, of at most %d: %w", n, limit, syscall.EMSGSIZE)
	}
	p.grow(n)
	p.whole = true
	n = 0
	for _, piece := range pieces {
		n += copy(p.b[n:], piece)
	}
	var dst netip.Addr
	var err error
	if c.key.ipv4 {
		dst, err = included4(p.b, f.src, p.rand)
	} else {
		dst, err = included6(p.b)
	}
	if err == nil && dst != f.dst && f.out.Loops() {
		err = fmt.Errorf("the packet is addressed to %v, but is to be delivered here as one to %v: %w", dst, f.dst, syscall.EINVAL)
	}
	return err
}

// included6 checks an IPv6 packet and returns its destination.
func included6(b []byte) (netip.Addr, error) {
	switch {
	case len(b) < header6:
		return netip.Addr{}, fmt.Errorf("%d bytes are no IPv6 header: %w", len(b), syscall.EINVAL)
	case b[0]>>4 != 6:
		return netip.Addr{}, fmt.Errorf("the packet's version is %d, not 6: %w", b[0]>>4, syscall.EINVAL)
	}
	if n := int(binary.BigEndian.Uint16(b[4:])); n != len(b)-header6 {
		return netip.Addr{}, fmt.Errorf("the packet's Payload Length is %d, of %d bytes: %w", n, len(b)-header6, syscall.EINVAL)
	}
	return netip.AddrFrom16([16]byte(b[24:40])), nil
}

// included4 checks an IPv4 packet, completes it and returns its destination.
func included4(b []byte, src netip.Addr, r *rand.Rand) (netip.Addr, error) {
	if len(b) < header4 {
		return netip.Addr{}, fmt.Errorf("%d bytes are no IPv4 header: %w", len(b), syscall.EINVAL)
	}
	head := 4 * int(b[0]&15)
	switch {
	case b[0]>>4 != 4:
		return netip.Addr{}, fmt.Errorf("the packet's version is %d, not 4: %w", b[0]>>4, syscall.EINVAL)
	case head < header4 || head > len(b):
		return netip.Addr{}, fmt.Errorf("the packet's header is %d bytes long, of %d: %w", head, len(b), syscall.EINVAL)
	case len(b) > 65535:
		return netip.Addr{}, fmt.Errorf("a packet of %d bytes, of at most 65535: %w", len(b), syscall.EMSGSIZE)
	}
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	if b[4] == 0 && b[5] == 0 {
		binary.BigEndian.PutUint16(b[4:], id4(r))
	}
	if [4]byte(b[12:16]) == [4]byte{} {
		from := src.As4()
		copy(b[12:], from[:])
	}
	sumHeader4(b[:head])
	return netip.AddrFrom4([4]byte(b[16:20])), nil
}
