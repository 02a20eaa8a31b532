package srcselect

import (
	"net/netip"
	"testing"
)

// At any number of addresses, from a list and from an index.
func TestSelectDoesNotAllocateAtAnySize(t *testing.T) {
	sizes := benchSizes
	if testing.Short() {
		sizes = sizes[:len(sizes)-2]
	}
	for _, m := range mixes {
		for _, n := range sizes {
			s := m.host(t, n)
			queries := append(m.queries(n), Query{Destination: m.address(n / 2).Prefix.Addr()}, to("ff02::1"), to("fe80::1"))
			for _, q := range queries {
				if _, err := s.Select(q); err != nil {
					continue // whose error does allocate
				}
				if allocs := testing.AllocsPerRun(10, func() { _, _ = s.Select(q) }); allocs != 0 {
					t.Fatalf("%s, %d addresses, %v: %v allocations", m.name, n, q, allocs)
				}
			}
		}
	}
}

// Changing one of 100,000 addresses copies a path, not the host.
func TestUpdateAllocations(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP(short): builds hosts of 100,000 addresses")
	}
	const n = 100_000
	for _, m := range mixes {
		s := m.host(t, n)
		i := 0
		next := func() Address { i++; return m.address(i * 7919 % n) }
		update := func(a Address) {
			if err := s.Add(a); err != nil {
				t.Fatal(err)
			}
		}
		both := testing.AllocsPerRun(100, func() {
			a := next()
			if !s.Remove(a.Interface, a.Prefix.Addr()) {
				t.Fatalf("%v is not there", a.Prefix)
			}
			update(a)
		})
		flip := testing.AllocsPerRun(100, func() {
			a := next()
			a.SkipAsSource = !a.SkipAsSource
			update(a)
		})
		more := testing.AllocsPerRun(100, func() { i++; update(m.address(n + i)) })
		t.Logf("%s: add %v, remove and add %v, flag %v allocations", m.name, more, both, flip)
		if more > 25 || both > 50 || flip > 50 {
			t.Errorf("%s: add %v, remove and add %v, flag %v allocations: want at most 25, 50, 50", m.name, more, both, flip)
		}
	}
}

func TestSelectDoesNotAllocate(t *testing.T) {
	s := selectorWith(t, Config{LastResort: true, AnyInterface: true}, "2001:db8:1::1", "2001:db8:2::1 via=fe80::a", "fe80::1 if2",
		"192.0.2.1", "2001:db8:2::2 skip", "fe80::1 if1", "10.0.0.1 if2 skip")
	explicit := to("2001:db8::9")
	explicit.Source = netip.MustParseAddr("2001:db8:2::2")
	named := Query{Destination: netip.MustParseAddr("fe80::9%eth0"), Interface: 1, Source: netip.MustParseAddr("fe80::1%eth0")}
	mapped := explicit
	mapped.Destination, mapped.Source = netip.MustParseAddr("::ffff:192.0.2.9"), netip.Addr{}
	for name, q := range map[string]Query{
		"plain":     to("2001:db8::9"),
		"next hop":  through(to("2001:db8::9"), "fe80::a%eth0"),
		"IPv4":      to("192.0.2.9"),
		"mapped":    mapped,
		"zone":      {Destination: netip.MustParseAddr("fe80::9%2")},
		"zone name": named,
		"group":     to("ff02::1"),
		"explicit":  explicit,
		"preferred": preferring(to("2001:db8::9"), PreferPublic|PreferCareOf),
	} {
		if n := testing.AllocsPerRun(100, func() {
			if _, err := s.Select(q); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
