package srcselect_test

import (
	"fmt"
	"net/netip"

	"github.com/hextet/hextet/srcselect"
)

// Of addresses that no rule tells apart the oldest is chosen, or the newest or the
// lowest. Windows chooses IPv4 addresses by the next hop.
func ExampleConfig() {
	choose := func(cfg srcselect.Config, dst, nextHop string) {
		s := srcselect.NewSelector(cfg)
		for _, p := range []string{"2001:db8::5/64", "2001:db8::1/64", "2001:db8::9/64", "192.0.2.1/24", "198.51.100.1/24"} {
			if err := s.Add(srcselect.Address{Prefix: netip.MustParsePrefix(p), Interface: 1}); err != nil {
				fmt.Println(err)
			}
		}
		r, err := s.Select(srcselect.Query{
			Destination: netip.MustParseAddr(dst),
			NextHop:     netip.MustParseAddr(nextHop),
			Interface:   1,
		})
		fmt.Println(r.Address.Prefix.Addr(), r.Rule, err)
	}
	choose(srcselect.Config{}, "2001:db8:1::1", "fe80::1")
	choose(srcselect.Config{TieBreak: srcselect.TieNewest}, "2001:db8:1::1", "fe80::1")
	choose(srcselect.Config{TieBreak: srcselect.TieLowest}, "2001:db8:1::1", "fe80::1")
	choose(srcselect.Config{}, "203.0.113.1", "198.51.100.254")
	choose(srcselect.Config{IPv4: srcselect.IPv4NextHop}, "203.0.113.1", "198.51.100.254")
	// Output:
	// 2001:db8::5 tie (oldest address) <nil>
	// 2001:db8::9 tie (newest address) <nil>
	// 2001:db8::1 tie (lowest address) <nil>
	// 192.0.2.1 tie (oldest address) <nil>
	// 198.51.100.1 longest match with next hop <nil>
}
