package stack

import (
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// SetDontFragment says whether a packet that is larger than the path carries is refused, with
// syscall.EMSGSIZE, instead of being sent in fragments (RFC 3542 section 11.2). IPv4 packets then also
// have the bit that forbids routers to do so. On a new socket it is off.
func (c *rawSocket) SetDontFragment(on bool) error {
	return c.set(func(o *rawOptions) error {
		o.dontFragment = on
		return nil
	})
}

// DontFragment reports what SetDontFragment set.
func (c *rawSocket) DontFragment() bool { return c.opt.Load().dontFragment }

// SetUseMinimumMTU says whether packets are cut to 1280 bytes, which every link carries, whatever the path
// does, as IPV6_USE_MIN_MTU of RFC 3542 section 11.1: 1 for all, 0 for none, and -1, as on a new socket,
// for those to groups, since no one path leads there. Other values are syscall.EINVAL. What must not
// be fragmented is not touched.
func (c *RawConn) SetUseMinimumMTU(value int) error {
	return c.set(func(o *rawOptions) error {
		if value < -1 || value > 1 {
			return fmt.Errorf("use of the minimum MTU: %d is not between -1 and 1: %w", value, syscall.EINVAL)
		}
		o.minimumMTU = value
		return nil
	})
}

// UseMinimumMTU returns what SetUseMinimumMTU set.
func (c *RawConn) UseMinimumMTU() int { return c.opt.Load().minimumMTU }

// PathMTU returns the size in bytes of the largest packet that reaches the address of Connect, IP header
// included, as far as that is known (RFC 3542 section 11.4): at first what the outgoing link, or
// the route, carries. A Packet Too Big, or Fragmentation Needed, that is about a packet of the host
// lowers it for ten minutes (RFC 8201 section 4). It is that of the interface, source and Routing header
// of SetSticky. On a socket that is not connected it is syscall.ENOTCONN.
func (c *rawSocket) PathMTU() (int, error) {
	fail := func(err error) (int, error) {
		return 0, c.opError("get", nil, syscallError("getsockopt", err))
	}
	o := c.opt.Load()
	switch {
	case c.closed():
		return fail(net.ErrClosed)
	case !o.remote.IsValid():
		return fail(syscall.ENOTCONN)
	}
	var h rawHeader
	if o.sticky != nil {
		h.inherit(o.sticky)
	}
	k, err := h.flowKey(o.remote, o)
	if err != nil {
		return fail(err)
	}
	f, err := c.flow(k, o)
	if err != nil {
		return fail(err)
	}
	defer f.release()
	return f.mtu, nil
}

// SetReceivePathMTU says whether ReadMsg reports that the path to a destination of the socket
// carries less than was known (RFC 3542 section 11.3): it then returns no bytes, no source and a
// ControlMessage with PathMTU. The other read calls pass over it. On a new socket it is off.
func (c *RawConn) SetReceivePathMTU(on bool) error {
	return c.set(func(o *rawOptions) error {
		o.receivePathMTU = on
		return nil
	})
}

// zonedAddr is addr with the zone of an interface where it means nothing without.
func (c *rawSocket) zonedAddr(addr netip.Addr, iface int) netip.Addr {
	if iface != 0 && needsZone(addr) {
		return addr.WithZone(c.s.zoneName(iface))
	}
	return addr
}
