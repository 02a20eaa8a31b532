package dnsreg

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/hextet/hextet/dnsreg/dnsregtest"
)

// cutName is the reverse zone of the first n nibbles, or octets, of an address.
func cutName(addr netip.Addr, n int) string {
	labels := dns.SplitDomainName(reverseName(addr))
	return strings.Join(labels[len(labels)-2-n:], ".") + "."
}

// An ip6.arpa zone may begin after any of the 32 nibbles; the closest one counts, whether an authority says so, a
// resolver, or a resolver that strips the authority section.
func TestEveryNibbleCut(t *testing.T) {
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 1))
	t.Logf("seed %d", seed)
	for cut := 1; cut <= 32; cut++ {
		var b [16]byte
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		addr := netip.AddrFrom16(b)
		s := newSite(t)
		zones := map[string]bool{cutName(addr, cut): true}
		if above := rng.IntN(cut); above > 0 {
			zones[cutName(addr, above)] = true
		}
		if beside := cutName(addr.Next(), min(32, cut+1)); !dns.IsSubDomain(beside, reverseName(addr)) {
			zones[beside] = true
		}
		var list []string
		for z := range zones {
			list = append(list, z)
		}
		s.serve(serverAddr, nil, list...)
		resolver := s.serve(resolverAddr, nil, append(list, "example.test")...)
		stripping := s.serve("198.51.100.54:53", rewrite(strip), append(list, "example.test")...)
		for _, r := range []*dnsregtest.Server{resolver, stripping} {
			s.insert(r, "ns.example.test. 60 A 192.0.2.53")
			for _, z := range list {
				s.insert(r, soa(strings.TrimSuffix(z, "."), "ns.example.test."))
			}
		}
		want := place{reverseName(addr), cutName(addr, cut), serverAddr}
		s.locates(s.given(serverAddr), reverseName(addr), want)
		s.locates(s.resolving(), reverseName(addr), want)
		s.questions()
		s.locates(&s.registrar(func(c *Config) { c.Resolvers = []string{"198.51.100.54:53"} }).places, reverseName(addr), want)
		if n := len(s.questions()); n != 32-cut+1+2+1 {
			t.Errorf("cut %d: %d questions", cut, n)
		}
	}
}

func TestEveryOctetCut(t *testing.T) {
	addr := netip.MustParseAddr("198.51.100.9")
	for cut := 1; cut <= 4; cut++ {
		for above := range cut {
			s := newSite(t)
			zones := []string{cutName(addr, cut)}
			if above > 0 {
				zones = append(zones, cutName(addr, above))
			}
			s.serve(serverAddr, nil, zones...)
			s.locates(s.given(serverAddr), reverseName(addr), place{reverseName(addr), cutName(addr, cut), serverAddr})
		}
	}
}

// A classless zone (RFC 2317) lives at another server than the zone with the aliases.
func TestClasslessZoneElsewhere(t *testing.T) {
	for _, target := range []string{"5.0-63.2.0.192.in-addr.arpa.", "5.rev.example.test."} { // section 5.2: any zone will do
		s := newSite(t)
		s.insert(s.serve(serverAddr, nil, "2.0.192.in-addr.arpa"), "5.2.0.192.in-addr.arpa. 300 CNAME "+target, "0-63.2.0.192.in-addr.arpa. 300 NS ns.example.test.")
		zone := strings.TrimPrefix(target, "5.")
		s.serve(otherAddr, nil, zone)
		for _, servers := range [][]string{{serverAddr, otherAddr}, {otherAddr, serverAddr}} {
			s.locates(s.given(servers...), "5.2.0.192.in-addr.arpa.", place{target, zone, otherAddr})
		}
	}
}

