package dnsreg

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/hextet/hextet/dnsreg/dnsregtest"
)

// Somebody else writes between our reading and our update: nothing is overwritten, and the second try sees it.
func TestLostRaceReadsAgain(t *testing.T) {
	w := newWorld(t)
	w.table.Set(host("192.0.2.1")...)
	r := w.registrar()
	raced := false
	w.misbehave(func(q dnsregtest.Request) dnsregtest.Fault {
		if q.Update && q.Name == "example.test." && !raced {
			raced = true
			if err := w.server.Insert("host.example.test. 300 A 192.0.2.99"); err != nil {
				t.Error(err)
			}
		}
		return dnsregtest.Fault{}
	})
	w.sync(r)
	got := fmt.Sprint(w.server.Records(hostName))
	if want := "[host.example.test. 300 A 192.0.2.1 host.example.test. 300 A 192.0.2.99]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if c := r.Status().Counters; c.Conflicts != 1 {
		t.Errorf("%d conflicts counted, want 1", c.Conflicts)
	}
}

func TestEndlessRaceGivesUp(t *testing.T) {
	w := newWorld(t)
	w.table.Set(host("192.0.2.1")...)
	w.misbehave(only("example.test.", dnsregtest.Fault{Rcode: dns.RcodeNXRrset}))
	err := w.registrar().Sync(t.Context())
	if e := serverError(t, err); e.Class() != Transient || !strings.Contains(err.Error(), "changed 5 times") {
		t.Errorf("error %v", err)
	}
	if n := len(w.sent()); n != maxRaces {
		t.Errorf("%d updates, want %d", n, maxRaces)
	}
}

// The reply to an update is lost: the retransmission finds its own work and is refused; reading back
// tells that all is well. The zone changes once.
func TestLostReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.table.Set(host("192.0.2.1")...)
		lost := 0
		w.misbehave(func(q dnsregtest.Request) dnsregtest.Fault {
			if q.Update && q.Name == "example.test." {
				lost++
			}
			return dnsregtest.Fault{DropReply: q.Update && q.Name == "example.test." && lost == 1}
		})
		r := w.registrar()
		w.sync(r)
		w.holds("192.0.2.1")
		if s := w.server.Serial("example.test"); s != 2 {
			t.Errorf("serial %d, want 2: one change", s)
		}
		c := r.Status().Counters
		if c.Retransmits != 1 || c.Conflicts != 1 {
			t.Errorf("counters %+v, want one retransmission and one conflict", c)
		}
		updates := w.sent()
		if a, b := updates[0].Raw, updates[1].Raw; !slices.Equal(a, b) {
			t.Error("the retransmission differs from the original")
		}
	})
}

// No reply at all: the outcome is unknown. The next pass requires what was there before, is refused since
// the server had carried the update out, and reads back.
func TestTimeoutMeansUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.table.Set(host("192.0.2.1")...)
		w.misbehave(only("example.test.", dnsregtest.Fault{DropReply: true}))
		r := w.registrar()
		start := time.Now()
		err := r.Sync(t.Context())
		if _, ok := errors.AsType[*NoReplyError](err); !ok || !errors.Is(err, os.ErrDeadlineExceeded) || ClassOf(err) != Transient {
			t.Errorf("error %v", err)
		}
		if d := time.Since(start); d != defaultTimeout {
			t.Errorf("gave up after %v, want %v", d, defaultTimeout)
		}
		if got := w.server.Records(hostName); len(got) != 1 {
			t.Fatalf("the server carried nothing out: %v", got)
		}
		w.misbehave(nil)
		w.sent()
		w.sync(r)
		w.holds("192.0.2.1")
		if u := w.sent(); len(u) != 2 || u[0].Name != "example.test." || u[1].Name != "2.0.192.in-addr.arpa." {
			t.Errorf("%d updates, want the refused one and that of the reverse zone", len(u))
		}
		if s := w.server.Serial("example.test"); s != 2 {
			t.Errorf("serial %d, want 2: one change", s)
		}
		// What was written without a reply is ours.
		if err := r.Deregister(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.holds()
	})
}

