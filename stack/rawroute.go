package stack

import (
	"fmt"
	"net/netip"
	"syscall"
)

// path checks a destination, which may have a zone, and what the caller and the socket say about the
// way there.
func (c *rawSocket) path(k flowKey, o *rawOptions) (sendPath, error) {
	dst := k.dst
	switch {
	case !dst.IsValid():
		return sendPath{}, syscall.EDESTADDRREQ
	case dst.Is4() != c.key.ipv4:
		return sendPath{}, c.errFamily(dst)
	case dst.IsUnspecified():
		return sendPath{}, fmt.Errorf("nothing can be sent to %v: %w", dst, syscall.EINVAL)
	}
	if err := c.s.readyLoopback(dst); err != nil {
		return sendPath{}, err
	}
	nic, err := c.outgoing(dst, k.iface, o)
	if err != nil {
		return sendPath{}, err
	}
	p := sendPath{dst: dst.WithZone(""), source: o.local, nic: nic, loop: o.loop}
	if k.source.IsValid() {
		p.source = k.source
	}
	if p.source.IsValid() {
		err = p.checkSource(c.s)
	}
	return p, err
}

// outgoing returns the interface that a packet is to leave by; 0 if nothing says one.
func (c *rawSocket) outgoing(dst netip.Addr, iface int, o *rawOptions) (int, error) {
	nic, err := c.s.outgoing(dst, iface, o.boundIf)
	switch bare := dst.WithZone(""); {
	case err != nil, nic != 0:
		return nic, err
	case dst.IsMulticast():
		return o.multicastIf, nil
	case o.remoteIf != 0 && bare == o.remote:
		return o.remoteIf, nil
	case needsZone(dst):
		return 0, errZone(dst)
	}
	return 0, nil
}
