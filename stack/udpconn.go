package stack

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/netip"
	"syscall"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/waiter"
)

// udpReadBuffer holds a burst: gVisor's own default loses what a fast link brings while the reader
// is not scheduled.
const udpReadBuffer = 512 << 10

// UDPConn is a UDP socket, connected (dialled) or not. All methods may be called from several
// goroutines at once.
type UDPConn struct{ conn }

var (
	_ net.Conn       = (*UDPConn)(nil)
	_ net.PacketConn = (*UDPConn)(nil)
)

func newUDPSocket(s *Stack, network string, ipv4 bool) (*UDPConn, error) {
	k, err := s.newSocket(header.UDPProtocolNumber, network, ipv4)
	if err != nil {
		return nil, err
	}
	o := k.ep.SocketOptions()
	o.SetBroadcast(true) // as package net does
	o.SetReceiveBufferSize(udpReadBuffer, true)
	c := new(UDPConn)
	c.init(k)
	return c, nil
}

// dialUDP connects a socket to one address, from where from says. Nothing is sent.
func (s *Stack) dialUDP(network string, from binding, to netip.AddrPort) (*UDPConn, error) {
	c, err := newUDPSocket(s, network, to.Addr().Is4())
	if err != nil {
		return nil, err
	}
	if err = c.bind(from); err == nil {
		err = syscallError("connect", c.result(c.ep.Connect(from.target(to))))
	}
	if err == nil {
		var remote netip.AddrPort
		if remote, err = c.remoteAddr(); err == nil {
			c.laddr = net.UDPAddrFromAddrPort(c.localAddr())
			c.raddr = net.UDPAddrFromAddrPort(remote)
			return c, nil
		}
	}
	c.Close()
	return nil, s.sourceError(to.Addr(), err)
}

// Read reads one datagram. What b has no room for is lost. An empty b reads nothing, as in package
// net; ReadFrom with one drops a datagram.
func (c *UDPConn) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, c.noBytes("read")
	}
	n, _, err := c.ReadFromUDPAddrPort(b)
	return n, err
}

// ReadFrom reads one datagram and returns who sent it, as a *net.UDPAddr. What b has no room for is
// lost.
func (c *UDPConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := c.ReadFromUDPAddrPort(b)
	if err != nil {
		return n, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}

// ReadFromUDPAddrPort reads one datagram and returns who sent it. What b has no room for is lost.
//
// On a connected socket it returns syscall.ECONNREFUSED once for each port unreachable message that
// the peer sent.
func (c *UDPConn) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	var (
		n    int
		from tcpip.FullAddress
	)
	err := c.poll(waiter.ReadableEvents, &c.read, func() tcpip.Error {
		buf := tcpip.SliceWriter(b)
		var w io.Writer = &buf
		if len(b) == 0 {
			w = io.Discard // gVisor calls an empty buffer a bad one
		}
		res, err := c.ep.Read(w, tcpip.ReadOptions{NeedRemoteAddr: true})
		n, from = min(res.Count, len(b)), res.RemoteAddr
		return err
	})
	if err != nil {
		return 0, netip.AddrPort{}, c.opError("read", syscallError("read", err))
	}
	return n, c.s.addrPort(from, anyAddr(c.ipv4)), nil
}

// Write sends b as one datagram to the address that was dialled.
func (c *UDPConn) Write(b []byte) (int, error) {
	if c.raddr == nil {
		return 0, c.opError("write", syscallError("write", syscall.EDESTADDRREQ))
	}
	if err := c.send(b, nil); err != nil {
		return 0, c.opError("write", syscallError("write", err))
	}
	return len(b), nil
}

// WriteTo sends b as one datagram to a *net.UDPAddr. A link-local one needs a zone, unless the
// socket is bound to one.
func (c *UDPConn) WriteTo(b []byte, addr net.Addr) (int, error) {
	to, ok := addr.(*net.UDPAddr)
	if !ok {
		return 0, c.writeError(addr, fmt.Errorf("the address is a %T, not a *net.UDPAddr: %w", addr, syscall.EINVAL))
	}
	return c.WriteToUDPAddrPort(b, to.AddrPort())
}

// WriteToUDPAddrPort sends b as one datagram to an address. See WriteTo.
func (c *UDPConn) WriteToUDPAddrPort(b []byte, addr netip.AddrPort) (int, error) {
	addr = unmap(addr)
	to, err := c.destination(addr)
	if err == nil {
		err = c.send(b, &to)
	}
	if err != nil {
		return 0, c.writeError(net.UDPAddrFromAddrPort(addr), c.s.sourceError(addr.Addr(), err))
	}
	return len(b), nil
}

func (c *UDPConn) writeError(addr net.Addr, err error) error {
	return &net.OpError{Op: "write", Net: c.net, Source: c.laddr, Addr: addr, Err: syscallError("sendto", err)}
}

// destination checks an address to send to.
func (c *UDPConn) destination(addr netip.AddrPort) (tcpip.FullAddress, error) {
	switch {
	case c.raddr != nil:
		return tcpip.FullAddress{}, net.ErrWriteToConnected
	case !addr.Addr().IsValid():
		return tcpip.FullAddress{}, syscall.EDESTADDRREQ
	case addr.Addr().IsUnspecified() || addr.Port() == 0:
		return tcpip.FullAddress{}, fmt.Errorf("nothing can be sent to %v: %w", addr, syscall.EINVAL)
	case addr.Addr().IsLoopback() && !isOwnLoopback(addr.Addr()):
		return tcpip.FullAddress{}, errLoopback(addr.Addr())
	case c.ipv4 && !addr.Addr().Is4(), c.v6only() && addr.Addr().Is4():
		return tcpip.FullAddress{}, fmt.Errorf("%v is of another family than the socket: %w", addr, syscall.EAFNOSUPPORT)
	}
	to, err := c.s.engineAddr(addr)
	if err == nil && to.NIC == 0 && addr.Addr().IsLinkLocalUnicast() && addr.Addr().Is6() && c.laddr.(*net.UDPAddr).Zone == "" {
		err = errZone(addr.Addr())
	}
	return to, err
}

// v6only reports whether the socket sends and receives no IPv4.
func (c *UDPConn) v6only() bool { return !c.ipv4 && c.ep.SocketOptions().GetV6Only() }

// send sends a datagram to to, or to the connected peer.
func (c *UDPConn) send(b []byte, to *tcpip.FullAddress) error {
	return c.poll(waiter.WritableEvents, &c.write, func() tcpip.Error {
		_, err := c.ep.Write(bytes.NewReader(b), tcpip.WriteOptions{To: to})
		return err
	})
}
