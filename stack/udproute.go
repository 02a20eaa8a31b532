package stack

import "net/netip"

// flow returns the way of a datagram; the caller releases it.
func (c *UDPConn) flow(k flowKey, o *udpOptions) (*flow, error) {
	return c.flows.get(k, &o.sendOptions, func() (sendPath, error) { return c.path(k, o) })
}

// path checks what the caller, in a destination that was checked and a control message, and the socket
// say about the way there.
func (c *UDPConn) path(k flowKey, o *udpOptions) (sendPath, error) {
	if c.remote.IsValid() && k.iface == c.peer.iface {
		if err := c.s.errDown(k.iface, c.peerName); err != nil {
			return sendPath{}, err
		}
	}
	nic, err := c.outgoing(k.dst, k.iface, o)
	if err != nil {
		return sendPath{}, err
	}
	p := sendPath{dst: k.dst.WithZone(""), source: k.source, nic: nic, loop: o.loop}
	if !p.source.IsValid() && !isLocalGroup(c.local) {
		p.source = c.local
	}
	if p.source.IsValid() {
		err = p.checkSource(c.s)
	}
	return p, err
}

var broadcast4 = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// outgoing returns the interface that a datagram is to leave by; 0 if nothing says one.
func (c *UDPConn) outgoing(dst netip.Addr, iface int, o *udpOptions) (int, error) {
	nic, err := c.s.outgoing(dst, iface, c.iface)
	switch {
	case err != nil, nic != 0:
		return nic, err
	case dst.IsMulticast():
		return o.multicastIf, nil
	case dst == broadcast4:
		// No route leads there: as multicast does, it leaves by the oldest interface.
		if is := c.s.Interfaces(); o.multicastIf == 0 && len(is) > 0 {
			return is[0].index, nil
		}
		return o.multicastIf, nil
	case needsZone(dst):
		return 0, errZone(dst)
	}
	return 0, nil
}
