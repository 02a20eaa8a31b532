package stack

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"

	"github.com/hextet/hextet/icmp6/checksum"
	"github.com/hextet/hextet/stack/internal/convert"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	gvisor "gvisor.dev/gvisor/pkg/tcpip/stack"
)

// udpHeader is what a caller wants of one datagram.
type udpHeader struct {
	source   netip.Addr // zero: chosen
	iface    int        // 0: chosen
	hops, tc int        // 0: the socket's; -1: the default
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
	if err := c.pending(); err != nil {
		return err
	}
	k, port := udpFlowKey{to.Addr(), h.source, h.iface}, to.Port()
	if !to.IsValid() {
		k, port = c.peer, c.remote.Port()
	}
	o := c.opt.Load()
	for range 2 {
		f, err := c.flow(k, o)
		if err != nil {
			return err
		}
		gverr := c.sendVia(f, b, port, h, o)
		f.release()
		if _, gone := gverr.(*tcpip.ErrInvalidEndpointState); !gone {
			return convert.Error(gverr)
		}
		c.s.gen.bump() // the flow's address or interface went away since it was found
	}
	return fmt.Errorf("the way to %v is gone: %w", k.dst, syscall.ENETDOWN)
}

// sendVia sends one datagram by f. What the link does not take is counted there and no error.
func (c *UDPConn) sendVia(f *udpFlow, b []byte, port uint16, h udpHeader, o *udpOptions) tcpip.Error {
	limit := maxPayload6
	if f.src.Is4() {
		limit = maxPayload4
	}
	if len(b) > limit-header.UDPMinimumSize {
		return &tcpip.ErrMessageTooLong{}
	}
	v := buffer.NewView(header.UDPMinimumSize + len(b))
	v.Grow(header.UDPMinimumSize + len(b))
	putUDP(v.AsSlice(), b, c.port, port, f.sum)
	pkt := gvisor.NewPacketBuffer(gvisor.PacketBufferOptions{
		ReserveHeaderBytes: int(f.route.MaxHeaderLength()),
		Payload:            buffer.MakeWithView(v),
	})
	defer pkt.DecRef()
	err := f.route.WritePacket(gvisor.NetworkHeaderParams{
		Protocol: header.UDPProtocolNumber,
		TTL:      o.hopsTo(f, h),
		TOS:      o.trafficClass(h),
	}, pkt)
	if err == nil {
		c.s.gv.Stats().UDP.PacketsSent.Increment()
	} else {
		c.s.gv.Stats().UDP.PacketSendErrors.Increment()
	}
	return err
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
