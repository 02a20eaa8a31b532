package dnsreg

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// The resolver strips the authority section: the zone is found label by label, the closest one, and a child zone
// before its parent.
func TestWalkPastAStrippingResolver(t *testing.T) {
	s := newSite(t)
	resolver := s.serve(resolverAddr, rewrite(strip), "example.test", "sub.example.test", "8.b.d.0.1.0.0.2.ip6.arpa")
	s.insert(resolver, "ns1.example.test. 60 A 192.0.2.53", soa("sub.example.test", "ns1.example.test."), soa("8.b.d.0.1.0.0.2.ip6.arpa", "ns1.example.test."))
	s.serve(serverAddr, nil, "example.test", "sub.example.test", "8.b.d.0.1.0.0.2.ip6.arpa")
	s.locates(s.resolving(), "a.b.example.test.", place{"a.b.example.test.", "example.test.", serverAddr})
	s.asks("198.51.100.53:53 SOA a.b.example.test.", "198.51.100.53:53 SOA b.example.test.", "198.51.100.53:53 SOA example.test.",
		"198.51.100.53:53 AAAA ns1.example.test.", "198.51.100.53:53 A ns1.example.test.", "192.0.2.53:53 SOA a.b.example.test.")
	s.locates(s.resolving(), "host.sub.example.test.", place{"host.sub.example.test.", "sub.example.test.", serverAddr})
	s.asks("198.51.100.53:53 SOA host.sub.example.test.", "198.51.100.53:53 SOA sub.example.test.",
		"198.51.100.53:53 AAAA ns1.example.test.", "198.51.100.53:53 A ns1.example.test.", "192.0.2.53:53 SOA host.sub.example.test.")
	name := reverseName(host("2001:db8::1")[0].Prefix.Addr())
	s.locates(s.resolving(), name, place{name, "8.b.d.0.1.0.0.2.ip6.arpa.", serverAddr})
	if n := len(s.questions()); n != 32-8+1+2+1 {
		t.Errorf("%d questions for a zone 24 labels up", n)
	}
}

// Nothing above the name is a zone: the walk ends below the top level.
func TestWalkEnds(t *testing.T) {
	s := newSite(t)
	s.serve(resolverAddr, rewrite(strip), "test")
	_, err := s.resolving().locate(t.Context(), hostName)
	if !errors.Is(err, ErrNoZone) || !strings.Contains(err.Error(), hostName) || !strings.Contains(err.Error(), resolverAddr) {
		t.Errorf("error %v", err)
	}
	s.asks("198.51.100.53:53 SOA host.example.test.", "198.51.100.53:53 SOA example.test.")
}

// On the way up an alias is not followed: it says nothing about names below it.
func TestWalkPassesAnAlias(t *testing.T) {
	s := newSite(t)
	s.serve(serverAddr, rewrite(func(m *dns.Msg) {
		m.Ns, m.Rcode, m.Authoritative = nil, dns.RcodeSuccess, true
		if m.Question[0].Name == "b.example.test." {
			m.Answer = []dns.RR{cname("b.example.test.", "example.com.")}
			m.Ns = []dns.RR{soaRecord("example.com.")}
		}
	}), "example.test")
	s.locates(s.given(serverAddr), "a.b.example.test.", place{"a.b.example.test.", "example.test.", serverAddr})
}

func cname(owner, target string) dns.RR {
	return &dns.CNAME{Hdr: dns.RR_Header{Name: owner, Rrtype: dns.TypeCNAME, Class: dns.ClassINET}, Target: target}
}

func soaRecord(owner string) dns.RR {
	return &dns.SOA{Hdr: dns.RR_Header{Name: owner, Rrtype: dns.TypeSOA, Class: dns.ClassINET}, Ns: "ns.example.test.", Mbox: "hm."}
}

