package dnsreg

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/hextet/hextet/dnsreg/dnsregtest"
)

// start runs the registrar until the returned function is called, which checks how it ended.
func (w *world) start(r *Registrar) (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() { result <- r.Run(ctx) }()
	return func() {
		w.t.Helper()
		cancel()
		if err := <-result; !errors.Is(err, context.Canceled) {
			w.t.Errorf("Run returned %v", err)
		}
	}
}

// pass lets bubble time go by and the registrar come to rest.
func passTime(d time.Duration) {
	timer := time.NewTimer(d)
	<-timer.C
	synctest.Wait()
}

func TestRunFollowsAFlag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.table.Set(host("192.0.2.1", "192.0.2.2")...)
		end := w.start(w.registrar())
		synctest.Wait()
		w.holds("192.0.2.1", "192.0.2.2")
		w.table.Set(host("192.0.2.1", "192.0.2.2 skip")...)
		passTime(debounceQuiet - 1)
		w.holds("192.0.2.1", "192.0.2.2")
		passTime(1)
		w.holds("192.0.2.1")
		end()
		w.holds("192.0.2.1") // stays
	})
}

func TestRunDebounces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.table.Set(host("192.0.2.1")...)
		defer w.start(w.registrar())()
		synctest.Wait()
		w.sent()
		for i := range 1000 { // a flap every 10 ms
			lines := []string{"192.0.2.1", fmt.Sprintf("192.0.2.%d", 2+i%200)}
			w.table.Set(host(lines...)...)
			passTime(10 * time.Millisecond)
		}
		passTime(debounceMax)
		w.holds("192.0.2.1", "192.0.2.201")
		perZone := make(map[string]int)
		for _, u := range w.sent() {
			perZone[u.Name]++
		}
		for zone, n := range perZone {
			if n > 12 {
				t.Errorf("%d messages to %s in 10 s, want at most 12", n, zone)
			}
		}
		if perZone["example.test."] < 9 {
			t.Errorf("messages %v: changes are not followed every second", perZone)
		}
	})
}

func TestRunRefreshLeavesTheSerial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.table.Set(host("192.0.2.1", "2001:db8::1")...)
		r := w.registrar()
		defer w.start(r)()
		synctest.Wait()
		w.sent()
		serial, queries := w.server.Serial("example.test"), w.server.Stats().Queries
		passTime(defaultRefresh * 89 / 100)
		if n := len(w.sent()); n != 0 {
			t.Errorf("%d messages before the refresh is due", n)
		}
		passTime(defaultRefresh * 11 / 100)
		if n := len(w.sent()); n != 3 {
			t.Errorf("%d messages for a refresh, want one for each zone", n)
		}
		if s := w.server.Serial("example.test"); s != serial {
			t.Errorf("serial went from %d to %d", serial, s)
		}
		if n := w.server.Stats().Queries; n != queries {
			t.Errorf("%d queries for a refresh", n-queries)
		}
		// Somebody removes the record: the next refresh puts it back.
		w.removeBehindItsBack("host.example.test. A 192.0.2.1")
		passTime(defaultRefresh)
		w.holds("192.0.2.1", "2001:db8::1")
	})
}

func (w *world) removeBehindItsBack(record string) {
	w.t.Helper()
	rr, err := dns.NewRR(record)
	if err != nil {
		w.t.Fatal(err)
	}
	m := new(dns.Msg)
	_, zone, _ := strings.Cut(rr.Header().Name, ".")
	m.SetUpdate(zone)
	m.Remove([]dns.RR{rr})
	key, err := TSIG(keyName, "", secret).Key(w.t.Context(), serverAddr)
	if err != nil {
		w.t.Fatal(err)
	}
	req, err := newRequest(serverAddr, m, key, time.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	w.replay(req.wire)
	w.sent()
}

func TestRunBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.table.Set(host("192.0.2.1")...)
		w.misbehave(func(dnsregtest.Request) dnsregtest.Fault { return dnsregtest.Fault{Rcode: dns.RcodeServerFailure} })
		r := w.registrar()
		defer w.start(r)()
		passTime(time.Hour)
		attempts := w.server.Stats().Queries // one SOA query each
		// 1 s doubled ten times is 17 min; full jitter halves on average. Far from both is a bug.
		if attempts < 8 || attempts > 60 {
			t.Errorf("%d attempts in an hour", attempts)
		}
		if z := r.Status().Zones[0]; z.Failures != attempts || time.Until(z.Next) > maxBackoff {
			t.Errorf("status %+v after %d attempts", z, attempts)
		}
		for i := range 100 { // changes of the addresses do not break the backoff
			w.table.Set(host(fmt.Sprintf("192.0.2.%d", i+1))...)
			passTime(debounceMax)
		}
		if n := w.server.Stats().Queries - attempts; n > 10 {
			t.Errorf("%d attempts for 100 changes", n)
		}
		w.misbehave(nil)
		passTime(maxBackoff)
		w.holds("192.0.2.100")
	})
}

