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

// Somebody deletes the A record of an address, putting it back fails, and then the address is flagged: by
// now no A record tells of it, and its PTR record goes all the same.
func TestPointerOfARecordThatVanished(t *testing.T) {
	w := newWorld(t)
	w.table.Set(host("192.0.2.1", "192.0.2.2")...)
	r := w.registrar()
	w.sync(r)
	w.removeBehindItsBack("host.example.test. A 192.0.2.2")
	updates := 0
	w.misbehave(func(q dnsregtest.Request) dnsregtest.Fault {
		if q.Update {
			updates++
		}
		return dnsregtest.Fault{Rcode: map[bool]int{true: dns.RcodeServerFailure}[updates == 2]}
	})
	serverError(t, r.Sync(t.Context())) // the prerequisite fails, the record is read, the server fails
	w.misbehave(nil)
	w.table.Set(host("192.0.2.1", "192.0.2.2 skip")...)
	w.sync(r)
	w.holds("192.0.2.1")
}

// The reply to an update is lost, and the host loses the address before the next pass: what may have been
// written is ours, and goes.
func TestRecordOfDoubtfulOriginGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.table.Set(host("192.0.2.1", "192.0.2.2")...)
		w.misbehave(only("example.test.", dnsregtest.Fault{DropReply: true}))
		r := w.registrar()
		if err := r.Sync(t.Context()); err == nil {
			t.Fatal("no error")
		}
		w.misbehave(nil)
		w.table.Set(host("192.0.2.1")...)
		w.sync(r)
		w.holds("192.0.2.1")
	})
}

// A reverse zone that comes into being is found by the next Sync.
func TestReverseZoneAppears(t *testing.T) {
	w := newWorld(t)
	w.table.Set(host("198.51.100.1")...)
	r := w.registrar()
	w.sync(r)
	if n := len(r.Status().Skipped); n != 1 {
		t.Fatalf("%d skipped", n)
	}
	later := w.net.serve(t, "192.0.2.54:53", dnsregtest.Config{
		Zones: []string{"100.51.198.in-addr.arpa"}, Keys: map[string][]byte{keyName: secret},
	})
	r.cfg.Servers = append(r.cfg.Servers, "192.0.2.54:53")
	w.sync(r)
	if got := later.Records("1.100.51.198.in-addr.arpa"); len(got) != 1 {
		t.Errorf("PTR records %v", got)
	}
	if n := len(r.Status().Skipped); n != 0 {
		t.Errorf("%d still skipped", n)
	}
}

// What is remembered is bounded by the addresses in use, however many come and go.
func TestMemoryStaysSmall(t *testing.T) {
	w := newWorld(t)
	r := w.registrar()
	for i := range 200 {
		w.table.Set(host(fmt.Sprintf("192.0.2.%d", 1+i%50), fmt.Sprintf("198.51.100.%d", i+1), "2001:db8::1")...)
		if o := r.pass(t.Context(), effort{}); o.err != nil {
			t.Fatal(o.err)
		}
	}
	// That of the address now, and of those before it, of which the last one is still to be judged.
	if len(r.retired) != maxHomeless || len(r.missing) > maxHomeless+2 {
		t.Errorf("%d retired and %d missing while addresses without a zone come and go", len(r.retired), len(r.missing))
	}
	r.cfg.Servers = append(r.cfg.Servers, "192.0.2.54:53")
	w.net.serve(t, "192.0.2.54:53", dnsregtest.Config{Zones: []string{"100.51.198.in-addr.arpa"}, Keys: map[string][]byte{keyName: secret}})
	w.table.Set(host("192.0.2.1")...)
	w.sync(r)
	if o := r.pass(t.Context(), effort{}); o.err != nil {
		t.Fatal(o.err)
	}
	got := fmt.Sprintf("%d RRsets, %d places, %d missing, %d retired, %d reverse zones",
		len(r.memory), len(r.places.names), len(r.missing), len(r.retired), len(r.reverse))
	if want := "3 RRsets, 2 places, 0 missing, 0 retired, 1 reverse zones"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// An address that leaves and comes back is not on its way out any more.
func TestRetiredAddressReturns(t *testing.T) {
	w := newWorld(t)
	r := w.registrar()
	w.table.Set(host("192.0.2.1", "192.0.2.2")...)
	w.sync(r)
	w.misbehave(only("2.0.192.in-addr.arpa.", dnsregtest.Fault{Rcode: 2}))
	w.table.Set(host("192.0.2.1")...)
	serverError(t, r.Sync(t.Context()))
	if len(r.retired) != 1 {
		t.Fatalf("%d retired addresses", len(r.retired))
	}
	w.misbehave(nil)
	w.table.Set(host("192.0.2.1", "192.0.2.2")...)
	w.sync(r)
	w.holds("192.0.2.1", "192.0.2.2")
	if len(r.retired) != 0 {
		t.Errorf("%v still retired", r.retired)
	}
}

// The reverse server refuses for a while what it has: a slip in its configuration, the zone being moved, a forgery. The
// PTR record of an address that leaves meanwhile goes afterwards.
func TestRetiredAddressOutlivesARefusal(t *testing.T) {
	for _, signed := range []bool{true, false} {
		for _, st := range []State{nil, new(memState)} {
			w := newWorld(t)
			change := func(c *Config) { c.State = st }
			if !signed {
				w.server = w.net.serve(t, "192.0.2.54:53", dnsregtest.Config{Zones: append([]string{"example.test"}, reverseZones...), Fault: w.observe})
				change = func(c *Config) { c.Auth, c.Servers, c.State = nil, []string{"192.0.2.54:53"}, st }
			}
			w.table.Set(host("192.0.2.1", "192.0.2.2")...)
			r := w.registrar(change)
			w.sync(r)
			w.misbehave(func(q dnsregtest.Request) dnsregtest.Fault {
				return dnsregtest.Fault{Rcode: map[bool]int{true: dns.RcodeRefused}[strings.HasSuffix(q.Name, "2.0.192.in-addr.arpa.")]}
			})
			w.table.Set(host("192.0.2.1")...)
			for range 3 {
				r.Sync(t.Context())
			}
			if s := r.Status().Skipped; len(s) != 2 {
				t.Errorf("skipped %v, want both names of the zone", s)
			}
			w.misbehave(nil)
			if st != nil {
				r = w.registrar(change) // the next run knows of it
			}
			w.sync(r)
			w.holds("192.0.2.1")
			if len(r.retired) != 0 {
				t.Errorf("%v still retired", r.retired)
			}
		}
	}
}

// The zone of a retired address turns out to be an empty one: there is nothing to wait for.
func TestRetiredAddressInAnEmptyZone(t *testing.T) {
	w := newWorld(t)
	w.table.Set(host("192.0.2.1", "2001:db8::1")...)
	r := w.registrar()
	w.sync(r)
	w.removeBehindItsBack("1.2.0.192.in-addr.arpa. PTR host.example.test.")
	if err := w.server.Insert("2.0.192.in-addr.arpa. 300 SOA 2.0.192.in-addr.arpa. nobody.invalid. 9 3600 1200 604800 10800"); err != nil {
		t.Fatal(err)
	}
	r.places.displace(place{zone: "2.0.192.in-addr.arpa.", server: serverAddr})
	w.table.Set(host("2001:db8::1")...)
	w.sync(r)
	if len(r.retired) != 0 {
		t.Errorf("%v still retired", r.retired)
	}
}

// Sixty reverse names and a server that is silent about them: one timeout for each family, not for each name.
func TestSilentServerCostsOneTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var lines []string
		for i := range 30 {
			lines = append(lines, fmt.Sprintf("192.0.2.%d", i+1), fmt.Sprintf("2001:db8::%x", i+1))
		}
		w.table.Set(host(lines...)...)
		names := make(map[string]bool)
		w.misbehave(func(q dnsregtest.Request) dnsregtest.Fault {
			reverse := strings.HasSuffix(q.Name, ".arpa.")
			if reverse {
				names[q.Name] = true
			}
			return dnsregtest.Fault{Drop: reverse}
		})
		err := w.registrar().Sync(t.Context())
		w.mu.Lock()
		defer w.mu.Unlock()
		if _, ok := errors.AsType[*NoReplyError](err); !ok || len(names) != 2 {
			t.Errorf("asked for %d names, error %v", len(names), err)
		}
	})
}

