package dnsreg

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/hextet/hextet/dnsreg/dnsregtest"
)

// tied reports whether an update requires the zone's SOA record.
func tied(t *testing.T, u dnsregtest.Request) bool {
	t.Helper()
	m := unpack(t, u)
	return slices.ContainsFunc(m.Answer, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeSOA })
}

func unpack(t *testing.T, u dnsregtest.Request) *dns.Msg {
	t.Helper()
	m := new(dns.Msg)
	if err := m.Unpack(u.Raw); err != nil {
		t.Fatal(err)
	}
	return m
}

func fudgeOf(t *testing.T, u dnsregtest.Request) uint16 {
	t.Helper()
	return unpack(t, u).IsTsig().Fudge
}

// A first registration is not tied and its signature counts briefly. A change is tied and needs no question: the
// serial was in the reply that the name does not exist, and since then it is what our changes have made of it.
func TestPinChanges(t *testing.T) {
	w := newWorld(t)
	r := w.registrar(func(c *Config) { c.NoPTR = true })
	step := func(asked int, lines ...string) dnsregtest.Request {
		t.Helper()
		before := len(w.asked())
		w.table.Set(host(lines...)...)
		w.sync(r)
		w.holdsForward(lines...)
		if n := len(w.asked()) - before; n != asked {
			t.Errorf("%v: %d queries, want %d", lines, n, asked)
		}
		sent := w.sent()
		if len(sent) != 1 {
			t.Fatalf("%v: %d updates, want 1", lines, len(sent))
		}
		return sent[0]
	}
	if u := step(3, "192.0.2.1"); tied(t, u) || fudgeOf(t, u) != briefly {
		t.Error("the first registration is tied, or counts for long")
	}
	if u := step(0, "192.0.2.2"); !tied(t, u) || fudgeOf(t, u) != fudge {
		t.Error("the first change is not tied, or counts briefly")
	}
	for i := range 3 {
		if u := step(0, fmt.Sprintf("192.0.2.%d", 3+i)); !tied(t, u) {
			t.Error("a later change is not tied")
		}
	}
	// Somebody else changes the zone: the guess is wrong once, and nothing is guessed any more.
	w.bumpSerial()
	w.table.Set(host("192.0.2.9")...)
	w.sync(r)
	if n := len(w.sent()); n != 2 {
		t.Errorf("%d updates after a wrong guess, want 2", n)
	}
	w.bumpSerial()
	step(1, "192.0.2.10")
	if c := r.Status().Counters; c.Conflicts != 1 {
		t.Errorf("%d conflicts, want 1", c.Conflicts)
	}
}

// holdsForward checks the addresses at the name.
func (w *world) holdsForward(addrs ...string) {
	w.t.Helper()
	var got []string
	for _, r := range w.server.Records(hostName) {
		got = append(got, r.Data)
	}
	slices.Sort(got)
	if want := slices.Sorted(slices.Values(addrs)); !slices.Equal(got, want) {
		w.t.Errorf("%s has %v, want %v", hostName, got, want)
	}
}

// bumpSerial is a change of somebody else's.
func (w *world) bumpSerial() {
	w.t.Helper()
	soa := fmt.Sprintf("example.test. 300 SOA ns1.example.test. hostmaster.example.test. %d 3600 600 86400 60", w.server.Serial("example.test")+1)
	if err := w.server.Insert(soa); err != nil {
		w.t.Fatal(err)
	}
}

// The guess lasts for a while only.
func TestPinGuessExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := w.registrar(func(c *Config) { c.NoPTR = true })
		for i := range 4 {
			w.table.Set(host(fmt.Sprintf("192.0.2.%d", 1+i))...)
			w.sync(r)
			passTime(guessTime)
			w.bumpSerial()
		}
		if n := len(w.sent()); n != 4 {
			t.Errorf("%d updates, want 4: an old guess is not worth trying", n)
		}
	})
}

func TestPinAlwaysAndNever(t *testing.T) {
	for _, pin := range []Pin{PinAlways, PinNever} {
		w := newWorld(t)
		r := w.registrar(func(c *Config) { c.Pin = pin })
		for _, lines := range [][]string{{"192.0.2.1", "2001:db8::1"}, {"192.0.2.2", "2001:db8::1"}, {"192.0.2.1"}} {
			w.table.Set(host(lines...)...)
			w.sync(r)
			w.holds(lines...)
		}
		for _, u := range w.sent() {
			if len(unpack(t, u).Ns) > 0 && tied(t, u) != (pin == PinAlways) {
				t.Errorf("pin %d: an update of %s is tied: %v", pin, u.Name, tied(t, u))
			}
		}
	}
}

// The host's clock is a minute off: a brief signature is refused, and the first registration is tied instead.
func TestPinWithSkewedClock(t *testing.T) {
	for _, skew := range []time.Duration{-time.Minute, time.Minute} {
		w := newWorld(t)
		w.table.Set(host("192.0.2.1")...)
		r := w.registrar(func(c *Config) { c.Clock = skewedClock{hostClock{}, skew} })
		w.sync(r)
		w.holds("192.0.2.1")
		var seen []string
		for _, u := range w.sent() {
			seen = append(seen, fmt.Sprint(tied(t, u), fudgeOf(t, u)))
		}
		if want := []string{"false 10", "true 300", "false 10", "true 300"}; !slices.Equal(seen, want) {
			t.Errorf("updates tied and counting for %v, want %v", seen, want)
		}
	}
}