func TestLocallyServedZones(t *testing.T) {
	for zone, want := range map[string]bool{
		"10.in-addr.arpa.": true, "1.10.in-addr.arpa.": false, "11.in-addr.arpa.": false,
		"15.172.in-addr.arpa.": false, "16.172.in-addr.arpa.": true, "31.172.in-addr.arpa.": true, "32.172.in-addr.arpa.": false,
		"63.100.in-addr.arpa.": false, "64.100.in-addr.arpa.": true, "127.100.in-addr.arpa.": true, "128.100.in-addr.arpa.": false,
		"168.192.in-addr.arpa.": true, "0.in-addr.arpa.": true, "127.in-addr.arpa.": true, "254.169.in-addr.arpa.": true,
		"255.255.255.255.in-addr.arpa.": true, "255.in-addr.arpa.": false,
		"2.0.192.in-addr.arpa.": true, "100.51.198.in-addr.arpa.": true, "113.0.203.in-addr.arpa.": true,
		strings.Repeat("0.", 32) + "ip6.arpa.": true, "1." + strings.Repeat("0.", 31) + "ip6.arpa.": true, "2." + strings.Repeat("0.", 31) + "ip6.arpa.": false,
		"d.f.ip6.arpa.": true, "c.f.ip6.arpa.": false, "8.e.f.ip6.arpa.": true, "9.e.f.ip6.arpa.": true, "a.e.f.ip6.arpa.": true, "b.e.f.ip6.arpa.": true, "c.e.f.ip6.arpa.": false,
		"8.b.d.0.1.0.0.2.ip6.arpa.": true, "9.b.d.0.1.0.0.2.ip6.arpa.": false, "home.arpa.": true, "example.test.": false,
	} {
		if got := locallyServed(zone); got != want {
			t.Errorf("%s: %v", zone, got)
		}
	}
	if n := len(localZones); n != 9+16+64+6+2+1 {
		t.Errorf("%d zones", n)
	}
}

// A zone is empty by what its SOA record says. The name alone proves nothing. What a server says of itself that has
// our key is second-guessed less.
func TestEmptyBySOA(t *testing.T) {
	for _, test := range []struct {
		zone, mname, rname string
		want, given        error
	}{
		{"10.in-addr.arpa.", "10.in-addr.arpa.", "nobody.invalid.", ErrLocalZone, ErrLocalZone}, // RFC 6303 section 3
		{"10.in-addr.arpa.", "10.in-addr.arpa.", ".", ErrLocalZone, ErrLocalZone},               // BIND
		{"10.in-addr.arpa.", "10.IN-ADDR.ARPA.", "hostmaster.example.com.", ErrLocalZone, nil},
		{"10.in-addr.arpa.", "localhost.", "nobody.invalid.", ErrLocalZone, ErrLocalZone}, // Unbound
		{"10.in-addr.arpa.", "prisoner.iana.org.", "hostmaster.root-servers.org.", ErrLocalZone, ErrLocalZone},
		{"10.in-addr.arpa.", "Blackhole-1.IANA.org.", "hostmaster.example.com.", ErrLocalZone, ErrLocalZone},
		{"empty.as112.arpa.", "blackhole.as112.arpa.", "noc.dns.icann.org.", ErrLocalZone, ErrLocalZone},
		{"EMPTY.AS112.ARPA.", "ns.example.com.", "hostmaster.example.com.", ErrLocalZone, ErrLocalZone},
		{"10.in-addr.arpa.", "dc1.corp.example.com.", "hostmaster.corp.example.com.", nil, nil}, // a site's own
		{"10.in-addr.arpa.", "dc1.corp.example.com.", "nobody.invalid.", nil, nil},
		{"example.com.", "example.com.", "hostmaster.example.com.", nil, nil}, // the apex is a host
		{"example.com.", "localhost.", "root.localhost.", nil, nil},           // a home-made zone
		{"example.com.", "example.com.", ".", ErrLocalZone, ErrLocalZone},
		{"arpa.", "a.root-servers.net.", "nstld.verisign-grs.com.", ErrNoZone, ErrNoZone},
		{"in-addr.arpa.", "b.in-addr-servers.arpa.", "nstld.iana.org.", ErrNoZone, ErrNoZone},
		{"IP6.arpa.", "b.ip6-servers.arpa.", "nstld.iana.org.", ErrNoZone, ErrNoZone},
		{".", "a.root-servers.net.", "nstld.verisign-grs.com.", ErrNoZone, ErrNoZone},
		{"com.", "a.gtld-servers.net.", "nstld.verisign-grs.com.", ErrNoZone, nil},
		{"internal.", "ns.internal.", "hostmaster.internal.", ErrNoZone, nil},
		{"lan.", "lan.", "hostmaster.lan.", ErrNoZone, nil},
		{"lan.", "lan.", ".", ErrLocalZone, ErrLocalZone},
		{"home.arpa.", "home.arpa.", "hostmaster.home.arpa.", ErrLocalZone, nil},
		{"home.arpa.", "home.arpa.", "nobody.invalid.", ErrLocalZone, ErrLocalZone},
	} {
		soa := &dns.SOA{Hdr: dns.RR_Header{Name: test.zone}, Ns: test.mname, Mbox: test.rname}
		if got := doubtful(soa); !errors.Is(got, test.want) || (got == nil) != (test.want == nil) {
			t.Errorf("%s %s %s: %v, want %v", test.zone, test.mname, test.rname, got, test.want)
		}
		if got := unregistrable(soa); !errors.Is(got, test.given) || (got == nil) != (test.given == nil) {
			t.Errorf("%s %s %s at a server with our key: %v, want %v", test.zone, test.mname, test.rname, got, test.given)
		}
	}
}

