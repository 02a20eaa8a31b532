package stack

import (
	"fmt"
	"net/netip"
	"syscall"
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
func (c *rawSocket) path(k rawFlowKey, o *rawOptions) (rawPath, error) {
	dst := k.dst
	switch {
	case !dst.IsValid():
		return rawPath{}, syscall.EDESTADDRREQ
	case dst.Is4() != c.key.ipv4:
		return rawPath{}, c.errFamily(dst)
	case dst.IsUnspecified():
		return rawPath{}, fmt.Errorf("nothing can be sent to %v: %w", dst, syscall.EINVAL)
	}
	if err := c.s.readyLoopback(dst); err != nil {
		return rawPath{}, err
	}
	nic, err := c.outgoing(dst, k.iface, o)
	if err != nil {
		return rawPath{}, err
	}
	p := rawPath{dst: dst.WithZone(""), source: o.local, nic: nic, loop: o.loop}
	if k.source.IsValid() {
		p.source = k.source
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
			return errNoInterface(p.nic)
		}
	}
	if _, err := c.s.localInterface(p.source, only); err != nil {
		return err
	}
	return c.s.keepLoopback(p.source, p.dst)
}

// unroutable says why there is no route, or no source for it.
func (p rawPath) unroutable(s *Stack, err error) error {
	if p.source.IsValid() {
		return fmt.Errorf("no route to %v from %v: %w", p.dst, p.source, err)
	}
	dst := p.dst
	if p.nic != 0 && dst.Is6() {
		dst = dst.WithZone(s.zoneName(p.nic))
	}
	return s.sourceError(dst, err)
}

func errNoInterface(index int) error {
	return fmt.Errorf("there is no interface with index %d any more: %w", index, syscall.ENODEV)
}