// A server that answers a signature of another time without one of its own, as PowerDNS does, says no more than
// REFUSED: the brief signature is given up all the same, once.
func TestPinWithSkewedClockAndNoReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.table.Set(host("192.0.2.1")...)
		w.misbehave(func(q dnsregtest.Request) dnsregtest.Fault {
			if q.Update && fudgeOf(t, q) < 60 {
				return dnsregtest.Fault{Rcode: dns.RcodeRefused, Unsigned: true}
			}
			return dnsregtest.Fault{}
		})
		r := w.registrar(func(c *Config) { c.NoPTR = true })
		w.sync(r)
		w.holdsForward("192.0.2.1")
		// Whatever is signed: an update that is refused without a signature is not sent more than twice.
		w.misbehave(only("example.test.", dnsregtest.Fault{Rcode: dns.RcodeRefused, Unsigned: true}))
		w.sent()
		w.table.Set(host("192.0.2.2")...)
		if err := r.Sync(t.Context()); err == nil || len(w.sent()) != 1 {
			t.Errorf("error %v after more than one update", err)
		}
	})
}

// A zone that moves to another server: that its serial is known there says nothing about records that were read
// at the first one. Here the first is an old copy of the zone that takes no updates, and lacks an alias.
func TestSerialCoversOneServer(t *testing.T) {
	w := newWorld(t)
	const copyAddr = "192.0.2.54:53"
	w.net.serve(t, copyAddr, dnsregtest.Config{
		Zones: []string{"example.test"}, Keys: map[string][]byte{keyName: secret},
		Fault: func(q dnsregtest.Request) dnsregtest.Fault {
			if q.Update {
				return dnsregtest.Fault{Rcode: dns.RcodeRefused}
			}
			return dnsregtest.Fault{}
		},
	})
	if err := w.server.Insert("h3.example.test. 300 CNAME other.example.test."); err != nil {
		t.Fatal(err)
	}
	w.table.Set(host("192.0.2.1")...)
	r := w.registrar(func(c *Config) {
		c.NoPTR, c.Servers = true, []string{copyAddr, serverAddr}
		for i := 1; i <= fewNames+1; i++ {
			c.Names = append(c.Names, HostName{Name: fmt.Sprintf("h%d.example.test", i)})
		}
	})
	if err := r.Sync(t.Context()); !errors.Is(err, ErrAlias) {
		t.Errorf("error %v, want ErrAlias", err)
	}
	w.wantRecords("h2.example.test", "192.0.2.1")
}

// A primary whose serial is never the one that it tells: the Registrar does without, and says so once.
func TestPinNotPossible(t *testing.T) {
	w := newWorld(t)
	refused := 0
	w.misbehave(func(q dnsregtest.Request) dnsregtest.Fault {
		if q.Update && tied(t, q) {
			refused++
			return dnsregtest.Fault{Rcode: dns.RcodeNXRrset}
		}
		return dnsregtest.Fault{}
	})
	r := w.registrar(func(c *Config) { c.NoPTR = true })
	for i := range 6 {
		addr := fmt.Sprintf("192.0.2.%d", 1+i)
		w.table.Set(host(addr)...)
		w.sync(r)
		w.holdsForward(addr)
	}
	if refused != 3 {
		t.Errorf("%d tied updates, want a guess and two more before it is given up", refused)
	}
}

// Replaying anything that was ever sent changes nothing, whatever the records have been meanwhile.
func TestReplayOfALife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := w.registrar()
		rng := rand.New(rand.NewPCG(1, 2))
		pool := []string{"192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"}
		var recorded []dnsregtest.Request
		contents := func() string {
			var all []string
			for _, z := range append([]string{"example.test"}, reverseZones...) {
				all = append(all, zoneText(w.server, z)...)
			}
			return strings.Join(all, "\n")
		}
		for i := range 60 {
			var lines []string
			for _, a := range pool {
				if rng.IntN(2) == 0 {
					lines = append(lines, a)
				}
			}
			w.table.Set(host(lines...)...)
			if i%20 == 19 {
				if err := r.Deregister(t.Context()); err != nil {
					t.Fatal(err)
				}
			} else {
				w.sync(r)
				w.holds(lines...)
			}
			recorded = append(recorded, w.sent()...)
			passTime((briefly + 1) * time.Second) // a first registration counts for so long
			before, changed := contents(), w.server.Stats().Changed
			for _, u := range recorded {
				w.replay(u.Raw)
			}
			if n := w.server.Stats().Changed - changed; n != 0 || contents() != before {
				t.Fatalf("after step %d, %v: %d of %d replayed updates changed a zone", i, lines, n, len(recorded))
			}
			w.sent()
		}
		if len(recorded) < 100 {
			t.Errorf("only %d updates", len(recorded))
		}
	})
}

// A server that was away is not asked for the serial before it gets what it has missed.
func TestPinSparesAServerThatWasAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.table.Set(host("192.0.2.1")...)
		r := w.registrar(func(c *Config) { c.NoPTR = true })
		w.sync(r)
		passTime(time.Hour)
		w.misbehave(func(dnsregtest.Request) dnsregtest.Fault { return dnsregtest.Fault{Drop: true} })
		w.table.Set(host("192.0.2.2")...)
		if err := r.Sync(t.Context()); err == nil {
			t.Fatal("no error")
		}
		w.misbehave(nil)
		w.sent()
		before := len(w.asked())
		w.sync(r)
		w.holdsForward("192.0.2.2")
		sent := w.sent()
		if n := len(w.asked()) - before; n != 0 || len(sent) != 1 || tied(t, sent[0]) || fudgeOf(t, sent[0]) != briefly {
			t.Errorf("%d queries, %d updates", n, len(sent))
		}
	})
}
