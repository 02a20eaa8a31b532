package stack

import (
	"context"
	"net/netip"

	"github.com/hextet/hextet/srcselect"
)

// targets returns the addresses that an address to dial stands for, in the order in which they are
// to be tried, or, if it is a name, host.
func (d *Dialer) targets(ctx context.Context, n network, address string) (addrs []netip.Addr, host string, port uint16, err error) {
	host, port, err = n.splitAddress(ctx, address)
	if err != nil {
		return nil, "", 0, err
	}
	addr, isLiteral, err := n.literal(host)
	switch {
	case err != nil:
	case host == "" || isLiteral && addr.IsUnspecified():
		f := n.family
		if host != "" && addr.Is4() {
			f = onlyIPv4
		}
		addrs, err = d.Stack.ownAddresses(f)
	case isLiteral:
		addrs = []netip.Addr{addr}
	default:
		return nil, host, port, nil
	}
	return addrs, "", port, err
}

// order sorts destinations by RFC 6724 section 6 and mixes the families, beginning with another than
// last. Those without a route are unusable and go last.
func (d *Dialer) order(addrs []netip.Addr, last family) []netip.Addr {
	var (
		queries    []srcselect.Query
		unroutable []netip.Addr
	)
	for _, a := range addrs {
		if q, ok := d.query(a); ok {
			queries = append(queries, q)
		} else {
			unroutable = append(unroutable, a)
		}
	}
	sorted := make([]netip.Addr, 0, len(addrs))
	for _, r := range d.Stack.book.selector().SortDestinations(queries) {
		sorted = append(sorted, r.Query.Destination)
	}
	return append(interleave(sorted, last), unroutable...)
}

// query returns the question that decides about addr: that of the first route with a source, else of
// the first.
func (d *Dialer) query(addr netip.Addr) (srcselect.Query, bool) {
	dst, only, err := d.outgoing(addr)
	if err != nil {
		return srcselect.Query{}, false
	}
	queries, err := d.queries(dst, only)
	if err != nil {
		return srcselect.Query{}, false
	}
	best := queries[0]
	for _, q := range queries {
		if _, err := d.Stack.book.selector().Select(q); err == nil {
			best = q
			break
		}
	}
	best.Destination = addr // which keeps its zone
	return best, true
}

// ownAddresses returns where a peer on this host is reached: an address of IPv6, then one of IPv4, as
// far as f has them.
func (s *Stack) ownAddresses(f family) ([]netip.Addr, error) {
	var addrs []netip.Addr
	for _, one := range []family{onlyIPv6, onlyIPv4} {
		if f != 0 && f != one {
			continue
		}
		if addr, ok := s.ownAddress(one); ok {
			addrs = append(addrs, addr)
		}
	}
	if len(addrs) == 0 {
		return localhost("localhost", f), nil // which every host has
	}
	return addrs, nil
}

// ownAddress returns the best address of a family: one that is good beyond its link, then one that
// may speak, then the oldest.
func (s *Stack) ownAddress(f family) (best netip.Addr, ok bool) {
	bestRank := -1
	for _, i := range s.Interfaces() {
		for _, a := range i.Addresses() {
			addr, rank := a.Prefix.Addr(), 0
			if !a.State.works() || !f.has(addr) {
				continue
			}
			if !a.SkipAsSource {
				rank++
			}
			if !addr.IsLinkLocalUnicast() {
				rank += 2
			}
			if rank > bestRank {
				best, bestRank = addr, rank
				if needsZone(addr) {
					best = addr.WithZone(i.name)
				}
			}
		}
	}
	return best, bestRank >= 0
}
