package stack

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"github.com/hextet/hextet/stack/internal/convert"
	"gvisor.dev/gvisor/pkg/tcpip"
)

// rawGroup is a membership.
type rawGroup struct {
	iface int
	addr  netip.Addr
}

// JoinGroup joins a multicast group, a *net.IPAddr or *net.UDPAddr, on an interface, until LeaveGroup
// or Close. ifi is told apart by its Index; nil takes the one that the socket is bound to,
// or its multicast interface, or the oldest. Packets to the group reach every raw socket of the host
// that is not bound to another interface. Joining twice is syscall.EADDRINUSE.
func (c *rawSocket) JoinGroup(ifi *net.Interface, group net.Addr) error {
	return c.set(func(o *rawOptions) error {
		g, err := c.group(o, ifi, group)
		if err != nil {
			return err
		}
		if _, ok := c.groups[g]; ok {
			return fmt.Errorf("group %v is joined already: %w", g.addr, syscall.EADDRINUSE)
		}
		if gverr := c.s.gv.JoinGroup(convert.Protocol(g.addr), tcpip.NICID(g.iface), convert.Addr(g.addr)); gverr != nil {
			return fmt.Errorf("group %v: %w", g.addr, convert.Error(gverr))
		}
		c.groups[g] = struct{}{}
		return nil
	})
}

// LeaveGroup undoes JoinGroup. Without one it is syscall.EADDRNOTAVAIL.
func (c *rawSocket) LeaveGroup(ifi *net.Interface, group net.Addr) error {
	return c.set(func(o *rawOptions) error {
		g, err := c.group(o, ifi, group)
		if err != nil {
			return err
		}
		if _, ok := c.groups[g]; !ok {
			return fmt.Errorf("group %v is not joined: %w", g.addr, syscall.EADDRNOTAVAIL)
		}
		c.leave(g)
		return nil
	})
}

// leave ends a membership; c.mu is held. An interface that is gone took its memberships along.
func (c *rawSocket) leave(g rawGroup) {
	delete(c.groups, g)
	c.s.gv.LeaveGroup(convert.Protocol(g.addr), tcpip.NICID(g.iface), convert.Addr(g.addr))
}

func (c *rawSocket) leaveAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for g := range c.groups {
		c.leave(g)
	}
}

// group checks the arguments of JoinGroup and LeaveGroup.
func (c *rawSocket) group(o *rawOptions, ifi *net.Interface, group net.Addr) (rawGroup, error) {
	var ip net.IP
	switch a := group.(type) {
	case *net.IPAddr:
		ip = a.IP
	case *net.UDPAddr:
		ip = a.IP
	default:
		return rawGroup{}, fmt.Errorf("the group is a %T, neither a *net.IPAddr nor a *net.UDPAddr: %w", group, syscall.EINVAL)
	}
	addr, _ := netip.AddrFromSlice(ip)
	if addr = addr.Unmap(); addr.IsValid() && addr.Is4() != c.key.ipv4 {
		return rawGroup{}, c.errFamily(addr)
	}
	if !addr.IsMulticast() {
		return rawGroup{}, fmt.Errorf("group %v is no multicast address: %w", group, syscall.EINVAL)
	}
	g := rawGroup{addr: addr, iface: cmp.Or(o.boundIf, o.multicastIf)}
	if ifi != nil {
		g.iface = ifi.Index
		if c.s.byIndex(ifi.Index) == nil {
			return g, errNoIndex(ifi)
		}
	}
	if g.iface == 0 {
		is := c.s.Interfaces()
		if len(is) == 0 {
			return g, fmt.Errorf("group %v: the stack has no interface: %w", addr, syscall.ENODEV)
		}
		g.iface = is[0].index
	}
	return g, nil
}
