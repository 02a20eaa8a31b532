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

// wildcards are records that make a server answer for host.example.test, and for the addresses of the host.
var wildcards = map[string][]string{
	"A":           {"*.example.test. 300 A 203.0.113.1"},
	"A and AAAA":  {"*.example.test. 300 A 203.0.113.1", "*.example.test. 300 AAAA 2001:db8::ffff", "*.example.test. 300 MX 10 ns1.example.test."},
	"our address": {"*.example.test. 300 A 192.0.2.1"},
	"PTR":         {"*.2.0.192.in-addr.arpa. 300 PTR pool.example.com.", "*.0.8.b.d.0.1.0.0.2.ip6.arpa. 300 PTR pool.example.com."},
	"CNAME":       {"*.example.test. 300 CNAME www.example.com."},
	"CNAME here":  {"*.example.test. 300 CNAME other.example.test.", "other.example.test. 300 A 192.0.2.200"},
}

var pinsAndKeys = map[string]func(*Config){
	"default":   func(*Config) {},
	"PinAlways": func(c *Config) { c.Pin = PinAlways },
	"PinNever":  func(c *Config) { c.Pin = PinNever },
	"TTL 300":   func(c *Config) { c.TTL = 300e9 },
}

// A name for which only a wildcard answers is registered in the first pass, and the wildcard stays.
func TestNamesUnderWildcards(t *testing.T) {
	for what, lines := range wildcards {
		for how, change := range pinsAndKeys {
			for _, addrs := range [][]string{{"192.0.2.1"}, {"192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1"}, {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5"}} {
				t.Run(fmt.Sprint(what, " ", how, " ", len(addrs)), func(t *testing.T) {
					w := newWorld(t)
					if err := w.server.Insert(lines...); err != nil {
						t.Fatal(err)
					}
					before := zonesOf(w.server)
					w.table.Set(host(addrs...)...)
					r := w.registrar(change)
					w.sync(r)
					if what != "our address" { // there the first pass may find nothing amiss
						w.holds(addrs...)
					}
					w.sync(r) // what was read of the wildcard is not thought to be there
					w.holds(addrs...)
					if err := r.Deregister(t.Context()); err != nil {
						t.Fatal(err)
					}
					if diff := zonesOf(w.server).differ(before); diff != "" {
						t.Error(diff)
					}
				})
			}
		}
	}
}

// Without a key nothing is tied to the serial.
func TestWildcardsWithoutAKey(t *testing.T) {
	for what, lines := range wildcards {
		t.Run(what, func(t *testing.T) {
			w := &world{t: t}
			w.server = w.net.serve(t, serverAddr, dnsregtest.Config{Zones: append([]string{"example.test"}, reverseZones...)})
			if err := w.server.Insert(lines...); err != nil {
				t.Fatal(err)
			}
			w.table.Set(host("192.0.2.1", "2001:db8::1")...)
			w.sync(w.registrar(func(c *Config) { c.Auth = nil }))
			w.holds("192.0.2.1", "2001:db8::1")
		})
	}
}

// The mark of somebody else, or an address without a mark, that a wildcard has keeps nobody from a name.
func TestOwnerUnderAWildcard(t *testing.T) {
	for _, line := range []string{`*.example.test. 300 TXT "heritage=external-dns,external-dns/owner=x"`, "*.example.test. 300 A 203.0.113.1", "*.example.test. 300 CNAME www.example.com."} {
		w := newWorld(t)
		if err := w.server.Insert(line); err != nil {
			t.Fatal(err)
		}
		w.table.Set(host("192.0.2.1")...)
		w.sync(w.registrar(func(c *Config) { c.Owner, c.NoPTR = OwnerTXT("this"), true }))
		got := fmt.Sprint(w.server.Records(hostName))
		if want := `[host.example.test. 1200 A 192.0.2.1 host.example.test. 1200 TXT "heritage=hextet,owner=this"]`; got != want {
			t.Errorf("%s: got %s, want %s", line, got, want)
		}
	}
}

// The name exists, and a wildcard says the same of others: it stays as it is.
func TestNameLikeItsWildcard(t *testing.T) {
	const mark = ` 300 TXT "heritage=hextet,owner=that"`
	for _, test := range []struct {
		data string
		want error
	}{
		{" 300 CNAME www.example.com.", ErrAlias}, {mark, nil}, {" 300 A 203.0.113.1", nil},
	} {
		w := newWorld(t)
		if err := w.server.Insert(hostName+test.data, "*.example.test."+test.data); err != nil {
			t.Fatal(err)
		}
		before := zonesOf(w.server)
		w.table.Set(host("192.0.2.1")...)
		r := w.registrar(func(c *Config) { c.Owner = OwnerTXT("this") })
		for range 2 {
			err := r.Sync(t.Context())
			if _, foreign := errors.AsType[*OwnerError](err); test.want == nil && !foreign || test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("%s: error %v", test.data, err)
			}
		}
		if diff := zonesOf(w.server).differ(before); diff != "" {
			t.Errorf("%s: %s", test.data, diff)
		}
	}
}

