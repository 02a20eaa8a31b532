package stack_test

import (
	"net"
	"net/netip"
	"testing"
	"testing/synctest"

	"github.com/hextet/hextet/stack"
)

// A raw socket keeps its way to a destination, but not past an advertisement of another hop limit or
// MTU.
func TestRawFollowsAdvertisements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, r := slaacHost(t, stack.Config{NoTCP: true}, stack.InterfaceConfig{SLAAC: true})
		ra := from(router1, "2001:db8:1::/64")
		r.advertise(ra)
		c, err := s.ListenRaw(17, netip.Addr{})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		write := func(n int) (hops byte, largest int) {
			t.Helper()
			r.mu.Lock()
			r.seen = nil
			r.mu.Unlock()
			if _, err := c.WriteTo(make([]byte, n), nil, &net.IPAddr{IP: net.ParseIP("2001:db8:2::9")}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			r.mu.Lock()
			defer r.mu.Unlock()
			for _, f := range r.seen {
				hops, largest = f[21], max(largest, len(f)-14)
			}
			return hops, largest
		}
		if hops, n := write(1400); hops != 64 || n != 1440 {
			t.Errorf("hop limit %d, largest packet of %d bytes; want 64, 1440", hops, n)
		}
		ra.HopLimit = 33
		r.advertise(ra)
		if hops, n := write(1400); hops != 33 || n != 1440 {
			t.Errorf("hop limit %d, largest packet of %d bytes; want 33, 1440", hops, n)
		}
		wide := stack.Route{Destination: netip.MustParsePrefix("2001:db8:2::/64"), NextHop: router1, Interface: "eth0", MTU: 1400}
		if err := s.AddRoute(wide); err != nil {
			t.Fatal(err)
		}
		if _, n := write(1400); n > 1400 || n < 1390 {
			t.Errorf("largest packet of %d bytes by a route of 1400", n)
		}
		ra.MTU = 1300
		r.advertise(ra)
		for range 2 { // by the route that has an MTU of its own, and without it
			if hops, n := write(1400); hops != 33 || n > 1300 || n < 1290 {
				t.Errorf("hop limit %d, largest packet of %d bytes; want 33, at most 1300", hops, n)
			}
			s.RemoveRoute(wide)
		}
	})
}
