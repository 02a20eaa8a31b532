package stack

import (
	"context"
	"net"
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip/header"
)

// Listen waits for TCP connections to an address, as package net writes it, and returns a
// *TCPListener. An empty or unspecified host means all addresses of the host, present and future: of
// both families on "tcp", of one on "tcp4" and "tcp6". An address flagged SkipAsSource can be
// listened on like any other. Port 0 picks a free one. A listener on one address may stand beside one
// on all, with the same port, and gets what is for its address.
//
// ctx governs the look-up of a name only. Errors are *net.OpError; errors.Is finds in them
// syscall.EADDRINUSE, syscall.EADDRNOTAVAIL or what else is wrong.
func (s *Stack) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	n, err := parseNetwork(network)
	if err == nil && n.transport != "tcp" {
		err = net.UnknownNetworkError(network)
	}
	var on netip.AddrPort
	if err == nil {
		on, err = s.listenAddr(ctx, n, address)
	}
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Err: err}
	}
	l, err := s.listenTCP(n, on)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Addr: n.netAddr(on), Err: err}
	}
	return l, nil
}

// ListenPacket opens a socket for packets to an address.
//
// On "udp", "udp4" and "udp6" it returns a *UDPConn; addresses are as for Listen. An address may also be that of
// a multicast group, of which the socket then gets the datagrams once a socket has joined it
// (UDPConn.JoinGroup); several may be bound to one. On an IP network with
// a protocol, "ip6:ipv6-icmp", "ip6:89" or "ip4:icmp" say, it opens a raw socket, whose addresses have
// no port and are *net.IPAddr: see ListenRaw and ListenRaw4. ctx and errors are as for Listen.
func (s *Stack) ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error) {
	n, err := parseNetwork(network)
	if err == nil && n.transport == "tcp" {
		err = net.UnknownNetworkError(network)
	}
	if err == nil && n.transport == "ip" {
		return s.listenIP(ctx, n, address)
	}
	var on netip.AddrPort
	if err == nil {
		on, err = s.listenAddr(ctx, n, address)
	}
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Err: err}
	}
	c, err := s.listenUDP(n, on)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Addr: n.netAddr(on), Err: err}
	}
	return c, nil
}

// listenAddr resolves an address to listen on. For all addresses of the host it is the unspecified
// one: IPv4's if only that family is wanted, else IPv6's.
func (s *Stack) listenAddr(ctx context.Context, n network, address string) (netip.AddrPort, error) {
	host, port, err := n.splitAddress(ctx, address)
	if err != nil {
		return netip.AddrPort{}, err
	}
	addr, err := s.listenHost(ctx, n, host)
	return netip.AddrPortFrom(addr, port), err
}

func (s *Stack) listenHost(ctx context.Context, n network, host string) (netip.Addr, error) {
	if host == "" {
		return anyAddr(n.family == onlyIPv4), nil
	}
	addr, ok, err := n.literal(host)
	switch {
	case err != nil:
		return addr, err
	case !ok:
		addrs, err := s.lookup(ctx, n, host)
		if err != nil {
			return netip.Addr{}, err
		}
		addr = addrs[0]
	}
	switch {
	case addr.IsUnspecified():
		return anyAddr(n.family == onlyIPv4), nil
	case addr.Is6() && addr.IsLinkLocalUnicast() && addr.Zone() == "":
		return addr, errZone(addr)
	}
	return addr, nil
}

// bindListener binds a socket to an address that listenAddr returned.
func (s *Stack) bindListener(k *socket, n network, on netip.AddrPort) error {
	k.ep.SocketOptions().SetV6Only(n.family == onlyIPv6)
	if addr := on.Addr(); !addr.IsUnspecified() && !isLocalGroup(addr) {
		// gVisor would take any IPv4 address together with an interface.
		if _, err := s.localInterface(addr, nil); err != nil {
			return err
		}
	}
	fa, err := s.engineAddr(on)
	if err != nil {
		return err
	}
	return syscallError("bind", k.result(k.ep.Bind(fa)))
}

func (s *Stack) listenTCP(n network, on netip.AddrPort) (*TCPListener, error) {
	k, err := s.newSocket(header.TCPProtocolNumber, n.name, on.Addr().Is4())
	if err != nil {
		return nil, err
	}
	// As package net does: connections of an earlier listener are no obstacle.
	k.ep.SocketOptions().SetReuseAddress(true)
	if err = s.bindListener(k, n, on); err == nil {
		err = syscallError("listen", k.result(k.ep.Listen(backlog)))
	}
	if err != nil {
		k.Close()
		return nil, err
	}
	l := &TCPListener{k: k, addr: n.netAddr(k.localAddr())}
	l.deadline.init(s.clock)
	return l, nil
}

// listenIP opens a raw socket.
func (s *Stack) listenIP(ctx context.Context, n network, host string) (net.PacketConn, error) {
	addr, err := s.listenHost(ctx, n, host)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: n.name, Err: err}
	}
	if n.family == onlyIPv4 {
		c, err := s.ListenRaw4(n.proto, addr)
		if err != nil {
			return nil, err
		}
		return c.PacketConn(), nil
	}
	c, err := s.ListenRaw(n.proto, addr)
	if err != nil {
		return nil, err
	}
	return c.PacketConn(), nil
}
