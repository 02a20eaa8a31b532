package dnsreg

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/hextet/hextet/dnsreg/dnsregtest"
)

// orphaned puts PTR records to our name at addresses.
func (w *world) orphaned(addrs ...string) {
	w.t.Helper()
	for _, a := range host(addrs...) {
		if err := w.server.Insert(reverseName(a.Prefix.Addr()) + " 1200 PTR " + hostName); err != nil {
			w.t.Fatal(err)
		}
	}
}

// A process was killed when it had removed the A record of an address, and not yet its PTR record: the next one finds
// that without a State, whatever the address is now. Records of others stay.
func TestOrphansWithoutState(t *testing.T) {
	for _, lines := range [][]string{
		{"192.0.2.1", "192.0.2.2 skip", "2001:db8::2 deprecated", "192.0.2.9 skip"}, {"192.0.2.2 skip"}, {"192.0.2.1", "192.0.2.2 tentative", "fe80::1"},
	} {
		w := newWorld(t)
		w.orphaned("192.0.2.2", "2001:db8::2")
		if err := w.server.Insert("9.2.0.192.in-addr.arpa. 300 PTR other.example.test."); err != nil {
			t.Fatal(err)
		}
		w.table.Set(host(lines...)...)
		r := w.registrar()
		if _, err := r.Plan(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.sync(r)
		left := append(w.server.Records("2.2.0.192.in-addr.arpa"), w.server.Records(reverseName(host("2001:db8::2")[0].Prefix.Addr()))...)
		if has := strings.Contains(fmt.Sprint(lines), "2001"); len(left) > 1 || has && len(left) > 0 || len(w.server.Records("2.2.0.192.in-addr.arpa")) > 0 {
			t.Errorf("%q: left behind: %v", lines, left)
		}
		if len(w.server.Records("9.2.0.192.in-addr.arpa")) != 1 {
			t.Errorf("%q: the record of somebody else has gone", lines)
		}
		if s := r.Status().Skipped; len(s) != 0 {
			t.Errorf("%q: skipped %v", lines, s)
		}
	}
}

// Deregister finds them as well; a State makes the questions unnecessary.
func TestOrphansOfADeregistration(t *testing.T) {
	w := newWorld(t)
	w.orphaned("192.0.2.2")
	w.table.Set(host("192.0.2.2 skip")...)
	if err := w.registrar(func(c *Config) { c.State = new(memState) }).Deregister(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, q := range w.asked() {
		if q.Type == "PTR" {
			t.Errorf("asked for %s", q.Name)
		}
	}
	if err := w.registrar().Deregister(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.holds()
}

// One question each, up to a bound, in the first pass and in no other, also where no zone is.
func TestOrphansAreAskedAboutOnce(t *testing.T) {
	w := newWorld(t)
	lines := []string{"192.0.2.1"}
	for i := range 200 {
		lines = append(lines, fmt.Sprintf("10.1.1.%d skip", i), fmt.Sprintf("fe80::%x skip", i))
	}
	w.table.Set(host(lines...)...)
	r := w.registrar()
	w.sync(r)
	asked := func() (n int) {
		for _, q := range w.asked() {
			if strings.HasSuffix(q.Name, ".1.1.10.in-addr.arpa.") && q.Type == "PTR" {
				n++
			}
		}
		return n
	}
	if n := asked(); n != maxOrphans {
		t.Errorf("%d questions, want %d", n, maxOrphans)
	}
	w.sync(r)
	if n := asked(); n != maxOrphans {
		t.Errorf("%d questions after the second pass", n)
	}
	if s := r.Status().Skipped; len(s) != 0 || len(r.retired) != 0 {
		t.Errorf("skipped %v, retired %v", s, r.retired)
	}
}

// A server that is silent about them costs one timeout in a pass, and is asked again when it is back.
func TestOrphansOfASilentServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.orphaned("192.0.2.2", "192.0.2.3", "2001:db8::3")
		w.table.Set(host("192.0.2.2 skip", "192.0.2.3 skip", "2001:db8::3 skip")...)
		w.misbehave(func(q dnsregtest.Request) dnsregtest.Fault {
			return dnsregtest.Fault{Drop: strings.HasSuffix(q.Name, ".arpa.")}
		})
		r := w.registrar()
		start := time.Now()
		w.sync(r)
		if d := time.Since(start); d != defaultTimeout {
			t.Errorf("took %v", d)
		}
		w.misbehave(nil)
		w.sync(r)
		w.holds()
	})
}

// Resolvers know of PTR records without a look at the zones. What they don't know, the servers may.
func TestOrphansThroughAResolver(t *testing.T) {
	for _, given := range [][]string{nil, {serverAddr}} {
		w := newWorld(t)
		resolver := w.net.serve(t, resolverAddr, dnsregtest.Config{Zones: []string{"example.test", "2.0.192.in-addr.arpa"}})
		lines := []string{"ns1.example.test. 300 A 192.0.2.53", soa("2.0.192.in-addr.arpa", "ns1.example.test.")}
		if given == nil {
			lines = append(lines, "2.2.0.192.in-addr.arpa. 300 PTR "+hostName)
		}
		if err := resolver.Insert(lines...); err != nil {
			t.Fatal(err)
		}
		w.orphaned("192.0.2.2")
		w.table.Set(host("192.0.2.2 skip")...)
		w.sync(w.registrar(func(c *Config) { c.Servers, c.Resolvers = given, []string{resolverAddr} }))
		w.holds()
		if n := resolver.Stats().Updates; n != 0 {
			t.Errorf("%d updates to the resolver", n)
		}
	}
}

// The zone is being moved: what was found in the first pass goes when it is back.
func TestOrphanOutlivesARefusal(t *testing.T) {
	w := newWorld(t)
	w.orphaned("192.0.2.2")
	w.table.Set(host("192.0.2.2 skip")...)
	w.misbehave(only("2.0.192.in-addr.arpa.", dnsregtest.Fault{Rcode: dns.RcodeNotAuth}))
	r := w.registrar()
	if _, ok := errors.AsType[*ServerError](r.Sync(t.Context())); !ok {
		t.Error("no error")
	}
	w.misbehave(nil)
	w.sync(r)
	w.holds()
}
