package dnsreg

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/hextet/hextet/dnsreg/dnsregtest"
)

const (
	primary6  = "[2001:db8:53::1]:53"
	primary4  = "203.0.113.1:53"
	secondary = "203.0.113.2:53"
	given     = "203.0.113.3:5353"
)

// newZoneSite has a resolver that knows example.test, its primary by two addresses, and a secondary.
func newZoneSite(t *testing.T) *site {
	s := newSite(t)
	resolver := s.serve(resolverAddr, nil, "example.test")
	s.insert(resolver, soa("example.test", "primary.example.test."),
		"primary.example.test. 60 A 203.0.113.1", "primary.example.test. 60 AAAA 2001:db8:53::1",
		"example.test. 60 NS primary.example.test.", "example.test. 60 NS secondary.example.test.", "secondary.example.test. 60 A 203.0.113.2")
	return s
}

// The primary by its IPv6 address, by its IPv4 address, the other name server, the servers given: each comes when
// the ones before it are of no use.
func TestOrderOfCandidates(t *testing.T) {
	all := []string{primary6, primary4, secondary, given}
	for i, want := range all {
		s := newZoneSite(t)
		for j, address := range all {
			switch {
			case j >= i:
				s.serve(address, nil, "example.test")
			case j%2 == 0:
				s.serve(address, refuse, "example.test") // the others are away
			}
		}
		s.locates(s.resolving(given), hostName, place{hostName, "example.test.", want})
		s.mu.Lock()
		for _, later := range all[i+1:] {
			if s.dialled[later] > 0 {
				t.Errorf("%s was asked although %s has the zone", later, want)
			}
		}
		s.mu.Unlock()
	}
}

func TestNoCandidate(t *testing.T) {
	s := newSite(t)
	s.insert(s.serve(resolverAddr, nil, "example.test"), soa("example.test", "primary.elsewhere.test."))
	_, err := s.resolving().locate(t.Context(), hostName)
	if err == nil || !strings.Contains(err.Error(), "primary.elsewhere.test.") || !strings.Contains(err.Error(), "ns1.example.test.") {
		t.Errorf("error %v names neither name server", err)
	}
}

// What the resolvers don't know, or have an empty zone for, may be at the servers given.
func TestServersGivenKnowMore(t *testing.T) {
	s := newSite(t)
	resolver := s.serve(resolverAddr, nil, "10.in-addr.arpa")
	s.insert(resolver, "10.in-addr.arpa. 300 SOA 10.in-addr.arpa. . 0 28800 7200 604800 86400")
	server := s.serve(given, nil, "example.test", "10.in-addr.arpa")
	s.insert(server, soa("10.in-addr.arpa", "ns1.example.test."))
	ps := s.resolving(given)
	s.locates(ps, hostName, place{hostName, "example.test.", given})
	s.locates(ps, "1.0.0.10.in-addr.arpa.", place{"1.0.0.10.in-addr.arpa.", "10.in-addr.arpa.", given})
}

// Three zones of one primary: its address is looked up once in a pass.
func TestPrimaryIsLookedUpOnce(t *testing.T) {
	s := newZoneSite(t)
	zones := []string{"example.test", "2.0.192.in-addr.arpa", "8.b.d.0.1.0.0.2.ip6.arpa"}
	s.serve("198.51.100.54:53", nil)
	resolver := s.serve(resolverAddr, nil, zones...)
	for _, z := range zones {
		s.insert(resolver, soa(z, "primary.example.test."))
	}
	s.insert(resolver, "primary.example.test. 60 A 203.0.113.1")
	s.serve(primary4, nil, zones...)
	ps := s.resolving()
	for _, z := range zones {
		s.locates(ps, "a."+z+".", place{"a." + z + ".", z + ".", primary4})
	}
	asked := s.questions()
	if n := len(asked); n != 3+2+3 {
		t.Errorf("%d questions: %q", n, asked)
	}
}

