package stack

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"

	"github.com/hextet/hextet/stack/internal/convert"
	"gvisor.dev/gvisor/pkg/tcpip"
)

// membership is one of a multicast group on an interface.
type membership struct {
	iface int
	group netip.Addr
}

// memberships are those of a socket. gVisor counts how many sockets are in a group.
type memberships struct {
	s *Stack

	mu     sync.Mutex // held while gVisor joins a group
	joined map[membership]struct{}
	closed bool
}

// membership returns that of a group on the interface ifi or, if that is nil, on the first of others
// that is not 0, or else on the oldest.
func (s *Stack) membership(group netip.Addr, ifi *net.Interface, others ...int) (membership, error) {
	m := membership{cmp.Or(others...), group}
	if ifi != nil {
		m.iface = ifi.Index
		if s.byIndex(ifi.Index) == nil {
			return m, errNoIndex(ifi)
		}
	}
	if m.iface == 0 {
		is := s.Interfaces()
		if len(is) == 0 {
			return m, fmt.Errorf("group %v: the stack has no interface: %w", group, syscall.ENODEV)
		}
		m.iface = is[0].index
	}
	return m, nil
}

// groupAddr returns the group that an address of package net names.
func groupAddr(group net.Addr) (netip.Addr, error) {
	var ip net.IP
	switch a := group.(type) {
	case *net.IPAddr:
		ip = a.IP
	case *net.UDPAddr:
		ip = a.IP
	default:
		return netip.Addr{}, fmt.Errorf("the group is a %T, neither a *net.UDPAddr nor a *net.IPAddr: %w", group, syscall.EINVAL)
	}
	addr, _ := netip.AddrFromSlice(ip)
	if addr = addr.Unmap(); !addr.IsMulticast() {
		return addr, fmt.Errorf("group %v is no multicast address: %w", group, syscall.EINVAL)
	}
	return addr, nil
}

func (g *memberships) join(m membership) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return net.ErrClosed
	}
	if _, ok := g.joined[m]; ok {
		return fmt.Errorf("group %v is joined already: %w", m.group, syscall.EADDRINUSE)
	}
	if err := g.s.gv.JoinGroup(convert.Protocol(m.group), tcpip.NICID(m.iface), convert.Addr(m.group)); err != nil {
		return fmt.Errorf("group %v: %w", m.group, convert.Error(err))
	}
	if g.joined == nil {
		g.joined = make(map[membership]struct{})
	}
	g.joined[m] = struct{}{}
	return nil
}

func (g *memberships) leave(m membership) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, ok := g.joined[m]; !ok {
		return fmt.Errorf("group %v is not joined: %w", m.group, syscall.EADDRNOTAVAIL)
	}
	g.drop(m)
	return nil
}

// drop ends a membership; g.mu is held. An interface that is gone took its memberships along.
func (g *memberships) drop(m membership) {
	delete(g.joined, m)
	g.s.gv.LeaveGroup(convert.Protocol(m.group), tcpip.NICID(m.iface), convert.Addr(m.group))
}

// leaveAll ends all, and joins no more.
func (g *memberships) leaveAll() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	for m := range g.joined {
		g.drop(m)
	}
}