// Whatever a server says, the look-up ends, and what is not the name's zone is not taken for it.
func TestLyingServers(t *testing.T) {
	count := 0
	for name, lie := range map[string]struct {
		tell  func(*dns.Msg)
		says  string
		limit int
	}{
		"always another alias": {func(m *dns.Msg) {
			count++
			m.Answer, m.Ns = []dns.RR{cname(m.Question[0].Name, fmt.Sprintf("a%d.example.test.", count))}, nil
		}, "a chain of more than 8 aliases", 10},
		"an alias of itself":   {func(m *dns.Msg) { m.Answer, m.Ns = []dns.RR{cname(m.Question[0].Name, m.Question[0].Name)}, nil }, "leads back to", 1},
		"nothing, ever":        {func(m *dns.Msg) { m.Answer, m.Ns = nil, nil }, "names none", 2},
		"a foreign zone":       {func(m *dns.Msg) { m.Answer, m.Ns = nil, []dns.RR{soaRecord("example.com.")} }, "which the name is not in", 1},
		"a zone below":         {func(m *dns.Msg) { m.Answer, m.Ns = nil, []dns.RR{soaRecord("a." + hostName)} }, "which the name is not in", 1},
		"another name's zone":  {func(m *dns.Msg) { m.Answer = []dns.RR{soaRecord("test.")} }, "which was not asked for", 1},
		"the root":             {func(m *dns.Msg) { m.Ns = []dns.RR{soaRecord(".")} }, "the closest is .", 1},
		"the top-level domain": {func(m *dns.Msg) { m.Ns = []dns.RR{soaRecord("test.")} }, "the closest is test.", 1},
		"no authority":         {func(m *dns.Msg) { m.Authoritative = false }, "the server is not authoritative", 1},
		"a referral": {func(m *dns.Msg) {
			m.Authoritative, m.Rcode, m.Answer = false, dns.RcodeSuccess, nil
			m.Ns = []dns.RR{&dns.NS{Hdr: dns.RR_Header{Name: "example.test.", Rrtype: dns.TypeNS, Class: dns.ClassINET}, Ns: "ns.elsewhere.test."}}
		}, "example.test. is delegated to ns.elsewhere.test.", 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.serve(serverAddr, rewrite(lie.tell), "example.test")
			_, err := s.given(serverAddr).locate(t.Context(), hostName)
			if !errors.Is(err, ErrNoZone) || !strings.Contains(err.Error(), lie.says) || !strings.Contains(err.Error(), hostName) {
				t.Errorf("error %v, want %q", err, lie.says)
			}
			if n := len(s.questions()); n > lie.limit {
				t.Errorf("%d questions, want at most %d", n, lie.limit)
			}
		})
	}
}

// A server that is authoritative only for the zone above, and says nothing of a delegation, has not the zone
// that the resolver knows.
func TestServerOfTheParentOnly(t *testing.T) {
	s := newSite(t)
	resolver := s.serve(resolverAddr, nil, "example.test", "sub.example.test")
	s.insert(resolver, soa("sub.example.test", "ns1.example.test."), "ns1.example.test. 60 A 192.0.2.53")
	s.serve(serverAddr, nil, "example.test")
	_, err := s.resolving().locate(t.Context(), "host.sub.example.test.")
	if !errors.Is(err, ErrNoZone) || !strings.Contains(err.Error(), "has example.test., not sub.example.test.") {
		t.Errorf("error %v", err)
	}
}

// A name below a zone cut is not in the zone above, whoever is asked.
func TestReferralIsNoZone(t *testing.T) {
	for _, through := range []string{"server", "resolver"} {
		s := newSite(t)
		parent := s.serve(resolverAddr, nil, "example.test")
		s.insert(parent, "sub.example.test. 300 NS ns.elsewhere.test.")
		ps := s.resolving()
		if through == "server" {
			ps = s.given(resolverAddr)
		}
		_, err := ps.locate(t.Context(), "host.sub.example.test.")
		if !errors.Is(err, ErrNoZone) || !strings.Contains(err.Error(), "sub.example.test. is delegated to ns.elsewhere.test.") {
			t.Errorf("%s: error %v", through, err)
		}
	}
}

// FuzzClosestSOA: whatever a reply says, the zone taken from it is the name or an ancestor.
func FuzzClosestSOA(f *testing.F) {
	for _, rr := range []dns.RR{soaRecord("example.test."), cname(hostName, "a.test.")} {
		m := new(dns.Msg).SetQuestion(hostName, dns.TypeSOA)
		m.Response, m.Authoritative, m.Answer, m.Ns = true, true, []dns.RR{rr}, []dns.RR{rr}
		wire, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(wire)
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		m := new(dns.Msg)
		if m.Unpack(wire) != nil {
			return
		}
		s := newPlaces(&Registrar{cfg: Config{Clock: hostClock{}}})
		s.ask = func(_ context.Context, _ string, _ uint16, _ string, _ bool) (*dns.Msg, error) { return m, nil }
		found, err := s.zoneOf(t.Context(), hostName, serverAddr, true)
		if err == nil && found.alias == "" && !dns.IsSubDomain(found.soa.Hdr.Name, hostName) {
			t.Errorf("%s is in %s?", hostName, found.soa.Hdr.Name)
		}
	})
}