// A Sync beside a sleeping Run fails: Run repeats it when Status says, not at the next refresh.
func TestRunRepeatsWhatSyncFailedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.table.Set(host("192.0.2.1")...)
		r := w.registrar()
		defer w.start(r)()
		synctest.Wait()
		w.misbehave(only("example.test.", dnsregtest.Fault{Rcode: dns.RcodeServerFailure}))
		serverError(t, r.Sync(t.Context()))
		w.misbehave(nil)
		passTime(time.Until(r.Status().Zones[0].Next))
		if z := r.Status().Zones[0]; z.Failures != 0 || z.Err != nil {
			t.Errorf("status %+v", z)
		}
	})
}

func TestRunForwardGoesOnWhileReverseFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.table.Set(host("192.0.2.1")...)
		w.misbehave(only("2.0.192.in-addr.arpa.", dnsregtest.Fault{Rcode: dns.RcodeRefused}))
		defer w.start(w.registrar())()
		passTime(20 * time.Minute) // the reverse zone is deep in its backoff
		w.table.Set(host("192.0.2.2")...)
		passTime(debounceQuiet)
		if got := fmt.Sprint(w.server.Records(hostName)); got != "[host.example.test. 1200 A 192.0.2.2]" {
			t.Errorf("forward %s", got)
		}
		w.misbehave(nil)
		passTime(maxBackoff)
		w.holds("192.0.2.2")
	})
}

// The reverse zone's server is silent: each attempt there takes seconds, and a flag is followed all the same.
func TestRunFollowsWhileReverseIsSilent(t *testing.T) {
	for name, silent := range map[string]func(dnsregtest.Request) bool{
		"updates":   func(q dnsregtest.Request) bool { return q.Update },
		"discovery": func(q dnsregtest.Request) bool { return q.Type == "SOA" },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.table.Set(host("192.0.2.1", "192.0.2.2", "2001:db8::1")...)
				w.misbehave(func(q dnsregtest.Request) dnsregtest.Fault {
					return dnsregtest.Fault{Drop: strings.HasSuffix(q.Name, ".arpa.") && silent(q)}
				})
				defer w.start(w.registrar())()
				passTime(firstTry / 2) // in the middle of an exchange
				w.table.Set(host("192.0.2.1", "192.0.2.2 skip", "2001:db8::1")...)
				passTime(debounceQuiet)
				if got := w.server.Records(hostName); len(got) != 2 {
					t.Errorf("the forward zone holds %v", got)
				}
				w.misbehave(nil)
				passTime(time.Minute)
				w.holds("192.0.2.1", "2001:db8::1")
			})
		})
	}
}

func TestRunWaitsForRoomAfterTooMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.table.Set(host("192.0.2.1", "192.0.2.2")...)
		defer w.start(w.registrar(func(c *Config) { c.MaxAddresses = 1 }))()
		passTime(time.Hour)
		if s := w.server.Stats(); s.Updates != 0 || s.Queries > 7 { // the zones, and what is there
			t.Errorf("%+v", s)
		}
		w.table.Set(host("192.0.2.1", "192.0.2.2 skip")...)
		passTime(debounceQuiet)
		w.holds("192.0.2.1")
	})
}

// manualClock passes time when told to, and says when a timer is set.
type manualClock struct {
	mu     sync.Mutex
	now    time.Time
	timers map[int]manualTimer
	last   int
	set    chan time.Duration
}

