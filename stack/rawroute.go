package stack

import (
	"fmt"
	"net/netip"
	"sync"
	"syscall"

	"github.com/hextet/hextet/stack/internal/convert"
	"gvisor.dev/gvisor/pkg/tcpip"
	gvisor "gvisor.dev/gvisor/pkg/tcpip/stack"
)

// rawPath says how a raw packet is to leave. The source is chosen when it is looked up.
type rawPath struct {
	dst    netip.Addr // without a zone
	source netip.Addr // zero: to be chosen
	nic    int        // 0: any
	loop   bool       // own members of a group get a copy
}

// path checks a destination, which may have a zone, and what the caller and the socket say about the
// way there.
func (c *rawSocket) path(dst netip.Addr, h rawHeader, o *rawOptions) (rawPath, error) {
	switch {
	case !dst.IsValid():
		return rawPath{}, syscall.EDESTADDRREQ
	case dst.Is4() != c.key.ipv4:
		return rawPath{}, c.errFamily(dst)
	case dst.IsUnspecified():
		return rawPath{}, fmt.Errorf("nothing can be sent to %v: %w", dst, syscall.EINVAL)
	case dst.IsLoopback() && !isOwnLoopback(dst):
		return rawPath{}, errLoopback(dst)
	}
	nic, err := c.outgoing(dst, h.iface, o)
	if err != nil {
		return rawPath{}, err
	}
	p := rawPath{dst: dst.WithZone(""), source: o.local, nic: nic, loop: o.loop}
	if h.source.IsValid() {
		p.source = h.source
	}
	if p.source.IsValid() {
		err = c.checkSource(p)
	}
	return p, err
}

// outgoing returns the interface that the destination's zone, the caller and the socket agree on; 0
// if nothing says one.
func (c *rawSocket) outgoing(dst netip.Addr, iface int, o *rawOptions) (int, error) {
	nic := o.boundIf
	agree := func(other int, what string) error {
		if nic != 0 && nic != other {
			return fmt.Errorf("%s names interface %q, but the packet is bound to %q: %w", what, c.s.zoneName(other), c.s.zoneName(nic), syscall.EINVAL)
		}
		nic = other
		return nil
	}
	if dst.Zone() != "" {
		i, err := c.s.zoneInterface(dst)
		if err != nil {
			return 0, err
		}
		if err := agree(i.index, fmt.Sprintf("destination %v", dst)); err != nil {
			return 0, err
		}
	}
	if iface != 0 {
		if c.s.byIndex(iface) == nil {
			return 0, fmt.Errorf("control message: there is no interface with index %d: %w", iface, syscall.ENODEV)
		}
		if err := agree(iface, "the control message"); err != nil {
			return 0, err
		}
	}
	switch bare := dst.WithZone(""); {
	case nic != 0:
	case dst.IsMulticast():
		nic = o.multicastIf
	case o.remoteIf != 0 && bare == o.remote:
		nic = o.remoteIf
	case needsZone(dst):
		return 0, errZone(dst)
	}
	return nic, nil
}

// checkSource refuses a source that was named and is not the host's, or not that of the interface.
func (c *rawSocket) checkSource(p rawPath) error {
	var only *Interface
	if p.nic != 0 {
		if only = c.s.byIndex(p.nic); only == nil {
			return fmt.Errorf("there is no interface with index %d any more: %w", p.nic, syscall.ENODEV)
		}
	}
	_, err := c.s.localInterface(p.source, only)
	return err
}

// find returns gVisor's route, which the caller releases. It has the source.
func (p rawPath) find(s *Stack) (*gvisor.Route, error) {
	r, gverr := s.gv.FindRoute(tcpip.NICID(p.nic), convert.Addr(p.source), convert.Addr(p.dst), convert.Protocol(p.dst), p.loop)
	if gverr == nil {
		return r, nil
	}
	err := convert.Error(gverr)
	if p.source.IsValid() {
		return nil, fmt.Errorf("no route to %v from %v: %w", p.dst, p.source, err)
	}
	dst := p.dst
	if p.nic != 0 && dst.Is6() {
		dst = dst.WithZone(s.zoneName(p.nic))
	}
	return nil, s.sourceError(dst, err)
}

func routeSource(r *gvisor.Route) netip.Addr { return convert.NetAddr(r.LocalAddress()) }

// route returns the route of one packet, which the caller releases.
func (c *rawSocket) route(dst netip.Addr, h rawHeader, o *rawOptions) (*gvisor.Route, error) {
	if dst == o.remote && !h.source.IsValid() && h.iface == 0 {
		return c.cache.find(c, o)
	}
	p, err := c.path(dst, h, o)
	if err != nil {
		return nil, err
	}
	return p.find(c.s)
}

// rawRouteCache keeps the route to the peer of a connected socket, whose source stays the same. It
// holds as long as the socket's options and the stack's routes do, which change with the addresses.
type rawRouteCache struct {
	mu     sync.Mutex
	closed bool
	route  *gvisor.Route // nil: none
	opt    *rawOptions
	rib    *ribSnapshot
}

// find returns the route, which the caller releases.
func (c *rawRouteCache) find(k *rawSocket, o *rawOptions) (*gvisor.Route, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	rib := k.s.rib.snap.Load()
	if c.route == nil || c.opt != o || c.rib != rib {
		p, err := k.path(o.remote, rawHeader{}, o)
		if err != nil {
			return nil, err
		}
		r, err := p.find(k.s)
		if err != nil || c.closed {
			return r, err
		}
		c.forget()
		c.route, c.opt, c.rib = r, o, rib
	}
	c.route.Acquire()
	return c.route, nil
}

// forget drops the route; c.mu is held.
func (c *rawRouteCache) forget() {
	if c.route != nil {
		c.route.Release()
		c.route = nil
	}
}

// reset drops a route that gVisor does not accept any more.
func (c *rawRouteCache) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forget()
}

// close is the last reset.
func (c *rawRouteCache) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.forget()
}
