package srcselect

import (
	"net/netip"
	"testing"
)

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