type manualTimer struct {
	at time.Time
	f  func()
}

func newManualClock() *manualClock {
	return &manualClock{now: time.Now(), timers: make(map[int]manualTimer), set: make(chan time.Duration, 1024)}
}

func (c *manualClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *manualClock) AfterFunc(d time.Duration, f func()) func() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last++
	id := c.last
	c.timers[id] = manualTimer{c.now.Add(d), f}
	c.set <- d
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, pending := c.timers[id]
		delete(c.timers, id)
		return pending
	}
}

func (c *manualClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	for id, t := range c.timers {
		if !t.at.After(c.now) {
			delete(c.timers, id)
			go t.f()
		}
	}
}

// await returns when a timer of about this length is set.
func (c *manualClock) await(t *testing.T, shortest, longest time.Duration) {
	t.Helper()
	for {
		select {
		case d := <-c.set:
			if d >= shortest && d <= longest {
				return
			}
		case <-t.Context().Done():
			t.Fatal("no such timer")
		}
	}
}

// Everything that waits does so on Config.Clock: this one stands still unless told.
func TestRunOnAManualClock(t *testing.T) {
	clock := newManualClock()
	w := newWorld(t)
	w.table.Set(host("192.0.2.1", "192.0.2.2")...)
	r := w.registrar(func(c *Config) { c.Clock = clock })
	end := w.start(r)
	clock.await(t, defaultRefresh*9/10, defaultRefresh)
	w.holds("192.0.2.1", "192.0.2.2")
	w.table.Set(host("192.0.2.1", "192.0.2.2 skip")...)
	clock.await(t, debounceQuiet, debounceQuiet)
	clock.advance(debounceQuiet)
	clock.await(t, defaultRefresh*8/10, defaultRefresh)
	w.holds("192.0.2.1")
	w.misbehave(func(q dnsregtest.Request) dnsregtest.Fault { return dnsregtest.Fault{Drop: true} })
	clock.advance(defaultRefresh)
	for range 2 { // the zone is a day old: it is looked up, and does without; then the update
		for _, wait := range []time.Duration{firstTry, 2 * firstTry} { // retransmissions
			clock.await(t, wait, wait)
			clock.advance(wait)
		}
		clock.await(t, 4*firstTry, 4*firstTry)
		clock.advance(defaultTimeout - 3*firstTry)
	}
	clock.await(t, minBackoff, 2*minBackoff)
	if z := r.Status().Zones[0]; !errors.Is(z.Err, errTimeout) {
		t.Errorf("status %+v", z)
	}
	end()
	clock.mu.Lock()
	defer clock.mu.Unlock()
	if len(clock.timers) != 0 {
		t.Errorf("%d timers are left", len(clock.timers))
	}
}

func TestBackoffStaysInItsBounds(t *testing.T) {
	for failures := 1; failures < 70; failures++ {
		var seen []time.Duration
		for range 200 {
			seen = append(seen, backoff(diceOf(hostClock{}), failures))
		}
		window := min(maxBackoff, minBackoff<<min(failures, 20))
		if lo, hi := slices.Min(seen), slices.Max(seen); lo < minBackoff || hi > window || hi < window/2 {
			t.Errorf("after %d failures from %v to %v, window %v", failures, lo, hi, window)
		}
	}
}

// A zone whose server was silent comes last: it must not keep the others waiting again.
func TestFailingZoneComesLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "a.test")
		r := w.registrar(func(c *Config) { c.Names, c.NoPTR = []HostName{{Name: "host.a.test"}}, true })
		w.table.Set(host("192.0.2.1")...)
		w.sync(r)
		w.misbehave(only("a.test.", dnsregtest.Fault{Drop: true}))
		for i, want := range []string{"a.test.", "example.test."} {
			w.sent()
			w.table.Set(host(fmt.Sprintf("192.0.2.%d", 2+i))...)
			if err := r.Sync(t.Context()); err == nil {
				t.Error("no error")
			}
			if sent := w.sent(); len(sent) < 2 || sent[0].Name != want {
				t.Errorf("pass %d: the first of %d updates went to %s, want %s", i, len(sent), sent[0].Name, want)
			}
		}
	})
}