func TestReverseTroubleDoesNotBlock(t *testing.T) {
	w := newWorld(t)
	w.table.Set(host("192.0.2.1", "198.51.100.1", "2001:db8::1")...)
	w.misbehave(only("2.0.192.in-addr.arpa.", dnsregtest.Fault{Rcode: dns.RcodeServerFailure}))
	r := w.registrar()
	err := r.Sync(t.Context())
	if e := serverError(t, err); e.Name != "2.0.192.in-addr.arpa." || e.Class() != Transient {
		t.Errorf("error %v", err)
	}
	if got := w.server.Records(hostName); len(got) != 3 {
		t.Errorf("forward records %v, want all three", got)
	}
	if got := w.server.Records(reverseName(host("2001:db8::1")[0].Prefix.Addr())); len(got) != 1 {
		t.Error("the other reverse zone was not updated")
	}
	st := r.Status()
	if len(st.Skipped) != 1 || st.Skipped[0].Name != "1.100.51.198.in-addr.arpa." {
		t.Errorf("Status.Skipped %v, want the address without a zone", st.Skipped)
	}
	for _, z := range st.Zones {
		if failing := z.Zone == "2.0.192.in-addr.arpa."; failing != (z.Err != nil) || failing != (z.Failures == 1) {
			t.Errorf("zone status %+v", z)
		}
	}
	w.misbehave(nil)
	w.sync(r)
	if got := w.server.Records("1.2.0.192.in-addr.arpa"); len(got) != 1 {
		t.Error("the reverse zone was not repaired")
	}
}

func TestMissingReverseZoneIsNoError(t *testing.T) {
	w := newWorld(t)
	w.table.Set(host("198.51.100.1")...)
	r := w.registrar()
	w.sync(r)
	if got := w.server.Records(hostName); len(got) != 1 {
		t.Errorf("forward records %v", got)
	}
}

func TestAliasAtTheName(t *testing.T) {
	w := newWorld(t)
	if err := w.server.Insert("host.example.test. 300 CNAME other.example.test."); err != nil {
		t.Fatal(err)
	}
	w.table.Set(host("192.0.2.1")...)
	err := w.registrar().Sync(t.Context())
	if !errors.Is(err, ErrAlias) || ClassOf(err) != Permanent || !strings.Contains(err.Error(), hostName) {
		t.Errorf("error %v", err)
	}
	if n := len(w.sent()); n != 0 {
		t.Errorf("%d updates sent", n)
	}
}

func TestRefusals(t *testing.T) {
	for rcode, class := range map[int]Class{
		dns.RcodeRefused: Rediscover, dns.RcodeNotAuth: Rediscover, dns.RcodeNotZone: Rediscover,
		dns.RcodeServerFailure: Transient, dns.RcodeFormatError: Permanent, dns.RcodeNotImplemented: Permanent,
	} {
		t.Run(dns.RcodeToString[rcode], func(t *testing.T) {
			w := newWorld(t)
			w.table.Set(host("192.0.2.1")...)
			w.misbehave(only("example.test.", dnsregtest.Fault{Rcode: rcode}))
			r := w.registrar()
			err := r.Sync(t.Context())
			e := serverError(t, err)
			if e.Rcode != rcode || e.Class() != class || ClassOf(err) != class || !e.Authentic || e.Server != serverAddr || e.Op != "update" {
				t.Errorf("error %+v, class %v; want class %v", e, e.Class(), class)
			}
			if !strings.Contains(err.Error(), dns.RcodeToString[rcode]) || !strings.Contains(err.Error(), "example.test.") {
				t.Errorf("error %q names neither rcode nor zone", err)
			}
			if n := len(w.sent()); n != 1 {
				t.Errorf("%d updates, want 1 and none for PTR", n)
			}
			if cached := r.places.knows(hostName); cached != (class != Rediscover) {
				t.Errorf("zone remembered: %v, class %v", cached, class)
			}
		})
	}
}

