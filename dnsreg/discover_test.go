package dnsreg

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/hextet/hextet/dnsreg/dnsregtest"
)

func TestClosestZoneWins(t *testing.T) {
	w := newWorld(t, "sub.example.test", "64.2.0.192.in-addr.arpa")
	w.table.Set(host("192.0.2.1")...)
	r := w.registrar(func(c *Config) { c.Name = "host.sub.example.test" })
	w.sync(r)
	if got := zoneText(w.server, "sub.example.test"); len(got) != 2 {
		t.Errorf("child zone holds %q", got)
	}
	if got := w.server.Serial("example.test"); got != 1 {
		t.Error("the parent zone was updated")
	}
}

// A name that is a zone's own.
func TestApexName(t *testing.T) {
	w := newWorld(t, "host.example.test")
	w.table.Set(host("192.0.2.1")...)
	w.sync(w.registrar())
	if got := zoneText(w.server, "host.example.test"); len(got) != 2 || !strings.HasSuffix(got[0], "A 192.0.2.1") {
		t.Errorf("zone holds %q", got)
	}
}

// Two servers, each with zones of its own: every zone gets its update where it is.
func TestZonesOnSeveralServers(t *testing.T) {
	w := &world{t: t}
	cfg := func(zones ...string) dnsregtest.Config {
		return dnsregtest.Config{Zones: zones, Keys: map[string][]byte{keyName: secret}}
	}
	forward := w.net.serve(t, serverAddr, cfg("example.test"))
	reverse := w.net.serve(t, "192.0.2.54:53", cfg("2.0.192.in-addr.arpa"))
	w.table.Set(host("192.0.2.1")...)
	r := w.registrar(func(c *Config) { c.Servers = []string{serverAddr, "192.0.2.54:53"} })
	w.sync(r)
	if len(forward.Records(hostName)) != 1 || len(reverse.Records("1.2.0.192.in-addr.arpa")) != 1 {
		t.Errorf("forward %v, reverse %v", forward.Records(hostName), reverse.Records("1.2.0.192.in-addr.arpa"))
	}
}

func TestDiscoveryThroughAResolver(t *testing.T) {
	w := newWorld(t)
	// The resolver knows the zones, as resolvers do, and refuses updates.
	resolver := w.net.serve(t, "198.51.100.53:53", dnsregtest.Config{
		Zones: []string{"example.test", "2.0.192.in-addr.arpa"},
		Keys:  map[string][]byte{"nobody.": secret},
	})
	err := resolver.Insert("ns1.example.test. 300 A 192.0.2.53",
		"2.0.192.in-addr.arpa. 300 SOA ns1.example.test. hostmaster.example.test. 1 3600 600 86400 60")
	if err != nil {
		t.Fatal(err)
	}
	w.table.Set(host("192.0.2.1")...)
	w.sync(w.registrar(func(c *Config) { c.Servers, c.Resolvers = nil, []string{"198.51.100.53:53"} }))
	w.holds("192.0.2.1")
	if n := resolver.Stats().Updates; n != 0 {
		t.Errorf("%d updates went to the resolver", n)
	}
}

// The name exists nowhere, and the top-level domain's own zone answers: nothing is sent there.
func TestTopLevelZoneIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	top := w.net.serve(t, "198.51.100.53:53", dnsregtest.Config{Zones: []string{"test"}})
	if err := top.Insert("ns1.test. 300 A 198.51.100.53"); err != nil {
		t.Fatal(err)
	}
	w.table.Set(host("192.0.2.1")...)
	err := w.registrar(func(c *Config) { c.Servers, c.Resolvers = nil, []string{"198.51.100.53:53"} }).Sync(t.Context())
	if !errors.Is(err, ErrNoZone) || !strings.Contains(err.Error(), "the closest is test.") || !strings.Contains(err.Error(), hostName) {
		t.Errorf("error %v", err)
	}
	if s := top.Stats(); s.Updates != 0 || s.Queries != 1 {
		t.Errorf("the top-level domain's server saw %+v", s)
	}
}

