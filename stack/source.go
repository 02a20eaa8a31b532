package stack

import (
	"fmt"
	"net/netip"
	"syscall"

	"github.com/hextet/hextet/srcselect"
)

// source is the engine's hook: the choice of a source for dst on interface nic, over the route that
// hint names. It runs with gVisor's locks held and takes none but the book's, a leaf, where
// addresses have changed.
//
// RFC 4291 section 2.5.3: "An IPv6 packet with a destination address of loopback must never be sent
// outside of a single node"; RFC 1122 section 3.2.1.3 says the same of IPv4.
func (s *Stack) source(nic int, dst, hint netip.Addr) (netip.Prefix, bool) {
	if dst.IsLoopback() {
		return netip.Prefix{}, false
	}
	q := srcselect.Query{Destination: dst, Interface: nic}
	if hint.IsValid() {
		r := s.rib.byHint(hint)
		if r == nil || r.iface != nic { // a router's: gVisor would also speak from another interface's address
			return netip.Prefix{}, false
		}
		q.NextHop, q.Source = r.NextHop, r.Source
	}
	res, err := s.book.selector().Select(q)
	if err != nil {
		return netip.Prefix{}, false
	}
	return res.Address.Prefix, true
}

// Addresses returns the host's addresses with the flags that source selection and registration look
// at, and a channel that is closed at the first change after that. It makes a Stack a
// dnsreg.Source.
func (s *Stack) Addresses() (addrs []srcselect.Address, changed <-chan struct{}) {
	return s.book.snapshot()
}

// Explain returns which source the stack would use towards dst, over the route it would take, and
// why: every candidate, and the rule that put it there. A zone in dst names the interface. It sends
// nothing. The error tells that there is no route, or no source (srcselect.ErrNoSource).
//
// Traffic to one of the host's own addresses never leaves it and carries that address on both ends,
// one flagged SkipAsSource too; the Explanation then has it as the explicit Source of its Query.
func (s *Stack) Explain(dst netip.Addr) (srcselect.Explanation, error) {
	queries, err := s.queries(dst)
	if err != nil {
		return srcselect.Explanation{}, err
	}
	for _, q := range queries {
		if _, err := s.selector(q).Select(q); err == nil {
			return s.selector(q).Explain(q), nil
		}
	}
	_, err = s.book.selector().Select(queries[0])
	return s.book.selector().Explain(queries[0]), err
}

// queries returns the questions that source selection is asked for dst, one for each route in the
// order in which they are tried.
func (s *Stack) queries(dst netip.Addr) ([]srcselect.Query, error) {
	dst = dst.Unmap()
	if !dst.IsValid() {
		return nil, fmt.Errorf("stack: the destination is not a valid address: %w", syscall.EINVAL)
	}
	if err := s.readyLoopback(dst); err != nil {
		return nil, err
	}
	if isOwnLoopback(dst) {
		dst = dst.WithZone("")
		return []srcselect.Query{{Destination: dst, Interface: loopbackIndex, Source: dst}}, nil
	}
	only := 0
	if zone := dst.Zone(); zone != "" {
		i, err := s.byName(zone)
		if err != nil {
			return nil, fmt.Errorf("stack: destination %v: there is no interface %q: %w", dst, zone, syscall.ENODEV)
		}
		only, dst = i.index, dst.WithZone("")
	}
	for _, i := range s.Interfaces() {
		if (only == 0 || only == i.index) && s.assigned(i.index, dst) {
			return []srcselect.Query{{Destination: dst, Interface: i.index, Source: dst}}, nil
		}
	}
	if only != 0 && (dst.IsMulticast() || dst.IsLinkLocalUnicast()) {
		return []srcselect.Query{{Destination: dst, Interface: only}}, nil
	}
	var qs []srcselect.Query
	for r := range s.rib.snap.Load().to(dst) {
		if only == 0 || only == r.iface {
			qs = append(qs, srcselect.Query{Destination: dst, Interface: r.iface, NextHop: r.NextHop, Source: r.Source})
		}
	}
	if len(qs) == 0 {
		return nil, fmt.Errorf("stack: there is no route to %v: %w", dst, syscall.ENETUNREACH)
	}
	return qs, nil
}

// errLoopback refuses a loopback destination that is nobody's. An explicit source would let it pass to
// the link.
func errLoopback(dst netip.Addr) error {
	return fmt.Errorf("stack: there is no route to the loopback address %v, which no link carries (RFC 4291 section 2.5.3, RFC 1122 section 3.2.1.3): %w", dst, syscall.ENETUNREACH)
}

// assigned reports whether addr works on an interface.
func (s *Stack) assigned(iface int, addr netip.Addr) bool {
	return s.book.state(iface, addr).works()
}
