package stack

import (
	"cmp"
	"iter"
	"net/netip"
	"slices"
)

// ribIndex finds routes by their destinations, in a time that the number of routes does not change: one
// look-up for each length that a prefix has.
type ribIndex struct {
	at      map[netip.Prefix][]*routeEntry // in the order in which they are tried
	lengths [2][]int                       // of the prefixes of IPv4 and IPv6, longest first
}

// newRIBIndex returns the index of routes that are in the order in which they are tried.
func newRIBIndex(ordered []*routeEntry) *ribIndex {
	x := &ribIndex{at: make(map[netip.Prefix][]*routeEntry, len(ordered))}
	for _, e := range ordered {
		x.at[e.Destination] = append(x.at[e.Destination], e)
		of := x.of(e.Destination.Addr())
		if n := len(*of); n == 0 || (*of)[n-1] != e.Destination.Bits() {
			*of = append(*of, e.Destination.Bits())
		}
	}
	return x
}

func (x *ribIndex) of(a netip.Addr) *[]int {
	if a.Is4() {
		return &x.lengths[0]
	}
	return &x.lengths[1]
}

// to iterates over the routes whose destination holds dst, in the order in which they are tried.
func (r *ribSnapshot) to(dst netip.Addr) iter.Seq[*routeEntry] {
	return func(yield func(*routeEntry) bool) {
		x := r.index()
		for _, bits := range *x.of(dst) {
			p, _ := dst.Prefix(bits) // of its own length at most
			for _, e := range x.at[p] {
				if !yield(e) {
					return
				}
			}
		}
	}
}

// fewest returns routes by which gVisor, which walks them one by one, comes to the decisions of ordered, but
// few: prefixes of one link that fill a shorter one are joined to that. The prefixes of a crowd of addresses
// tend to be neighbours.
//
// A prefix is joined only if it has no other route, over which the joined one would no longer go first, and
// then goes before the routes that the shorter one had.
func fewest(ordered []*routeEntry) []*routeEntry {
	at := newRIBIndex(ordered).at
	var joinable [129][]netip.Prefix // by length
	alone := func(p netip.Prefix) *routeEntry {
		if es := at[p]; len(es) == 1 && es[0].kind == connectedRoute {
			return es[0]
		}
		return nil
	}
	for p := range at {
		if alone(p) != nil {
			joinable[p.Bits()] = append(joinable[p.Bits()], p)
		}
	}
	for bits := len(joinable) - 1; bits > 0; bits-- {
		for _, p := range joinable[bits] {
			q := sibling(p)
			e, f := alone(p), alone(q)
			if e == nil || f == nil || e.iface != f.iface {
				continue
			}
			joined := *e
			joined.Destination = netip.PrefixFrom(p.Addr(), bits-1).Masked()
			delete(at, p)
			delete(at, q)
			at[joined.Destination] = append([]*routeEntry{&joined}, at[joined.Destination]...)
			if alone(joined.Destination) != nil {
				joinable[bits-1] = append(joinable[bits-1], joined.Destination)
			}
		}
	}
	var all []*routeEntry
	for _, es := range at {
		all = append(all, es...)
	}
	slices.SortStableFunc(all, func(a, b *routeEntry) int { return cmp.Compare(b.Destination.Bits(), a.Destination.Bits()) })
	return all
}

// sibling returns the prefix that differs in the last bit.
func sibling(p netip.Prefix) netip.Prefix {
	b := p.Addr().AsSlice()
	bit := p.Bits() - 1
	b[bit/8] ^= 0x80 >> (bit % 8)
	a, _ := netip.AddrFromSlice(b)
	return netip.PrefixFrom(a, p.Bits())
}
