package stack

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"

	"github.com/hextet/hextet/icmp6/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
)

// udpHeader is what a caller wants of one datagram.
type udpHeader struct {
	source   netip.Addr // zero: chosen
	iface    int        // 0: chosen
	hops, tc int        // 0: the socket's; -1: the default
	whole    *bool      // not to be fragmented; nil: the socket's
}

// Write sends b as one datagram to the address that was dialled.
func (c *UDPConn) Write(b []byte) (int, error) {
	if !c.remote.IsValid() {
		return 0, c.opError("write", syscallError("write", syscall.EDESTADDRREQ))
	}
	if err := c.send(b, udpHeader{}, netip.AddrPort{}); err != nil {
		return 0, c.opError("write", syscallError("write", err))
	}
	return len(b), nil
}

// WriteTo sends b as one datagram to a *net.UDPAddr. A link-local one needs a zone, unless the
// socket is bound to one.
func (c *UDPConn) WriteTo(b []byte, addr net.Addr) (int, error) {
	to, ok := addr.(*net.UDPAddr)
	if !ok {
		return 0, c.writeError("sendto", addr, fmt.Errorf("the address is a %T, not a *net.UDPAddr: %w", addr, syscall.EINVAL))
	}
	return c.WriteToUDPAddrPort(b, to.AddrPort())
}

// WriteToUDPAddrPort sends b as one datagram to an address. See WriteTo.
func (c *UDPConn) WriteToUDPAddrPort(b []byte, addr netip.AddrPort) (int, error) {
	addr = unmap(addr)
	err := c.destination(addr)
	if err == nil {
		err = c.send(b, udpHeader{}, addr)
	}
	if err != nil {
		return 0, c.writeError("sendto", net.UDPAddrFromAddrPort(addr), err)
	}
	return len(b), nil
}

func (c *UDPConn) writeError(call string, addr net.Addr, err error) error {
	return &net.OpError{Op: "write", Net: c.net, Source: c.laddr, Addr: addr, Err: syscallError(call, err)}
}

// destination checks an address to send to.
func (c *UDPConn) destination(addr netip.AddrPort) error {
	switch {
	case c.remote.IsValid():
		return net.ErrWriteToConnected
	case !addr.Addr().IsValid():
		return syscall.EDESTADDRREQ
	case addr.Addr().IsUnspecified() || addr.Port() == 0:
		return fmt.Errorf("nothing can be sent to %v: %w", addr, syscall.EINVAL)
	}
	if err := c.checkFamily(addr.Addr()); err != nil {
		return err
	}
	return c.s.readyLoopback(addr.Addr())
}

func (c *UDPConn) checkFamily(addr netip.Addr) error {
	if c.ipv4 && !addr.Is4() || c.v6only && addr.Is4() {
		return fmt.Errorf("%v is of another family than the socket: %w", addr, syscall.EAFNOSUPPORT)
	}
	return nil
}

// send sends a datagram to to, which destination has checked, or, if that is zero, to the connected
// peer: first the route and with it the source, then the checksum, whose pseudo-header holds both
// addresses.
func (c *UDPConn) send(b []byte, h udpHeader, to netip.AddrPort) error {
	select {
	case <-c.done:
		return net.ErrClosed
	case <-c.write.wait():
		return os.ErrDeadlineExceeded
	default:
	}
	if err := c.errs.pop(); err != nil {
		return err
	}
	k, port := flowKey{dst: to.Addr(), source: h.source, iface: h.iface}, to.Port()
	if !to.IsValid() {
		k, port = c.peer, c.remote.Port()
	}
	o := c.opt.Load()
	f, err := c.flow(k, o)
	if err != nil {
		return err
	}
	defer f.release()
	p := c.s.newIPPacket()
	defer p.free()
	if err = c.assemble(p, f, b, port, h, o); err == nil {
		err = p.emit(f)
	}
	if err != nil {
		c.s.gv.Stats().UDP.PacketSendErrors.Increment()
		return err
	}
	c.s.gv.Stats().UDP.PacketsSent.Increment()
	return nil
}

// assemble makes the packet: headers, payload and checksum.
func (c *UDPConn) assemble(p *ipPacket, f *flow, b []byte, port uint16, h udpHeader, o *udpOptions) error {
	head, limit := header6, maxPayload6-header.UDPMinimumSize
	if f.dst.Is4() {
		head, limit = header4, maxPayload4-header.UDPMinimumSize
	}
	if len(b) > limit {
		return fmt.Errorf("a payload of %d bytes, of at most %d: %w", len(b), limit, syscall.EMSGSIZE)
	}
	p.grow(head + header.UDPMinimumSize + len(b))
	p.whole = o.stays(h.whole)
	p.putHeader(f, protoUDP, o.hopsOf(f, h.hops), o.trafficClass(h.tc))
	putUDP(p.b[head:], b, c.port, port, f.sum)
	return nil
}

// putUDP makes a datagram (RFC 768) of a payload. sum is that of the pseudo-header, but for the length.
func putUDP(b, payload []byte, src, dst, sum uint16) {
	binary.BigEndian.PutUint16(b, src)
	binary.BigEndian.PutUint16(b[2:], dst)
	binary.BigEndian.PutUint16(b[4:], uint16(len(b)))
	binary.BigEndian.PutUint16(b[6:], 0)
	sum = checksum.Combine(sum, uint16(len(b)))
	sum = checksum.Sum(b[:header.UDPMinimumSize], sum)
	sum = checksum.Copy(b[header.UDPMinimumSize:], payload, sum)
	if sum != 0xffff {
		// RFC 768: "If the computed checksum is zero, it is transmitted as all ones".
		sum = ^sum
	}
	binary.BigEndian.PutUint16(b[6:], sum)
}
