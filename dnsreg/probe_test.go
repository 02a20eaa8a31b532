package dnsreg

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/hextet/hextet/dnsreg/dnsregtest"
)

// 2000 reverse names in two zones: one question each finds the place and reads the record.
func TestBulkOfPointers(t *testing.T) {
	for _, way := range []string{"server", "resolver"} {
		s := newSite(t)
		zones := []string{"77.10.in-addr.arpa", "8.b.d.0.1.0.0.2.ip6.arpa"}
		resolver := s.serve(resolverAddr, nil, append(zones, "example.test")...)
		s.insert(resolver, "ns.example.test. 60 A 192.0.2.53", soa(zones[0], "ns.example.test."), soa(zones[1], "ns.example.test."))
		s.serve(serverAddr, nil, zones...)
		ps := s.given(serverAddr)
		if way == "resolver" {
			ps = s.resolving()
		}
		reads := 0
		for i := range 1000 {
			for z, name := range []string{ptrName(i), reverseName(netip.MustParseAddr(fmt.Sprintf("2001:db8::%x", i+1)))} {
				p, answer, err := ps.locatePointer(t.Context(), name)
				if want := (place{name, zones[z] + ".", serverAddr}); err != nil || p != want {
					t.Fatalf("%s is at %v, %v", name, p, err)
				}
				if answer != nil {
					reads++
					if answer.Rcode != dns.RcodeNameError || answer.Question[0] != (dns.Question{Name: name, Qtype: dns.TypePTR, Qclass: dns.ClassINET}) {
						t.Fatalf("%s: read %v", name, answer)
					}
				}
			}
		}
		n := len(s.questions())
		t.Logf("by way of the %s: %d questions, %d of them reads too", way, n, reads)
		if n > 2010 || reads != 1998 {
			t.Errorf("%d questions, %d reads", n, reads)
		}
		for i := range 1000 { // all is known now
			if _, answer, err := ps.locatePointer(t.Context(), ptrName(i)); answer != nil || err != nil {
				t.Fatal(answer, err)
			}
		}
		s.asks()
	}
}

// What the reply does not settle goes the ordinary way. In each case the first name has made the zone known.
func TestPointerProofs(t *testing.T) {
	const zone, name = "2.0.192.in-addr.arpa.", "5.2.0.192.in-addr.arpa."
	ns := &dns.NS{Hdr: dns.RR_Header{Name: zone, Rrtype: dns.TypeNS, Class: dns.ClassINET}, Ns: "ns.example.test."}
	for title, test := range map[string]struct {
		lines  []string
		tell   func(*dns.Msg)
		want   place
		read   bool
		asked  int
		answer int
	}{
		"no such name":    {want: place{name, zone, serverAddr}, read: true, asked: 1},
		"no such record":  {lines: []string{name + " 60 TXT x"}, want: place{name, zone, serverAddr}, read: true, asked: 1},
		"a record":        {lines: []string{name + " 60 PTR a.example.test."}, want: place{name, zone, serverAddr}, read: true, asked: 2, answer: 1},
		"with NS records": {lines: []string{name + " 60 PTR a.example.test."}, tell: func(m *dns.Msg) { m.Ns = []dns.RR{ns} }, want: place{name, zone, serverAddr}, read: true, asked: 1, answer: 1},
		"an alias into a known zone": {lines: []string{name + " 60 CNAME a.2.0.192.in-addr.arpa."},
			want: place{"a.2.0.192.in-addr.arpa.", zone, serverAddr}, read: true, asked: 2},
		"an alias into an unknown zone": {lines: []string{name + " 60 CNAME 5.0-63.2.0.192.in-addr.arpa."},
			want: place{"5.0-63.2.0.192.in-addr.arpa.", "0-63.2.0.192.in-addr.arpa.", serverAddr}, read: true, asked: 3},
		"a zone of its own": {tell: func(m *dns.Msg) { m.Answer, m.Ns, m.Rcode = nil, []dns.RR{soaRecord(name)}, 0 }, want: place{name, name, serverAddr}, read: true, asked: 2},
		"a referral":        {tell: func(m *dns.Msg) { m.Authoritative, m.Rcode, m.Ns = false, 0, []dns.RR{ns} }, want: place{name, zone, serverAddr}, asked: 2},
		"a foreign zone":    {tell: func(m *dns.Msg) { m.Ns = []dns.RR{soaRecord("example.com.")} }, want: place{name, zone, serverAddr}, asked: 2},
	} {
		t.Run(title, func(t *testing.T) {
			s := newSite(t)
			server := s.serve(serverAddr, func(q dnsregtest.Request) dnsregtest.Fault {
				if test.tell == nil || q.Name != name || q.Type != "PTR" && title != "a zone of its own" {
					return dnsregtest.Fault{}
				}
				return rewrite(test.tell)(q)
			}, zone, "0-63.2.0.192.in-addr.arpa")
			s.insert(server, test.lines...)
			ps := s.given(serverAddr)
			s.locates(ps, "1.2.0.192.in-addr.arpa.", place{"1.2.0.192.in-addr.arpa.", zone, serverAddr})
			s.questions()
			p, answer, err := ps.locatePointer(t.Context(), name)
			if err != nil || p != test.want {
				t.Errorf("at %v, %v; want %v", p, err, test.want)
			}
			asked := s.questions()
			if (answer != nil) != test.read || len(asked) != test.asked {
				t.Errorf("answer %v, asked %q", answer, asked)
			}
			if answer != nil && (len(answer.Answer) != test.answer || answer.Question[0].Name != p.owner) {
				t.Errorf("answer %v", answer)
			}
		})
	}
}