// A resolver may claim thousands of addresses and name servers: a few are tried.
func TestCandidatesAreBounded(t *testing.T) {
	s := newSite(t)
	s.serve(resolverAddr, rewrite(func(m *dns.Msg) {
		q := m.Question[0]
		if q.Qtype == dns.TypeSOA {
			return
		}
		m.Answer, m.Ns, m.Rcode = nil, nil, dns.RcodeSuccess
		for i := range 60 {
			text := fmt.Sprintf("%s 60 %s ", q.Name, dns.Type(q.Qtype))
			switch q.Qtype {
			case dns.TypeNS:
				text += fmt.Sprintf("ns%d.example.test.", i)
			case dns.TypeA:
				text += fmt.Sprintf("203.0.113.%d", i)
			case dns.TypeAAAA:
				text += fmt.Sprintf("2001:db8::%x", i)
			}
			rr, err := dns.NewRR(text)
			if err != nil {
				t.Error(err)
			}
			m.Answer = append(m.Answer, rr)
		}
	}), "example.test")
	if _, err := s.resolving().locate(t.Context(), hostName); err == nil {
		t.Error("no error")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.dialled); n != 1+maxCandidates {
		t.Errorf("%d servers were tried", n)
	}
}

// The addresses of a name server are those of its own name, or of what its alias leads to.
func TestAddressesOfOthersDontCount(t *testing.T) {
	s := newSite(t)
	resolver := s.serve(resolverAddr, rewrite(func(m *dns.Msg) {
		if q := m.Question[0]; q.Qtype == dns.TypeA {
			rr, err := dns.NewRR("other.example.test. 60 A 203.0.113.9")
			if err != nil {
				t.Error(err)
			}
			m.Answer = append([]dns.RR{rr}, m.Answer...)
		}
	}), "example.test")
	s.insert(resolver, soa("example.test", "primary.example.test."), "primary.example.test. 60 CNAME real.example.test.", "real.example.test. 60 A 203.0.113.1")
	got, err := s.resolving().addresses(t.Context(), "primary.example.test.")
	if err != nil || !slices.Equal(got, []endpoint{{primary4, "primary.example.test."}}) {
		t.Errorf("addresses %v, %v", got, err)
	}
}

