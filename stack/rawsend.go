package stack

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
)

// rawHeader is what a caller wants in the headers of one packet.
type rawHeader struct {
	source netip.Addr // zero: chosen
	iface  int        // 0: chosen
	hops   int        // 0: the socket's; -1: the default
	tos    int        // 0: the socket's; -1: the default
	whole  *bool      // not to be fragmented; nil: the socket's
	ext    rawExtensions
}

// inherit fills h in, where it says nothing, with the socket's sticky control message. Source and
// interface are one piece of information.
func (h *rawHeader) inherit(sticky *rawHeader) {
	if !h.source.IsValid() && h.iface == 0 {
		h.source, h.iface = sticky.source, sticky.iface
	}
	if h.hops == 0 {
		h.hops = sticky.hops
	}
	if h.tos == 0 {
		h.tos = sticky.tos
	}
	if h.whole == nil {
		h.whole = sticky.whole
	}
	h.ext.inherit(&sticky.ext)
}

// sendTo is the end of every call that sends one packet: the payload in pieces, to addr or, if that
// is nil, to the connected peer.
func (c *rawSocket) sendTo(pieces [][]byte, h *rawHeader, addr net.Addr) (int, error) {
	dst, err := c.destination(addr)
	n := 0
	if err == nil {
		n, err = c.sendAddr(pieces, h, dst)
	}
	if err != nil {
		return 0, c.opError("write", addr, syscallError("sendto", err))
	}
	return n, nil
}

// sendAddr is sendTo for a netip.Addr; the zero one is the peer.
func (c *rawSocket) sendAddr(pieces [][]byte, h *rawHeader, dst netip.Addr) (n int, err error) {
	if err := c.ready(); err != nil {
		return 0, err
	}
	o := c.opt.Load()
	if !dst.IsValid() {
		dst = o.remote
	}
	if o.sticky != nil {
		h.inherit(o.sticky)
	}
	if err := c.send(pieces, h, dst, o); err != nil {
		return 0, err
	}
	for _, p := range pieces {
		n += len(p)
	}
	return n, nil
}

// ready reports why nothing can be sent, or not now.
func (c *rawSocket) ready() error {
	select { // one channel at a time is a tenth of the cost of both
	case <-c.done:
		return net.ErrClosed
	default:
	}
	select {
	case <-c.write.wait():
		return os.ErrDeadlineExceeded
	default:
	}
	return c.errs.pop()
}

// destination returns the address that a caller gave; the zero Addr stands for the peer.
func (c *rawSocket) destination(addr net.Addr) (netip.Addr, error) {
	if addr == nil {
		return netip.Addr{}, nil
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
func (c *rawSocket) send(pieces [][]byte, h *rawHeader, dst netip.Addr, o *rawOptions) error {
	k, err := h.flowKey(dst, o)
	if err != nil {
		return err
	}
	f, err := c.flow(k, o)
	if err != nil {
		return err
	}
	defer f.release()
	p := c.s.newIPPacket()
	defer p.free()
	if o.headerIncluded {
		err = c.include(p, f, pieces)
	} else {
		err = c.assemble(p, f, pieces, h, dst.WithZone(""), o)
	}
	if err != nil {
		return err
	}
	return p.emit(f)
}

// flow returns the way of a packet; the caller releases it.
func (c *rawSocket) flow(k flowKey, o *rawOptions) (*flow, error) {
	return c.flows.get(k, &o.sendOptions, func() (sendPath, error) { return c.path(k, o) })
}

// flowKey says what decides about the way to dst: a Routing header leads by its first segment.
func (h *rawHeader) flowKey(dst netip.Addr, o *rawOptions) (flowKey, error) {
	k := flowKey{dst: dst, source: h.source, iface: h.iface}
	if len(h.ext.routing) == 0 || !dst.IsValid() || o.headerIncluded {
		return k, nil
	}
	via, err := h.ext.firstSegment(dst)
	if err == nil && via != dst {
		k.dst, k.final = via, dst.WithZone("")
	}
	return k, err
}
