package stack

import (
	"net"
	"net/netip"
)

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

// ReadFromUDPAddrPort reads one datagram and returns who sent it. What b has no room for is lost. It
// allocates nothing.
//
// On a connected socket it returns syscall.ECONNREFUSED once for each port unreachable message that
// the peer sent, as far as they fit the socket: see SetReceiveErrors.
func (c *UDPConn) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	r, err := c.next(b)
	if err != nil {
		return 0, netip.AddrPort{}, c.opError("read", syscallError("read", err))
	}
	return min(len(b), r.size), c.s.zoned(r.src, r.iface), nil
}

// ReadMsg reads one datagram, as ReadFromUDPAddrPort does, and fills in cm, unless it is nil, with all
// that there is to say about it: what a program needs to answer from the address that was asked, on a
// host that has many.
func (c *UDPConn) ReadMsg(b []byte, cm *ControlMessage) (n int, from netip.AddrPort, err error) {
	r, err := c.next(b)
	if err != nil {
		return 0, netip.AddrPort{}, c.opError("read", syscallError("recvmsg", err))
	}
	if cm != nil {
		*cm = ControlMessage{
			Source:       r.src.Addr(),
			Destination:  r.dst.Addr(),
			Interface:    r.iface,
			HopLimit:     int(r.hops),
			TrafficClass: int(r.tc),
			Length:       r.size,
		}
	}
	return min(len(b), r.size), c.s.zoned(r.src, r.iface), nil
}

// WriteMsg sends b as one datagram to an address, or, if that is zero, to the one that was dialled. cm
// may be nil; what it says is for this datagram only: a Source, which must be one of the stack's
// addresses, if flagged SkipAsSource too, the Interface, the HopLimit, the TrafficClass and DontFragment.
// The source of a connected socket is its own, and its interface too.
func (c *UDPConn) WriteMsg(b []byte, cm *ControlMessage, to netip.AddrPort) (int, error) {
	to = unmap(to)
	h, err := c.msgHeader(cm)
	switch {
	case err != nil:
	case to != (netip.AddrPort{}):
		err = c.destination(to)
	case !c.remote.IsValid():
		err = errNoDestination
	case h.source.IsValid() && h.source != c.local || h.iface != 0 && h.iface != c.peer.iface:
		err = errConnectedSource
	}
	if err == nil {
		err = c.send(b, h, to)
	}
	if err == nil {
		return len(b), nil
	}
	addr := c.raddr
	if to.IsValid() {
		addr = net.UDPAddrFromAddrPort(to)
	}
	return 0, c.writeError("sendmsg", addr, err)
}