// Zones that AS112 answers for, by delegation (RFC 7534) and by DNAME (RFC 7535), and those that resolvers answer for
// (RFC 6303): whatever their records lead to, nothing is sent there.
func TestNothingIsSentToTheSinks(t *testing.T) {
	sinks := []string{
		"192.175.48.1:53", "192.175.48.6:53", "192.175.48.42:53", "[2620:4f:8000::1]:53", "[2620:4f:8000::6]:53", "[2620:4f:8000::42]:53",
		"192.31.196.1:53", "[2001:4:112::1]:53", "127.0.0.1:53", "[::1]:53",
	}
	zones := []string{"10.in-addr.arpa", "168.192.in-addr.arpa", "16.172.in-addr.arpa", "254.169.in-addr.arpa", "d.f.ip6.arpa", "2.0.192.in-addr.arpa", "empty.as112.arpa"}
	s := newSite(t)
	resolver := s.serve(resolverAddr, nil, append(zones, "113.0.203.in-addr.arpa", "iana.org", "as112.arpa", "localhost", "example.test")...)
	s.insert(resolver,
		"prisoner.iana.org. 60 A 192.175.48.1", "prisoner.iana.org. 60 AAAA 2620:4f:8000::1",
		"blackhole-1.iana.org. 60 A 192.175.48.6", "blackhole-1.iana.org. 60 AAAA 2620:4f:8000::6",
		"blackhole-2.iana.org. 60 A 192.175.48.42", "blackhole-2.iana.org. 60 AAAA 2620:4f:8000::42",
		"blackhole.as112.arpa. 60 A 192.31.196.1", "blackhole.as112.arpa. 60 AAAA 2001:4:112::1",
		"localhost. 60 A 127.0.0.1", "localhost. 60 AAAA ::1", "sink.example.test. 60 A 192.175.48.1", "sink.example.test. 60 AAAA 2001:4:112::1",
		"10.in-addr.arpa. 300 SOA prisoner.iana.org. hostmaster.root-servers.org. 1 604800 60 604800 604800",
		"10.in-addr.arpa. 300 NS blackhole-1.iana.org.", "10.in-addr.arpa. 300 NS blackhole-2.iana.org.",
		"168.192.in-addr.arpa. 300 SOA localhost. nobody.invalid. 1 3600 1200 604800 10800",
		"16.172.in-addr.arpa. 300 NS elsewhere.example.test.", "elsewhere.example.test. 60 A 203.0.113.77",
		"16.172.in-addr.arpa. 300 SOA localhost. root. 1 604800 86400 2419200 604800",
		"d.f.ip6.arpa. 300 SOA d.f.ip6.arpa. . 0 28800 7200 604800 86400",
		"254.169.in-addr.arpa. 300 SOA blackhole-1.iana.org. hostmaster.example.test. 1 2 3 4 5", // a sink under other names
		"2.0.192.in-addr.arpa. 300 SOA sink.example.test. hm.example.test. 1 2 3 4 5", "2.0.192.in-addr.arpa. 300 NS blackhole-2.iana.org.",
		"empty.as112.arpa. 300 SOA blackhole.as112.arpa. noc.dns.icann.org. 1 604800 60 604800 604800",
		"5.113.0.203.in-addr.arpa. 300 CNAME 5.113.0.203.empty.as112.arpa.")
	for _, sink := range sinks {
		s.serve(sink, nil, zones...)
	}
	var table AddressTable
	table.Set(host("10.0.0.1", "192.168.0.1", "172.16.0.1", "192.0.2.1", "203.0.113.5", "fd00::1")...)
	s.serve(given, nil, "example.test")
	for _, servers := range [][]string{nil, {given}} {
		r := s.registrar(func(c *Config) { c.Source, c.Resolvers, c.Servers = &table, []string{resolverAddr}, servers })
		if err := r.Sync(t.Context()); err == nil && servers == nil {
			t.Error("example.test was registered without a server")
		}
		for _, a := range host("10.0.0.1", "192.168.0.1", "172.16.0.1", "169.254.0.1", "192.0.2.1", "203.0.113.5", "fd00::1") {
			name := reverseName(a.Prefix.Addr())
			if _, _, err := r.places.locatePointer(t.Context(), name); !errors.Is(err, ErrLocalZone) {
				t.Errorf("%s: error %v", name, err)
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sink := range sinks {
		if s.dialled[sink] > 0 {
			t.Errorf("%s was asked", sink)
		}
	}
	for _, q := range s.asked {
		if slices.ContainsFunc(sinks, func(sink string) bool { return strings.HasPrefix(q, sink) }) {
			t.Error(q)
		}
	}
	for address := range s.dialled {
		if address != resolverAddr && address != given {
			t.Errorf("%s was dialled", address)
		}
	}
}

// The resolver rewrites a whole reverse zone by DNAME (RFC 7535) and sends the CNAME along (RFC 6672).
func TestRedirectedToAS112(t *testing.T) {
	s := newSite(t)
	s.serve(resolverAddr, func(q dnsregtest.Request) dnsregtest.Fault {
		return rewrite(func(m *dns.Msg) {
			dname := &dns.DNAME{Hdr: dns.RR_Header{Name: "10.in-addr.arpa.", Rrtype: dns.TypeDNAME, Class: dns.ClassINET}, Target: "EMPTY.AS112.ARPA."}
			m.Rcode, m.Ns = dns.RcodeNameError, []dns.RR{soaRecord("empty.as112.arpa.")}
			m.Answer = []dns.RR{dname, cname("1.0.0.10.in-addr.arpa.", "1.0.0.EMPTY.AS112.ARPA.")}
		})(q)
	}, "10.in-addr.arpa")
	_, err := s.resolving().locate(t.Context(), "1.0.0.10.in-addr.arpa.")
	if !errors.Is(err, ErrLocalZone) || !strings.Contains(err.Error(), "1.0.0.empty.as112.arpa.") {
		t.Errorf("error %v", err)
	}
	s.asks("198.51.100.53:53 SOA 1.0.0.10.in-addr.arpa.")
}
