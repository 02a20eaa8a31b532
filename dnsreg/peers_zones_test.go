//go:build unix

package dnsreg

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/hextet/hextet/internal/dnspeer"
)

// cutAt returns an address whose reverse zone has n of its nibbles, and that zone. The zones of different n do not
// contain each other's addresses.
func cutAt(n int) (addr netip.Addr, zone string) {
	b := netip.MustParseAddr("2001:db8:1::1").As16()
	b[(n-1)/2] ^= 0x40 >> (4 * ((n - 1) % 2)) // the last nibble of the zone is its own
	addr = netip.AddrFrom16(b)
	labels := strings.Split(strings.TrimSuffix(reverseName(addr), "."), ".")
	return addr, strings.Join(labels[32-n:], ".")
}

// A reverse zone may begin at any nibble, up to one for the address alone.
func TestPeersHaveReverseZonesAtAnyNibble(t *testing.T) {
	eachPeer(t, func(t *testing.T, kind dnspeer.Kind) {
		zones := []dnspeer.Zone{{Name: "example.test", Records: foreign[:1]}}
		var lines []string
		pointer := make(map[string]string) // by zone
		for n := 1; n <= 32; n++ {
			addr, zone := cutAt(n)
			lines = append(lines, addr.String())
			zones = append(zones, dnspeer.Zone{Name: zone})
			pointer[zone] = reverseLine(addr.String())
		}
		p := startPeer(t, kind, zones...)
		before := p.all()
		p.table.Set(host(lines...)...)
		r := p.registrar()
		p.sync(r)
		want := make(map[string][]string)
		for zone, records := range before {
			want[zone] = slices.Clone(records)
			if zone != "example.test" {
				want[zone] = append(want[zone], pointer[zone])
			}
			slices.Sort(want[zone])
		}
		for _, line := range lines {
			want["example.test"] = append(want["example.test"], forwardLine(line))
		}
		slices.Sort(want["example.test"])
		p.holds(want)
		if err := r.Deregister(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.holds(before)
	})
}

// in-addr.arpa is cut at octets.
func TestPeersHaveReverseZonesAtAnyOctet(t *testing.T) {
	eachPeer(t, func(t *testing.T, kind dnspeer.Kind) {
		zones := map[string]string{
			"198.in-addr.arpa": "198.51.100.1", "0.203.in-addr.arpa": "203.0.113.1",
			"2.0.192.in-addr.arpa": "192.0.2.1", "1.1.168.192.in-addr.arpa": "192.168.1.1",
		}
		p := startPeer(t, kind, append(named(zones), dnspeer.Zone{Name: "example.test", Records: foreign[:1]})...)
		before := p.all()
		p.table.Set(host("198.51.100.1", "203.0.113.1", "192.0.2.1", "192.168.1.1")...)
		r := p.registrar()
		p.sync(r)
		for zone, addr := range zones {
			want := slices.Sorted(slices.Values(append([]string{reverseLine(addr)}, before[zone]...)))
			if got := p.Records(zone); !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", zone, got, want)
			}
		}
		if err := r.Deregister(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.holds(before)
	})
}

func named(zones map[string]string) (out []dnspeer.Zone) {
	for name := range zones {
		out = append(out, dnspeer.Zone{Name: name})
	}
	return out
}

// RFC 2317: the parent delegates single PTR records by CNAMEs to a zone that is no ancestor of their names.
func TestPeersDelegateClassless(t *testing.T) {
	eachPeer(t, func(t *testing.T, kind dnspeer.Kind) {
		parent := dnspeer.Zone{Name: "2.0.192.in-addr.arpa", Records: []string{"0-63 IN NS ns1.example.test."}, Locked: true}
		for i := range 64 {
			parent.Records = append(parent.Records, fmt.Sprintf("%d IN CNAME %d.0-63", i, i))
		}
		p := startPeer(t, kind, dnspeer.Zone{Name: "example.test", Records: foreign[:1]}, parent, dnspeer.Zone{Name: "0-63.2.0.192.in-addr.arpa"})
		before := p.all()
		p.table.Set(host("192.0.2.7", "192.0.2.63")...)
		r := p.registrar()
		p.sync(r)
		got := p.Records("0-63.2.0.192.in-addr.arpa")
		want := slices.Sorted(slices.Values(append([]string{
			"7.0-63.2.0.192.in-addr.arpa. 1200 IN PTR host.example.test.", "63.0-63.2.0.192.in-addr.arpa. 1200 IN PTR host.example.test.",
		}, before["0-63.2.0.192.in-addr.arpa"]...)))
		if !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		if c := r.Status().Counters; c.Updates != 2 {
			t.Errorf("%d updates, want one for each zone", c.Updates)
		}
		if err := r.Deregister(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.holds(before)
	})
}

// The closest zone has the name, its parent has none of it.
func TestPeersHaveChildZones(t *testing.T) {
	eachPeer(t, func(t *testing.T, kind dnspeer.Kind) {
		p := startPeer(t, kind, dnspeer.Zone{Name: "example.test", Records: []string{foreign[0], "sub IN NS ns1"}},
			dnspeer.Zone{Name: "sub.example.test"}, dnspeer.Zone{Name: "deep.sub.example.test"},
			dnspeer.Zone{Name: reverseZones[0]}, dnspeer.Zone{Name: reverseZones[1]})
		before := p.all()
		for name, zone := range map[string]string{
			"host.example.test": "example.test", "a.host.sub.example.test": "sub.example.test", "sub.example.test": "sub.example.test",
			"host.deep.sub.example.test": "deep.sub.example.test",
		} {
			p.table.Set(host("192.0.2.1", "2001:db8::1")...)
			r := p.registrar(func(c *Config) { c.Name = name })
			p.sync(r)
			got, want := p.Records(zone), append([]string{name + ". 1200 IN A 192.0.2.1", name + ". 1200 IN AAAA 2001:db8::1"}, before[zone]...)
			if slices.Sort(want); !slices.Equal(got, want) {
				t.Errorf("%s in %s: %q, want %q", name, zone, got, want)
			}
			if err := r.Deregister(t.Context()); err != nil {
				t.Fatal(err)
			}
			p.holds(before)
		}
	})
}