// A reverse zone becomes classless (RFC 2317) while its PTR record is registered: the next Sync meets the
// CNAME, the one after that follows it.
func TestPointerBecomesAnAlias(t *testing.T) {
	w := newWorld(t, "0-63.2.0.192.in-addr.arpa")
	w.table.Set(host("192.0.2.5")...)
	r := w.registrar()
	w.sync(r)
	w.removeBehindItsBack("5.2.0.192.in-addr.arpa. PTR host.example.test.")
	if err := w.server.Insert("5.2.0.192.in-addr.arpa. 300 CNAME 5.0-63.2.0.192.in-addr.arpa."); err != nil {
		t.Fatal(err)
	}
	if err := r.Sync(t.Context()); !errors.Is(err, ErrAlias) {
		t.Errorf("error %v", err)
	}
	w.sync(r)
	if got := w.server.Records("5.0-63.2.0.192.in-addr.arpa"); len(got) != 1 {
		t.Errorf("the delegated name holds %v", got)
	}
}

// Nobody ever answers for the first reverse name: the second gets its PTR record all the same.
func TestSilentReverseNameDoesNotStarveOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "100.51.198.in-addr.arpa")
		w.table.Set(host("192.0.2.1", "198.51.100.1")...)
		w.misbehave(func(q dnsregtest.Request) dnsregtest.Fault {
			return dnsregtest.Fault{Drop: strings.HasSuffix(q.Name, ".2.0.192.in-addr.arpa.")}
		})
		defer w.start(w.registrar())()
		passTime(24 * time.Hour) // which one is asked first is left to chance, some hundred times
		if got := w.server.Records("1.100.51.198.in-addr.arpa"); len(got) != 1 {
			t.Errorf("PTR records %v", got)
		}
	})
}

// The first server is away, the second has everything: one timeout, not one for each name.
func TestServerAwayCostsOneTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var lines []string
		for i := range 30 {
			lines = append(lines, fmt.Sprintf("192.0.2.%d", i+1))
		}
		w.table.Set(host(lines...)...)
		away := w.net.serve(t, "192.0.2.54:53", dnsregtest.Config{Fault: func(dnsregtest.Request) dnsregtest.Fault {
			return dnsregtest.Fault{Drop: true}
		}})
		start := time.Now()
		w.sync(w.registrar(func(c *Config) { c.Servers = []string{"192.0.2.54:53", serverAddr} }))
		w.holds(lines...)
		if d := time.Since(start); d != defaultTimeout || away.Stats().Queries == 0 {
			t.Errorf("took %v, want %v; the first server saw %+v", d, defaultTimeout, away.Stats())
		}
	})
}
