package srcselect

import (
	"fmt"
	"net/netip"
	"testing"
)

// hostWith returns a Selector of n addresses: distinct /64s of one interface, or,
// mixed, on three interfaces with all labels, flags and prefix lengths.
func hostWith(t testing.TB, n int, mixed bool) *Selector {
	t.Helper()
	as := make([]Address, n)
	prefixes := []string{"2001:db8::", "fd00::", "2002:c633::", "fec0::", "fe80::"}
	for i := range as {
		a := Address{Interface: 1}
		base := netip.MustParseAddr("2001:db8::").As16()
		length := 64
		if mixed {
			base = netip.MustParseAddr(prefixes[i%len(prefixes)]).As16()
			length = []int{64, 48, 128}[i%3]
			a.Interface = 1 + i%3
			a.Deprecated, a.Temporary, a.SkipAsSource = i%4 == 1, i%5 == 2, i%6 == 3
		}
		base[5], base[6], base[7], base[15] = byte(i>>16), byte(i>>8), byte(i), 1
		a.Prefix = netip.PrefixFrom(netip.AddrFrom16(base), length)
		as[i] = a
	}
	s := NewSelector(Config{})
	if err := s.Add(as...); err != nil {
		t.Fatal(err)
	}
	return s
}

func BenchmarkSelect(b *testing.B) {
	for _, mixed := range []bool{false, true} {
		for _, n := range []int{1, 4, 8, 64, 1000} {
			name := "distinct"
			if mixed {
				name = "mixed"
			}
			b.Run(fmt.Sprintf("%s/n=%d", name, n), func(b *testing.B) {
				s := hostWith(b, n, mixed)
				q := to("2001:db8:ffff::9")
				b.ReportAllocs()
				for b.Loop() {
					if _, err := s.Select(q); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkSelectParallel(b *testing.B) {
	s := hostWith(b, 8, false)
	q := to("2001:db8:ffff::9")
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := s.Select(q); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkAdd(b *testing.B) {
	for _, n := range []int{4, 1000} {
		b.Run(fmt.Sprintf("flip/n=%d", n), func(b *testing.B) {
			s := hostWith(b, n, false)
			a := s.Addresses()[n/2]
			b.ReportAllocs()
			for b.Loop() {
				a.SkipAsSource = !a.SkipAsSource
				if err := s.Add(a); err != nil {
					b.Fatal(err)
				}
			}
		})
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