// RFC 2317: the parent zone delegates single names by CNAME.
func TestClasslessReverse(t *testing.T) {
	w := newWorld(t, "0-63.2.0.192.in-addr.arpa")
	if err := w.server.Insert("5.2.0.192.in-addr.arpa. 300 CNAME 5.0-63.2.0.192.in-addr.arpa."); err != nil {
		t.Fatal(err)
	}
	w.table.Set(host("192.0.2.5", "192.0.2.6")...)
	r := w.registrar()
	w.sync(r)
	if got := fmt.Sprint(w.server.Records("5.0-63.2.0.192.in-addr.arpa")); !strings.Contains(got, "PTR host.example.test.") {
		t.Errorf("the delegated name holds %s", got)
	}
	if got := w.server.Records("5.2.0.192.in-addr.arpa"); len(got) != 1 || got[0].Type != "CNAME" {
		t.Errorf("the alias became %v", got)
	}
	if err := r.Deregister(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := w.server.Records("5.0-63.2.0.192.in-addr.arpa"); len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
}

func TestZonesToLeaveAlone(t *testing.T) {
	for name, test := range map[string]struct {
		soa  string
		want error
	}{
		"empty zone, RFC 6303":     {"2.0.192.in-addr.arpa. 300 SOA 2.0.192.in-addr.arpa. nobody.invalid. 1 3600 1200 604800 10800", ErrLocalZone},
		"empty zone of a resolver": {"2.0.192.in-addr.arpa. 300 SOA 2.0.192.in-addr.arpa. . 0 28800 7200 604800 86400", ErrLocalZone},
		"AS112":                    {"2.0.192.in-addr.arpa. 300 SOA prisoner.iana.org. hostmaster.root-servers.org. 1 604800 60 604800 604800", ErrLocalZone},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if err := w.server.Insert(test.soa); err != nil {
				t.Fatal(err)
			}
			w.table.Set(host("192.0.2.1")...)
			r := w.registrar()
			w.sync(r)
			if n := len(w.sent()); n != 1 {
				t.Errorf("%d updates, want the forward one only", n)
			}
			if s := r.Status().Skipped; len(s) != 1 || !errors.Is(s[0].Err, test.want) {
				t.Errorf("skipped %v", s)
			}
		})
	}
	t.Run("Unbound and PowerDNS Recursor", func(t *testing.T) {
		w := newWorld(t)
		local := w.net.serve(t, "127.0.0.1:53", dnsregtest.Config{Zones: []string{"2.0.192.in-addr.arpa"}})
		resolver := w.net.serve(t, "198.51.100.53:53", dnsregtest.Config{Zones: []string{"example.test", "2.0.192.in-addr.arpa", "localhost"}})
		err := resolver.Insert("ns1.example.test. 300 A 192.0.2.53", "localhost. 300 A 127.0.0.1",
			"2.0.192.in-addr.arpa. 300 SOA localhost. nobody.invalid. 1 3600 1200 604800 10800")
		if err != nil {
			t.Fatal(err)
		}
		w.table.Set(host("192.0.2.1")...)
		r := w.registrar(func(c *Config) { c.Servers, c.Resolvers = nil, []string{"198.51.100.53:53"} })
		w.sync(r)
		if s := r.Status().Skipped; len(s) != 1 || !errors.Is(s[0].Err, ErrLocalZone) {
			t.Errorf("skipped %v", s)
		}
		if s := local.Stats(); s != (dnsregtest.Stats{}) {
			t.Errorf("localhost was asked: %+v", s)
		}
	})
	t.Run("too high up", func(t *testing.T) {
		w := newWorld(t, "in-addr.arpa")
		w.table.Set(host("198.51.100.1")...)
		r := w.registrar()
		w.sync(r)
		if s := r.Status().Skipped; len(s) != 1 || !errors.Is(s[0].Err, ErrNoZone) {
			t.Errorf("skipped %v", s)
		}
	})
}

// A server that answers with the SOA of a zone that the name is not in gets no update.
func TestForeignSOAIsNoZone(t *testing.T) {
	soa := func(owner string) dns.RR {
		return &dns.SOA{Hdr: dns.RR_Header{Name: owner, Rrtype: dns.TypeSOA, Class: dns.ClassINET}, Ns: "ns.", Mbox: "hm."}
	}
	for _, owner := range []string{"example.com.", "ost.example.test.", "a.host.example.test."} {
		m := &dns.Msg{Ns: []dns.RR{soa(owner)}}
		if _, err := closestSOA(m, hostName); !errors.Is(err, ErrNoZone) || !strings.Contains(err.Error(), owner) {
			t.Errorf("SOA of %s for %s: %v", owner, hostName, err)
		}
	}
	for _, owner := range []string{hostName, "example.test.", "TEST."} {
		m := &dns.Msg{Ns: []dns.RR{soa(owner)}}
		if got, err := closestSOA(m, hostName); err != nil || got.Hdr.Name != owner {
			t.Errorf("SOA of %s for %s: %v, %v", owner, hostName, got, err)
		}
	}
}

func TestDelegatedAway(t *testing.T) {
	w := newWorld(t)
	if err := w.server.Insert("sub.example.test. 300 NS ns.elsewhere.test."); err != nil {
		t.Fatal(err)
	}
	w.table.Set(host("192.0.2.1")...)
	err := w.registrar(func(c *Config) { c.Name = "host.sub.example.test" }).Sync(t.Context())
	if !errors.Is(err, ErrNoZone) || !strings.Contains(err.Error(), "delegated to ns.elsewhere.test.") || ClassOf(err) != Rediscover {
		t.Errorf("error %v", err)
	}
}

func TestForwardZoneNotServed(t *testing.T) {
	w := newWorld(t)
	w.table.Set(host("192.0.2.1")...)
	err := w.registrar(func(c *Config) { c.Name = "host.example.com" }).Sync(t.Context())
	if e := serverError(t, err); e.Rcode != dns.RcodeRefused || e.Op != "query" || e.Name != "host.example.com." {
		t.Errorf("error %v", err)
	}
}

// When the server in use stops having the zone, the pass goes on at the one that has it now.
func TestRediscovery(t *testing.T) {
	w := &world{t: t}
	cfg := dnsregtest.Config{Zones: []string{"example.test"}, Keys: map[string][]byte{keyName: secret}}
	down := false
	first := cfg
	first.Fault = func(dnsregtest.Request) dnsregtest.Fault {
		if down {
			return dnsregtest.Fault{Rcode: dns.RcodeNotAuth}
		}
		return dnsregtest.Fault{}
	}
	w.net.serve(t, serverAddr, first)
	second := w.net.serve(t, "192.0.2.54:53", cfg)
	w.table.Set(host("192.0.2.1")...)
	r := w.registrar(func(c *Config) { c.Servers = append(c.Servers, "192.0.2.54:53"); c.NoPTR = true })
	w.sync(r)
	down = true
	w.table.Set(host("192.0.2.2")...)
	w.sync(r)
	if got := fmt.Sprint(second.Records(hostName)); got != "[host.example.test. 1200 A 192.0.2.2]" {
		t.Errorf("the second server holds %s", got)
	}
}
