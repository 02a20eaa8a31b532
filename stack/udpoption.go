package stack

import (
	"fmt"
	"net"
	"syscall"
)

// udpOptions is one state of a socket's options. Whoever looks at it takes no lock.
type udpOptions struct {
	sendOptions
	receiveErrors bool
}

var (
	errNoDestination   = fmt.Errorf("the socket is not connected and no address was given: %w", syscall.EDESTADDRREQ)
	errConnectedSource = fmt.Errorf("control message: the source and the interface of a connected socket are its own: %w", syscall.EISCONN)
)

// msgHeader checks a control message, or nil.
func (c *UDPConn) msgHeader(cm *ControlMessage) (udpHeader, error) {
	if cm == nil {
		return udpHeader{}, nil
	}
	h := udpHeader{iface: cm.Interface, hops: cm.HopLimit, tc: cm.TrafficClass, whole: cm.DontFragment}
	if err := checkByte("control message: hop limit", cm.HopLimit); err != nil {
		return h, err
	}
	if err := checkByte("control message: traffic class", cm.TrafficClass); err != nil {
		return h, err
	}
	if cm.HopByHop != nil || cm.DestinationFirst != nil || cm.Routing != nil || cm.DestinationOptions != nil {
		return h, fmt.Errorf("control message: extension headers are for raw sockets: %w", syscall.EOPNOTSUPP)
	}
	if cm.Interface < 0 {
		return h, fmt.Errorf("control message: interface index %d: %w", cm.Interface, syscall.EINVAL)
	}
	if source := cm.Source.Unmap().WithZone(""); source.IsValid() && !source.IsUnspecified() {
		h.source = source
		return h, c.checkFamily(source)
	}
	return h, nil
}

// set replaces the options by a changed copy, unless f fails.
func (c *UDPConn) set(f func(*udpOptions) error) error {
	err := net.ErrClosed
	if !c.closed() {
		c.mu.Lock()
		o := *c.opt.Load()
		if err = f(&o); err == nil {
			c.opt.Store(&o)
		}
		c.mu.Unlock()
	}
	if err != nil {
		return c.opError("set", syscallError("setsockopt", err))
	}
	return nil
}

// setByte sets an option of one byte.
func (c *UDPConn) setByte(what string, v int, field func(*udpOptions) *int) error {
	return c.set(func(o *udpOptions) error {
		err := checkByte(what, v)
		if err == nil {
			*field(o) = v
		}
		return err
	})
}

// SetHopLimit sets the hop limit, in IPv4 the time to live, of what is sent to one host, from 0 to 255,
// or -1 for the default, 64.
func (c *UDPConn) SetHopLimit(hops int) error {
	return c.setByte("hop limit", hops, func(o *udpOptions) *int { return &o.hops })
}

// SetMulticastHopLimit sets the hop limit, in IPv4 the time to live, of what is sent to groups, from 0,
// which does not leave the host, to 255, or -1 for the default, 1.
func (c *UDPConn) SetMulticastHopLimit(hops int) error {
	return c.setByte("multicast hop limit", hops, func(o *udpOptions) *int { return &o.multicastHops })
}

// SetTrafficClass sets the traffic class, in IPv4 the type of service, of what is sent, from 0 to 255, or
// -1 for the default, 0.
func (c *UDPConn) SetTrafficClass(tc int) error {
	return c.setByte("traffic class", tc, func(o *udpOptions) *int { return &o.tos })
}

// SetDontFragment says whether a datagram that makes a packet larger than the path carries is refused,
// with syscall.EMSGSIZE, instead of being sent in fragments (RFC 3542 section 11.2). IPv4 packets then
// also have the bit that forbids routers to do so. On a new socket it is off.
func (c *UDPConn) SetDontFragment(on bool) error {
	return c.set(func(o *udpOptions) error {
		o.dontFragment = on
		return nil
	})
}

// SetMulticastInterface sets the interface by which datagrams to groups, and to 255.255.255.255, leave that
// name none in another way; nil leaves it to the stack, which takes the oldest. That of a connected socket stays
// what it was. Only the Index of ifi counts: it is that of an Interface of the stack.
func (c *UDPConn) SetMulticastInterface(ifi *net.Interface) error {
	return c.set(func(o *udpOptions) error { return o.setMulticastInterface(c.s, ifi) })
}

// SetMulticastLoopback says whether the stack's own members of a group, this socket included, receive
// what is sent to it. On a new socket they do.
func (c *UDPConn) SetMulticastLoopback(on bool) error {
	return c.set(func(o *udpOptions) error {
		o.loop = on
		return nil
	})
}

// JoinGroup joins a multicast group, a *net.UDPAddr or *net.IPAddr, on an interface, until LeaveGroup
// or Close. ifi is told apart by its Index; nil takes the one that the socket is bound to, or its
// multicast interface, or the oldest. What comes to the group reaches every socket of the host that is bound
// to its port and not to another address or interface. Joining twice is syscall.EADDRINUSE.
func (c *UDPConn) JoinGroup(ifi *net.Interface, group net.Addr) error {
	return c.withGroup(ifi, group, c.groups.join)
}

// LeaveGroup undoes JoinGroup. Without one it is syscall.EADDRNOTAVAIL.
func (c *UDPConn) LeaveGroup(ifi *net.Interface, group net.Addr) error {
	return c.withGroup(ifi, group, c.groups.leave)
}

func (c *UDPConn) withGroup(ifi *net.Interface, group net.Addr, do func(membership) error) error {
	addr, err := groupAddr(group)
	if err == nil {
		err = c.checkFamily(addr)
	}
	var m membership
	if err == nil {
		m, err = c.s.membership(addr, ifi, c.iface, c.opt.Load().multicastIf)
	}
	if err == nil {
		err = do(m)
	}
	if c.closed() {
		err = net.ErrClosed
	}
	if err != nil {
		return c.opError("set", syscallError("setsockopt", err))
	}
	return nil
}
