//go:build unix

package dnsreg

import (
	"fmt"
	"maps"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/internal/dnspeer"
)

// 20 addresses of which 3 may speak, as the issue behind all this has it.
func twentyAddresses() []string {
	lines := []string{"192.0.2.1", "2001:db8::1", "2001:db8::2"}
	for i := range 9 {
		lines = append(lines, fmt.Sprintf("192.0.2.%d skip", 100+i))
	}
	return append(lines, "2001:db8::10 skip", "2001:db8::11 skip", "2001:db8::12 temporary", "2001:db8::13 deprecated",
		"2001:db8::14 tentative", "fe80::1", "127.0.0.1", "169.254.3.4")
}

// reverseLine is the PTR record of an address.
func reverseLine(addr string) string {
	return reverseName(netip.MustParseAddr(addr)) + " 1200 IN PTR " + hostName
}

// forwardLine is the A or AAAA record of an address.
func forwardLine(addr string) string {
	rtype := "AAAA"
	if netip.MustParseAddr(addr).Is4() {
		rtype = "A"
	}
	return hostName + " 1200 IN " + rtype + " " + addr
}

// The whole life of a host: nothing but the eligible, forward and reverse; a refresh that no serial shows; and in
// the end the zones are as they were.
func TestPeersHoldExactlyTheEligible(t *testing.T) {
	eachPeer(t, func(t *testing.T, kind dnspeer.Kind) {
		p := startPeer(t, kind, foreignZones()...)
		before := p.all()
		lines := twentyAddresses()
		if len(lines) != 20 {
			t.Fatalf("%d addresses", len(lines))
		}
		p.table.Set(host(lines...)...)
		r := p.registrar()
		p.sync(r)
		want := plus(before, lines[:3]...)
		p.holds(want)
		if c := r.Status().Counters; c.Updates != 3 || c.UpdateBytes > 900 {
			t.Errorf("%d updates of %d octets", c.Updates, c.UpdateBytes)
		}

		serials := p.serials()
		p.sync(r) // a refresh
		if after := p.serials(); !maps.Equal(after, serials) {
			t.Errorf("a refresh moved the serials from %v to %v", serials, after)
		}
		if c := r.Status().Counters; c.Probes != 3 || c.Conflicts != 0 {
			t.Errorf("counters after the refresh: %+v", c)
		}
		p.holds(want)

		if err := r.Deregister(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.holds(before)
	})
}

// Setting the flag on one address and taking it from another shows at the server within two seconds, debouncing
// included.
func TestPeersFollowAFlag(t *testing.T) {
	eachPeer(t, func(t *testing.T, kind dnspeer.Kind) {
		p := startPeer(t, kind, foreignZones()...)
		before := p.all()
		lines := twentyAddresses()
		p.table.Set(host(lines...)...)
		defer (&world{t: t}).start(p.registrar())()
		p.Await(hostName, "AAAA", forwardLine("2001:db8::1"), forwardLine("2001:db8::2"))
		p.Await(reverseName(netip.MustParseAddr("2001:db8::2")), "PTR", reverseLine("2001:db8::2"))
		lines[2], lines[3] = "2001:db8::2 skip", "192.0.2.100"
		flipped := time.Now()
		p.table.Set(host(lines...)...)
		p.Await(hostName, "AAAA", forwardLine("2001:db8::1"))
		p.Await(hostName, "A", forwardLine("192.0.2.1"), forwardLine("192.0.2.100"), forwardLine("203.0.113.5"))
		if d := time.Since(flipped); d > 2*time.Second {
			t.Errorf("followed after %v, want at most 2 s", d)
		} else {
			t.Logf("followed after %v", d)
		}
		p.Await(reverseName(netip.MustParseAddr("2001:db8::2")), "PTR")
		p.Await("100.2.0.192.in-addr.arpa", "PTR", reverseLine("192.0.2.100"))
		p.holds(plus(before, "192.0.2.1", "192.0.2.100", "2001:db8::1"))
	})
}

// Two thousand addresses of which two may speak cost no more than two addresses do.
func TestPeersSeeLittleOfManyAddresses(t *testing.T) {
	eachPeer(t, func(t *testing.T, kind dnspeer.Kind) {
		p := startPeer(t, kind, bareZones()...)
		before := p.all()
		var lines []string
		for i := range 1000 {
			lines = append(lines, fmt.Sprintf("192.0.%d.%d skip", 2+i/250, 1+i%250), fmt.Sprintf("2001:db8::%x skip", 1+i))
		}
		lines[500], lines[501] = "192.0.2.251", "2001:db8::fb"
		p.table.Set(host(lines...)...)
		r := p.registrar()
		p.sync(r)
		c := r.Status().Counters
		if c.Updates > 3 || c.UpdateBytes > 600 {
			t.Errorf("%d updates of %d octets, want at most 3 of 600", c.Updates, c.UpdateBytes)
		}
		t.Logf("%d updates of %d octets, %d queries of %d", c.Updates, c.UpdateBytes, c.Queries, c.QueryBytes)
		p.holds(plus(before, lines[500], lines[501]))
	})
}

// A new TTL is a new TTL everywhere. Knot keeps the old one when a record is only added again.
func TestPeersTakeANewTTL(t *testing.T) {
	eachPeer(t, func(t *testing.T, kind dnspeer.Kind) {
		p := startPeer(t, kind, bareZones()...)
		before := p.all()
		addrs := []string{"192.0.2.1", "192.0.2.2", "2001:db8::1"}
		p.table.Set(host(addrs...)...)
		p.sync(p.registrar())
		p.holds(plus(before, addrs...))
		p.sync(p.registrar(func(c *Config) { c.TTL = 5 * time.Minute }))
		want := plus(before, addrs...)
		for _, records := range want {
			for i := range records {
				records[i] = strings.Replace(records[i], " 1200 ", " 300 ", 1)
			}
		}
		p.holds(want)
	})
}