// The keys' errors come without a valid signature: they are hints, and the wait is completed.
func TestKeyErrors(t *testing.T) {
	for name, test := range map[string]struct {
		auth Auth
		tsig int
	}{
		"BADKEY": {TSIG("nobody.example.test.", "", secret), dns.RcodeBadKey},
		"BADSIG": {TSIG(keyName, "", []byte("another secret")), dns.RcodeBadSig},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.table.Set(host("192.0.2.1")...)
				start := time.Now()
				err := w.registrar(func(c *Config) { c.Auth = test.auth }).Sync(t.Context())
				e := serverError(t, err)
				if e.TSIG != test.tsig || e.Authentic || e.Class() != Permanent || !strings.Contains(err.Error(), name) {
					t.Errorf("error %v", err)
				}
				if d := time.Since(start); d != firstTry {
					t.Errorf("waited %v for a better reply, want %v", d, firstTry)
				}
				if q := w.server.Stats(); q.Queries != 1 {
					t.Errorf("%d queries", q.Queries)
				}
			})
		})
	}
}

func TestClockSkew(t *testing.T) {
	for says, skew := range map[string]time.Duration{"ahead": time.Hour, "behind": -time.Hour} {
		w := &world{t: t}
		w.server = w.net.serve(t, serverAddr, dnsregtest.Config{
			Zones: []string{"example.test"}, Keys: map[string][]byte{keyName: secret},
			Now: func() time.Time { return time.Now().Add(skew) },
		})
		w.table.Set(host("192.0.2.1")...)
		err := w.registrar().Sync(t.Context())
		e := serverError(t, err)
		if e.TSIG != dns.RcodeBadTime || !e.Authentic || ClassOf(err) != ClockSkew || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: error %v", says, err)
		}
		if d := e.Skew - skew; d.Abs() > 2*time.Second {
			t.Errorf("skew %v, want about %v", e.Skew, skew)
		}
	}
}

func TestNoServer(t *testing.T) {
	w := newWorld(t)
	w.table.Set(host("192.0.2.1")...)
	err := w.registrar(func(c *Config) { c.Servers = []string{"192.0.2.99:53"} }).Sync(t.Context())
	if !errors.Is(err, errAway) || !strings.Contains(err.Error(), "192.0.2.99:53") {
		t.Errorf("error %v", err)
	}
}

// Nobody listens: the host says so by ICMP. That is no proof, so the first try's wait is completed.
func TestPortUnreachable(t *testing.T) {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	pc.Close()
	var table AddressTable
	table.Set(host("192.0.2.1")...)
	r, err := New(Config{Name: "host.example.test", Source: &table, Servers: []string{pc.LocalAddr().String()}})
	if err != nil {
		t.Fatal(err)
	}
	err = r.Sync(t.Context())
	if _, ok := errors.AsType[*NoReplyError](err); !ok || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("error %v", err)
	}
	if c := r.Status().Counters; c.Retransmits != 0 {
		t.Errorf("%d retransmissions", c.Retransmits)
	}
}

func TestCancelledContext(t *testing.T) {
	w := newWorld(t)
	w.table.Set(host("192.0.2.1")...)
	ctx, cancel := context.WithCancel(t.Context())
	w.misbehave(func(q dnsregtest.Request) dnsregtest.Fault {
		if q.Update {
			cancel()
		}
		return dnsregtest.Fault{Drop: q.Update}
	})
	r := w.registrar()
	if err := r.Sync(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if z := r.Status().Zones[0]; z.Failures != 0 {
		t.Error("the caller's end counts as the zone's failure")
	}
	if err := r.Sync(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a Sync that begins cancelled: %v", err)
	}
}

func TestDeregisterAfterPartialFailure(t *testing.T) {
	w := newWorld(t)
	w.table.Set(host("192.0.2.1", "2001:db8::1")...)
	r := w.registrar()
	w.sync(r)
	w.misbehave(only("example.test.", dnsregtest.Fault{Rcode: dns.RcodeServerFailure}))
	serverError(t, r.Deregister(t.Context()))
	for _, z := range reverseZones { // the PTR records go all the same
		if got := zoneText(w.server, z); len(got) != 1 {
			t.Errorf("%s holds %q", z, got)
		}
	}
	w.misbehave(nil)
	if err := r.Deregister(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.holds()
}
