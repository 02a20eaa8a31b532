package stack

import "net"

// JoinGroup joins a multicast group, a *net.IPAddr or *net.UDPAddr, on an interface, until LeaveGroup
// or Close. ifi is told apart by its Index; nil takes the one that the socket is bound to,
// or its multicast interface, or the oldest. Packets to the group reach every raw socket of the host
// that is not bound to another interface. Joining twice is syscall.EADDRINUSE.
func (c *rawSocket) JoinGroup(ifi *net.Interface, group net.Addr) error {
	return c.withGroup(ifi, group, c.groups.join)
}

// LeaveGroup undoes JoinGroup. Without one it is syscall.EADDRNOTAVAIL.
func (c *rawSocket) LeaveGroup(ifi *net.Interface, group net.Addr) error {
	return c.withGroup(ifi, group, c.groups.leave)
}

func (c *rawSocket) withGroup(ifi *net.Interface, group net.Addr, do func(membership) error) error {
	return c.set(func(o *rawOptions) error {
		addr, err := groupAddr(group)
		if err != nil {
			return err
		}
		if addr.Is4() != c.key.ipv4 {
			return c.errFamily(addr)
		}
		m, err := c.s.membership(addr, ifi, o.boundIf, o.multicastIf)
		if err != nil {
			return err
		}
		return do(m)
	})
}