// A silent server costs one timeout for a name, not two.
func TestPointerAtASilentServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		away := false
		s.serve(serverAddr, func(dnsregtest.Request) dnsregtest.Fault { return dnsregtest.Fault{Drop: away} }, "77.10.in-addr.arpa")
		ps := s.given(serverAddr)
		s.locates(ps, ptrName(0), place{ptrName(0), "77.10.in-addr.arpa.", serverAddr})
		away = true
		start := time.Now()
		_, _, err := ps.locatePointer(t.Context(), ptrName(1))
		if _, ok := errors.AsType[*NoReplyError](err); !ok || time.Since(start) != defaultTimeout {
			t.Errorf("error %v after %v", err, time.Since(start))
		}
	})
}

// One server has all zones and is silent, another has them too: one timeout, not one for each zone.
func TestPointersMoveToAnotherServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		away := false
		zones := []string{"2.0.192.in-addr.arpa.", "100.51.198.in-addr.arpa.", "113.0.203.in-addr.arpa."}
		s.serve(serverAddr, func(dnsregtest.Request) dnsregtest.Fault { return dnsregtest.Fault{Drop: away} }, zones...)
		s.serve(otherAddr, nil, zones...)
		ps := s.given(serverAddr, otherAddr)
		for _, z := range zones {
			s.locates(ps, "1."+z, place{"1." + z, z, serverAddr})
		}
		away = true
		ps.begin()
		start := time.Now()
		for _, z := range zones {
			for _, name := range []string{"2." + z, "3." + z} {
				if p, _, err := ps.locatePointer(t.Context(), name); err != nil || p != (place{name, z, otherAddr}) {
					t.Errorf("%s is at %v, %v", name, p, err)
				}
			}
		}
		if d := time.Since(start); d != defaultTimeout {
			t.Errorf("took %v, want %v", d, defaultTimeout)
		}
	})
}

// The whole pass: 1000 addresses of each family, registered where nothing was.
func TestManyPointersFewQuestions(t *testing.T) {
	w := newWorld(t, "10.in-addr.arpa")
	var lines []string
	for i := range 1000 {
		lines = append(lines, fmt.Sprintf("10.77.%d.%d", i/250, i%250+1), fmt.Sprintf("2001:db8::%x", i+1))
	}
	w.table.Set(host(lines...)...)
	r := w.registrar(func(c *Config) { c.MaxAddresses = 1000 })
	w.sync(r)
	c := r.Status().Counters
	t.Logf("%d queries, %d octets; %d updates, %d octets", c.Queries, c.QueryBytes, c.Updates, c.UpdateBytes)
	if c.Queries > 2010 {
		t.Errorf("%d queries for 2000 reverse names in two zones", c.Queries)
	}
	n := 0
	for _, z := range []string{"10.in-addr.arpa", "8.b.d.0.1.0.0.2.ip6.arpa"} {
		n += len(zoneText(w.server, z)) - 1 // the NS record
	}
	if n != 2000 {
		t.Errorf("%d PTR records", n)
	}
}