// A plan for a name under a wildcard sends nothing, and is what Sync does.
func TestPlanUnderAWildcard(t *testing.T) {
	for what, lines := range wildcards {
		w := newWorld(t)
		if err := w.server.Insert(lines...); err != nil {
			t.Fatal(err)
		}
		w.table.Set(host("192.0.2.1")...)
		r := w.registrar()
		plan, err := r.Plan(t.Context())
		if err != nil || len(w.sent()) != 0 {
			t.Errorf("%s: %v", what, err)
		}
		if text := plan.String(); what != "our address" && !strings.Contains(text, "+ host.example.test. ") || !strings.Contains(text, "PTR host.example.test.") {
			t.Errorf("%s: plan %s", what, text)
		}
		w.sync(r)
		w.holds("192.0.2.1")
	}
}

// A plan takes a name for vacant by the looks. The update that follows asks the server.
func TestPlanIsNoProofOfAWildcard(t *testing.T) {
	w := newWorld(t)
	lines := []string{hostName + " 300 CNAME www.example.com.", "*.example.test. 300 CNAME www.example.com.", "first.example.test. 1200 A 192.0.2.1"}
	if err := w.server.Insert(lines...); err != nil {
		t.Fatal(err)
	}
	before := zonesOf(w.server)
	w.table.Set(host("192.0.2.1")...)
	for _, pin := range []Pin{PinChanges, PinAlways, PinNever} {
		// Reading the first name tells the serial, which then must not stand for what is guessed of the second.
		r := w.registrar(func(c *Config) {
			c.Name, c.Names, c.Pin, c.NoPTR = "first.example.test", []HostName{{Name: hostName}}, pin, true
		})
		if _, err := r.Plan(t.Context()); err != nil {
			t.Error(err)
		}
		if err := r.Sync(t.Context()); !errors.Is(err, ErrAlias) {
			t.Errorf("pin %d: error %v", pin, err)
		}
	}
	if diff := zonesOf(w.server).differ(before); diff != "" {
		t.Error(diff)
	}
}

// An alias of the host's name costs no update when no wildcard is its reason, and neither does a race that reading
// explains.
func TestVacancyIsAskedForWithReason(t *testing.T) {
	w := newWorld(t)
	if err := w.server.Insert("host.example.test. 300 CNAME www.example.com."); err != nil {
		t.Fatal(err)
	}
	w.table.Set(host("192.0.2.1")...)
	if err := w.registrar().Sync(t.Context()); !errors.Is(err, ErrAlias) {
		t.Errorf("error %v", err)
	}
	if n := len(w.sent()); n != 0 {
		t.Errorf("%d updates about an alias", n)
	}

	w = newWorld(t)
	w.table.Set(host("192.0.2.1")...)
	r := w.registrar(func(c *Config) { c.NoPTR = true })
	w.sync(r)
	if err := w.server.Insert("host.example.test. 1200 A 203.0.113.7"); err != nil {
		t.Fatal(err)
	}
	w.sent()
	w.sync(r)
	for _, u := range w.sent() {
		m := new(dns.Msg)
		if err := m.Unpack(u.Raw); err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(m.Answer, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeANY }) {
			t.Errorf("asked whether the name is in use:\n%v", m)
		}
	}
}
