package stack

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
)

// walk is how gVisor finds the routes to dst.
func walk(routes []*routeEntry, dst netip.Addr) (found []*routeEntry) {
	for _, e := range routes {
		if e.Destination.Contains(dst) {
			found = append(found, e)
		}
	}
	return found
}

// smallWorld returns routes to prefixes that often are neighbours, or the same, in the order in which they
// are tried.
func smallWorld(rng *rand.Rand) []*routeEntry {
	var routes []*routeEntry
	for token := range uint32(rng.IntN(60)) {
		e := &routeEntry{token: token, iface: 1 + rng.IntN(2)*rng.IntN(2)}
		base, bits := netip.MustParseAddr("2001:db8::"), []int{0, 48, 60, 61, 62, 63, 64, 64, 64, 128}[rng.IntN(10)]
		if rng.IntN(4) == 0 {
			base, bits = netip.MustParseAddr("192.0.2.0"), 24+rng.IntN(9)
		}
		e.Destination = netip.PrefixFrom(somewhere(rng, base), bits).Masked()
		if e.kind = connectedRoute; rng.IntN(6) == 0 {
			e.kind, e.NextHop, e.Metric = configuredRoute, base.Next(), rng.IntN(3)
		}
		routes = append(routes, e)
	}
	slices.SortStableFunc(routes, compareRoutes)
	return routes
}

func somewhere(rng *rand.Rand, base netip.Addr) netip.Addr {
	b := base.AsSlice()
	if base.Is6() {
		b[7] = byte(rng.IntN(16))
	}
	b[len(b)-1] = byte(rng.IntN(32))
	a, _ := netip.AddrFromSlice(b)
	return a
}

// TestFewestDecideAsAll: what gVisor finds among the few routes that it is given is what it would find
// among all.
func TestFewestDecideAsAll(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	joined := 0
	for range 500 {
		routes := smallWorld(rng)
		few := fewest(routes)
		joined += len(routes) - len(few)
		for range 20 {
			base := netip.MustParseAddr("2001:db8::")
			if rng.IntN(4) == 0 {
				base = netip.MustParseAddr("192.0.2.0")
			}
			dst := somewhere(rng, base)
			same := func(a, b *routeEntry) bool {
				return a.iface == b.iface && a.kind == b.kind && a.NextHop == b.NextHop && a.Metric == b.Metric
			}
			if got, want := walk(few, dst), walk(routes, dst); !slices.EqualFunc(got, want, same) {
				t.Fatalf("to %v, of %v, few are %v:\n%v, want\n%v", dst, routes, few, got, want)
			}
		}
	}
	if joined == 0 {
		t.Error("no routes were joined")
	}
}

func TestFewestOfNeighbours(t *testing.T) {
	var routes []*routeEntry
	for k := range 1 << 12 {
		a := netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 0, 7, byte(k >> 8), byte(k)})
		routes = append(routes, &routeEntry{kind: connectedRoute, iface: 1, Route: Route{Destination: netip.PrefixFrom(a, 64)}})
	}
	if few := fewest(routes); len(few) != 1 || few[0].Destination.String() != "2001:db8:7::/52" {
		t.Errorf("4,096 neighbours make %d routes, the first is %v", len(few), few[0])
	}
	if few := fewest(routes[1:]); len(few) != 12 {
		t.Errorf("all but the first make %d routes, want 12", len(few))
	}
	routes[77].iface = 2
	if few := fewest(routes); len(few) != 13 {
		t.Errorf("with one of another interface they make %d routes, want 13", len(few))
	}
}

// TestRIBIndexFindsAsWalk: the index yields what a walk of all routes finds, in its order.
func TestRIBIndexFindsAsWalk(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for range 500 {
		r := newRIBSnapshot(smallWorld(rng))
		for _, base := range []string{"2001:db8::", "192.0.2.0", "198.51.100.0"} {
			dst := somewhere(rng, netip.MustParseAddr(base))
			if got, want := slices.Collect(r.to(dst)), walk(r.ordered, dst); !slices.Equal(got, want) {
				t.Fatalf("to %v: %v, want %v", dst, got, want)
			}
		}
	}
}
