package stack

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"

	"github.com/hextet/hextet/icmp6"
	"github.com/hextet/hextet/stack/internal/convert"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	gvisor "gvisor.dev/gvisor/pkg/tcpip/stack"
)

// rawHeader is what a caller wants in the header of one packet.
type rawHeader struct {
	source netip.Addr // zero: chosen
	iface  int        // 0: chosen
	hops   int        // 0: the socket's; -1: the default
	tos    int        // 0: the socket's; -1: the default
}

// sendTo is the end of every call that sends one packet: the payload in pieces, to addr or, if that
// is nil, to the connected peer.
func (c *rawSocket) sendTo(pieces [][]byte, h rawHeader, addr net.Addr) (int, error) {
	err := c.ready()
	if err == nil {
		var dst netip.Addr
		if dst, err = c.destination(addr); err == nil {
			err = c.send(pieces, h, dst)
		}
	}
	if err != nil {
		return 0, c.opError("write", addr, syscallError("sendto", err))
	}
	n := 0
	for _, p := range pieces {
		n += len(p)
	}
	return n, nil
}

// ready reports why nothing can be sent any more.
func (c *rawSocket) ready() error {
	select {
	case <-c.done:
		return net.ErrClosed
	case <-c.write.wait():
		return os.ErrDeadlineExceeded
	default:
		return nil
	}
}

// destination returns the address that a caller gave, or that of the peer with its zone.
func (c *rawSocket) destination(addr net.Addr) (netip.Addr, error) {
	if addr == nil {
		return c.opt.Load().remote, nil
	}
	a, ok := addr.(*net.IPAddr)
	if !ok || a == nil {
		return netip.Addr{}, fmt.Errorf("the destination is a %T, not a *net.IPAddr: %w", addr, syscall.EINVAL)
	}
	dst, ok := netip.AddrFromSlice(a.IP)
	if !ok {
		return netip.Addr{}, fmt.Errorf("the destination is %d bytes long, which no IP address is: %w", len(a.IP), syscall.EINVAL)
	}
	// Package net writes IPv4 addresses in this form too.
	return dst.Unmap().WithZone(a.Zone), nil
}

// send sends one packet: first the route and with it the source, then the checksum, whose
// pseudo-header holds both addresses (RFC 3542 section 3.1).
func (c *rawSocket) send(pieces [][]byte, h rawHeader, dst netip.Addr) error {
	o := c.opt.Load()
	for range 2 {
		r, err := c.route(dst, h, o)
		if err != nil {
			return err
		}
		gone, err := c.sendVia(r, pieces, h, o)
		r.Release()
		if !gone {
			return err
		}
		c.cache.reset() // the route's address or interface went away since it was found
	}
	return syscall.ENETDOWN
}

// sendVia sends one packet over r. gone means that r is of no use any more.
func (c *rawSocket) sendVia(r *gvisor.Route, pieces [][]byte, h rawHeader, o *rawOptions) (gone bool, err error) {
	v, err := c.payload(r, pieces, o.checksum)
	if err != nil {
		return false, err
	}
	pkt := gvisor.NewPacketBuffer(gvisor.PacketBufferOptions{
		ReserveHeaderBytes: int(r.MaxHeaderLength()),
		Payload:            buffer.MakeWithView(v),
	})
	defer pkt.DecRef()
	gverr := r.WritePacket(gvisor.NetworkHeaderParams{
		Protocol: tcpip.TransportProtocolNumber(c.key.proto),
		TTL:      c.hops(r, h, o),
		TOS:      trafficClass(h, o),
	}, pkt)
	if _, gone = gverr.(*tcpip.ErrInvalidEndpointState); gone {
		return true, nil
	}
	return false, convert.Error(gverr)
}

// The longest payload: the Payload Length field of IPv6 does not count the header (RFC 8200 section
// 3), the Total Length field of IPv4 does (RFC 791 section 3.1).
const (
	maxPayload6 = 65535
	maxPayload4 = 65535 - 20
)

// payload returns the packet behind its IP header, with IPv6's checksum filled in. The caller's slices
// are copied.
func (c *rawSocket) payload(r *gvisor.Route, pieces [][]byte, o icmp6.Offset) (*buffer.View, error) {
	n := 0
	for _, p := range pieces {
		n += len(p)
	}
	limit := maxPayload6
	if c.key.ipv4 {
		limit = maxPayload4
	}
	if n > limit {
		return nil, fmt.Errorf("a payload of %d bytes, of at most %d: %w", n, limit, syscall.EMSGSIZE)
	}
	v := buffer.NewView(n)
	for _, p := range pieces {
		v.Write(p)
	}
	if c.key.ipv4 { // its checksums are the program's
		return v, nil
	}
	if err := o.Fill(routeSource(r), convert.NetAddr(r.RemoteAddress()), c.key.proto, v.AsSlice()); err != nil {
		v.Release()
		return nil, err
	}
	return v, nil
}

// hops returns the hop limit, or time to live, of a packet over r.
//
// RFC 3493 section 5.2: "If IPV6_MULTICAST_HOPS is not set, the default is 1"; RFC 1112 section 6.1
// says the same of IPv4.
func (c *rawSocket) hops(r *gvisor.Route, h rawHeader, o *rawOptions) uint8 {
	multicast := convert.NetAddr(r.RemoteAddress()).IsMulticast()
	n := o.hops
	if multicast {
		n = o.multicastHops
	}
	if h.hops != 0 {
		n = h.hops
	}
	switch {
	case n >= 0:
		return uint8(n)
	case multicast:
		return defaultMulticastHops
	}
	return r.DefaultTTL()
}

// trafficClass returns the traffic class, or type of service, of a packet.
func trafficClass(h rawHeader, o *rawOptions) uint8 {
	if h.tos != 0 {
		return uint8(max(h.tos, 0))
	}
	return uint8(max(o.tos, 0))
}
