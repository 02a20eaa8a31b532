package stack

import (
	"fmt"
	"net/netip"
	"syscall"

	"github.com/hextet/hextet/srcselect"
	"github.com/hextet/hextet/stack/internal/convert"
	"gvisor.dev/gvisor/pkg/tcpip"
)

// binding is what a conn is bound to before it connects. Where it says nothing, gVisor asks the
// stack's hook.
type binding struct {
	nic  tcpip.NICID // the interface to go out by; 0: the route's
	addr netip.Addr  // without a zone; zero: source selection's
	port uint16      // 0: any
}

// bind binds the socket, if there is anything to bind to.
func (k *socket) bind(b binding) error {
	if !b.addr.IsValid() && b.port == 0 {
		return nil
	}
	fa := tcpip.FullAddress{Addr: convert.Addr(b.addr), Port: b.port}
	if b.addr.IsValid() {
		fa.NIC = b.nic
	}
	return syscallError("bind", k.result(k.ep.Bind(fa)))
}

// target is where the conn then connects to.
func (b binding) target(to netip.AddrPort) tcpip.FullAddress {
	return tcpip.FullAddress{NIC: b.nic, Addr: convert.Addr(to.Addr()), Port: to.Port()}
}

// binding turns the Dialer's choices into one for a destination.
func (d *Dialer) binding(dst netip.Addr) (binding, error) {
	dst, only, err := d.outgoing(dst)
	if err != nil {
		return binding{}, err
	}
	b := binding{port: d.LocalAddr.Port()}
	if local := d.LocalAddr.Addr().Unmap(); local.IsValid() && !local.IsUnspecified() {
		if local.Is4() != dst.Is4() {
			return b, fmt.Errorf("local address %v is of another family than %v: %w", local, dst, syscall.EAFNOSUPPORT)
		}
		i, err := d.Stack.localInterface(local, only)
		if err != nil {
			return b, err
		}
		if err := d.Stack.keepLoopback(local, dst); err != nil {
			return b, err
		}
		b.nic, b.addr = i.id(), local.WithZone("")
		return b, nil
	}
	if d.Interface != "" || d.Prefer != 0 {
		// gVisor knows no preferences and its hook no socket: choose here and bind.
		return d.choose(b, dst, only)
	}
	if only != nil {
		b.nic = only.id()
	}
	return b, nil
}

// outgoing returns the interface that the Dialer or the destination's zone names, nil if none, and
// the destination with that zone if it needs one.
func (d *Dialer) outgoing(dst netip.Addr) (netip.Addr, *Interface, error) {
	if err := d.Stack.readyLoopback(dst); err != nil {
		return dst, nil, err
	}
	var only *Interface
	if d.Interface != "" {
		i, err := d.Stack.byName(d.Interface)
		if err != nil {
			return dst, nil, fmt.Errorf("there is no interface %q: %w", d.Interface, syscall.ENODEV)
		}
		only = i
		if dst.Zone() == "" && needsZone(dst) {
			dst = dst.WithZone(i.name)
		}
	}
	if dst.Zone() == "" {
		if dst.Is6() && dst.IsLinkLocalUnicast() {
			return dst, nil, errZone(dst)
		}
		return dst, only, nil
	}
	i, err := d.Stack.zoneInterface(dst)
	if err != nil {
		return dst, nil, err
	}
	if only != nil && only != i {
		return dst, nil, fmt.Errorf("the destination's zone %q is not interface %q: %w", dst.Zone(), only.name, syscall.EINVAL)
	}
	return dst, i, nil
}

// choose selects a source as the hook does, but with the Dialer's preferences and only by the
// interface only, unless that is nil.
func (d *Dialer) choose(b binding, dst netip.Addr, only *Interface) (binding, error) {
	queries, err := d.queries(dst, only)
	if err != nil {
		return b, err
	}
	var first error
	for _, q := range queries {
		res, err := d.Stack.selector(q).Select(q)
		if err == nil && res.Address.Interface == q.Interface {
			b.nic, b.addr = tcpip.NICID(q.Interface), res.Address.Prefix.Addr()
			return b, nil
		}
		if first == nil && err != nil {
			first = err
		}
	}
	if first == nil {
		return b, syscall.ENETUNREACH
	}
	return b, errNoSource(first)
}

// queries returns what source selection is asked for dst under the Dialer's choices, one query for
// each route.
func (d *Dialer) queries(dst netip.Addr, only *Interface) ([]srcselect.Query, error) {
	all, err := d.Stack.queries(dst)
	if err != nil {
		return nil, err
	}
	var qs []srcselect.Query
	for _, q := range all {
		if only != nil && q.Interface != only.index {
			continue
		}
		q.Prefer = d.Prefer
		if local := d.LocalAddr.Addr(); local.IsValid() && !local.IsUnspecified() {
			q.Source = local.Unmap().WithZone("")
		}
		qs = append(qs, q)
	}
	if len(qs) == 0 {
		return nil, fmt.Errorf("there is no route to %v by interface %q: %w", dst, only.name, syscall.ENETUNREACH)
	}
	return qs, nil
}
