package stack

import (
	"net"

	"github.com/hextet/hextet/stack/internal/convert"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/ports"
	gvisor "gvisor.dev/gvisor/pkg/tcpip/stack"
)

// udpRegistration is a socket's place among gVisor's endpoints: it holds the port against others.
// Datagrams come from udpTable.
type udpRegistration struct {
	ep          *udpEndpoint // nil: none
	networks    []tcpip.NetworkProtocolNumber
	id          gvisor.TransportEndpointID
	nic         tcpip.NICID
	flags       ports.Flags
	reservation ports.Reservation
}

// register reserves the port, or an unpredictable one if it is 0 (RFC 6056 section 3.3.1), and enters the
// socket among gVisor's endpoints.
func (c *UDPConn) register() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed() { // by Stack.Close
		return net.ErrClosed
	}
	r := udpRegistration{
		ep:  &udpEndpoint{c},
		nic: tcpip.NICID(c.iface),
		// Like package net's: several sockets may listen to one group.
		flags: ports.Flags{MostRecent: isLocalGroup(c.local)},
	}
	switch {
	case c.ipv4:
		r.networks = []tcpip.NetworkProtocolNumber{header.IPv4ProtocolNumber}
	case c.v6only:
		r.networks = []tcpip.NetworkProtocolNumber{header.IPv6ProtocolNumber}
	default:
		r.networks = []tcpip.NetworkProtocolNumber{header.IPv6ProtocolNumber, header.IPv4ProtocolNumber}
	}
	r.reservation = ports.Reservation{
		Networks:     r.networks,
		Transport:    header.UDPProtocolNumber,
		Addr:         convert.Addr(c.local),
		Port:         c.port,
		Flags:        r.flags,
		BindToDevice: r.nic,
	}
	port, gverr := c.s.gv.ReservePort(c.s.gv.SecureRNG(), r.reservation, nil)
	if gverr != nil {
		return convert.Error(gverr)
	}
	c.port, r.reservation.Port = port, port
	r.id = gvisor.TransportEndpointID{
		LocalAddress:  convert.Addr(c.local),
		LocalPort:     port,
		RemoteAddress: convert.Addr(c.remote.Addr()),
		RemotePort:    c.remote.Port(),
	}
	if gverr := c.s.gv.RegisterTransportEndpoint(r.networks, header.UDPProtocolNumber, r.id, r.ep, r.flags, r.nic); gverr != nil {
		c.s.gv.ReleasePort(r.reservation)
		return convert.Error(gverr)
	}
	c.reg = r
	c.s.udp.add(c)
	return nil
}

func (c *UDPConn) unregister() {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := &c.reg
	if r.ep == nil {
		return
	}
	c.s.udp.remove(c)
	c.s.gv.UnregisterTransportEndpoint(r.networks, header.UDPProtocolNumber, r.id, r.ep, r.flags, r.nic)
	c.s.gv.ReleasePort(r.reservation)
}

// udpEndpoint is what gVisor sees of a socket.
type udpEndpoint struct{ c *UDPConn }

var _ gvisor.TransportEndpoint = (*udpEndpoint)(nil)

// HandlePacket gets what udpTable refused: datagrams with a wrong checksum or length.
func (e *udpEndpoint) HandlePacket(_ gvisor.TransportEndpointID, pkt *gvisor.PacketBuffer) {
	e.c.spoilt.Add(1)
	udp, stats := header.UDP(pkt.TransportHeader().Slice()), e.c.s.gv.Stats().UDP
	if size := len(udp) + pkt.Data().Size(); udp.Length() < header.UDPMinimumSize || int(udp.Length()) > size {
		stats.MalformedPacketsReceived.Increment()
		return
	}
	stats.ChecksumErrors.Increment()
}

// HandleError has nothing to add to what Stack.icmpError says.
func (e *udpEndpoint) HandleError(gvisor.TransportError, *gvisor.PacketBuffer) {}

// Abort is called when gVisor's stack is destroyed, after Stack.Close has closed all sockets.
func (e *udpEndpoint) Abort() {}

// Wait has nothing to wait for: an endpoint has no goroutine.
func (e *udpEndpoint) Wait() {}
