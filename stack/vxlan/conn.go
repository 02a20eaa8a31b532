package vxlan

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
)

// addrPortConn is what *net.UDPConn has beyond net.PacketConn: it does not allocate
// an address per packet.
type addrPortConn interface {
	ReadFromUDPAddrPort(b []byte) (n int, addr netip.AddrPort, err error)
	WriteToUDPAddrPort(b []byte, addr netip.AddrPort) (n int, err error)
}

// asAddrPortConn returns pc in that shape.
func asAddrPortConn(pc net.PacketConn) addrPortConn {
	if c, ok := pc.(addrPortConn); ok {
		return c
	}
	return packetConn{pc}
}

type packetConn struct{ net.PacketConn }

func (c packetConn) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	n, addr, err := c.ReadFrom(b)
	if err != nil {
		return n, netip.AddrPort{}, err
	}
	from, err := addrPortOf(addr)
	return n, from, err
}

func (c packetConn) WriteToUDPAddrPort(b []byte, addr netip.AddrPort) (int, error) {
	return c.WriteTo(b, net.UDPAddrFromAddrPort(addr))
}

// addrPortOf returns an address that a socket gave.
func addrPortOf(addr net.Addr) (netip.AddrPort, error) {
	if u, ok := addr.(*net.UDPAddr); ok {
		return u.AddrPort(), nil
	}
	if addr == nil {
		return netip.AddrPort{}, errors.New("vxlan: the socket has no address")
	}
	ap, err := netip.ParseAddrPort(addr.String())
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("vxlan: the socket's address %v is none of UDP: %w", addr, err)
	}
	return ap, nil
}

// unmapped returns ap with an IPv4 address as IPv4, however a dual-stack socket
// spells it.
func unmapped(ap netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}