// A zone of one label, or one that a resolver might make up, is a zone like others at a server that was given and has
// the key; not so without a key, or when a resolver tells of it.
func TestZonesOfAServerWithTheKey(t *testing.T) {
	for name, soa := range map[string]string{
		"host.internal":  "internal. 300 SOA ns1.internal. hostmaster.internal. 1 3600 600 86400 60",
		"host.lan":       "lan. 300 SOA lan. root.lan. 1 3600 600 86400 60",
		"host.home.arpa": "home.arpa. 300 SOA home.arpa. root.home.arpa. 1 3600 600 86400 60",
	} {
		_, zone, _ := strings.Cut(name, ".")
		w := newWorld(t, zone)
		if err := w.server.Insert(soa, "2.0.192.in-addr.arpa. 300 SOA 2.0.192.in-addr.arpa. root.lan. 1 3600 600 86400 60"); err != nil {
			t.Fatal(err)
		}
		w.table.Set(host("192.0.2.1")...)
		w.sync(w.registrar(func(c *Config) { c.Name = name }))
		if len(w.server.Records(name)) != 1 || len(w.server.Records("1.2.0.192.in-addr.arpa")) != 1 {
			t.Errorf("%s: %v, %v", name, w.server.Records(name), w.server.Records("1.2.0.192.in-addr.arpa"))
		}
		unsigned := w.registrar(func(c *Config) { c.Name, c.Auth = name, nil })
		found := w.registrar(func(c *Config) { c.Name, c.Resolvers, c.Servers = name, c.Servers, nil })
		for _, r := range []*Registrar{unsigned, found} {
			if err := r.Sync(t.Context()); !errors.Is(err, ErrNoZone) && !errors.Is(err, ErrLocalZone) {
				t.Errorf("%s: error %v", name, err)
			}
		}
	}
}

func TestUsableAddresses(t *testing.T) {
	for text, want := range map[string]bool{
		"192.0.2.1": true, "10.0.0.1": true, "127.0.0.1": true, "2001:db8::1": true, "fd00::1": true,
		"0.0.0.0": false, "::": false, "224.0.0.1": false, "ff02::1": false, "fe80::1": false, "169.254.1.1": false,
		"192.175.47.255": true, "192.175.48.1": false, "192.175.48.255": false, "192.31.196.1": false, "192.31.197.0": true,
		"2620:4f:8000::6": false, "2620:4f:8001::": true, "2001:4:112::1": false, "::ffff:192.175.48.1": false, "::ffff:192.0.2.1": false,
	} {
		if got := usable(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	if usable(netip.Addr{}) {
		t.Error("no address")
	}
}

func ptrName(i int) string { return fmt.Sprintf("%d.%d.77.10.in-addr.arpa.", i%250+1, i/250) }
