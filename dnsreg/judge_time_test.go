package dnsreg

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/hextet/hextet/dnsreg/dnsregtest"
)

// flaps are ways in which addresses come and go: each returns the host's addresses after the i-th flap.
var flaps = map[string]func(rng *rand.Rand, i int) []string{
	"one flag": func(_ *rand.Rand, i int) []string {
		return []string{"192.0.2.1", "2001:db8::1", []string{"192.0.2.2", "192.0.2.2 skip"}[i%2]}
	},
	"another address each time": func(_ *rand.Rand, i int) []string {
		return []string{"192.0.2.1", fmt.Sprintf("192.0.2.%d", 2+i%200), fmt.Sprintf("2001:db8::%x", 1+i)}
	},
	"all come and go": func(_ *rand.Rand, i int) []string {
		return []string{"192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"}[:4*(i%2)]
	},
	"anything": func(rng *rand.Rand, _ int) (lines []string) {
		for n := range 6 {
			for _, a := range []string{"192.0.2.%d", "2001:db8::%d"} {
				a = fmt.Sprintf(a, n) + []string{"", " skip", " deprecated", " tentative", " temporary"}[rng.IntN(5)]
				if rng.IntN(2) == 0 {
					lines = append(lines, a)
				}
			}
		}
		return lines
	},
}

// rhythms are the times of 1,000 flaps in ten seconds.
var rhythms = map[string]func(rng *rand.Rand) []time.Duration{
	"even": func(*rand.Rand) (at []time.Duration) {
		for i := range 1000 {
			at = append(at, time.Duration(i)*10*time.Millisecond)
		}
		return at
	},
	"random": func(rng *rand.Rand) (at []time.Duration) {
		for range 1000 {
			at = append(at, time.Duration(rng.Int64N(int64(10*time.Second))))
		}
		return at
	},
	// The worst for who waits until it is quiet: bursts with just so much quiet between them.
	"bursts": func(*rand.Rand) (at []time.Duration) {
		for i := range 1000 {
			at = append(at, time.Duration(i/25)*debounceQuiet+time.Duration(i%25))
		}
		return at
	},
	"bursts and pauses": func(rng *rand.Rand) (at []time.Duration) {
		for burst := range 20 {
			for range 50 {
				at = append(at, time.Duration(burst)*500*time.Millisecond+time.Duration(rng.Int64N(int64(240*time.Millisecond))))
			}
		}
		return at
	},
}

// A thousand flaps in ten seconds are at most 12 messages to each zone, whatever flaps and when, and soon
// after the last one all is right.
func TestJudgeFlaps(t *testing.T) {
	const most = 12
	for kind, flap := range flaps {
		for rhythm, times := range rhythms {
			t.Run(kind+"/"+rhythm, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					rng := rand.New(rand.NewPCG(12, 0))
					w := newWorld(t)
					w.table.Set(host("192.0.2.1", "2001:db8::1")...)
					defer w.start(w.registrar())()
					synctest.Wait()
					w.sent()
					at, start := times(rng), time.Now()
					slices.Sort(at)
					for i, d := range at {
						if d -= time.Since(start); d > 0 {
							passTime(d)
						}
						w.table.Set(host(flap(rng, i)...)...)
					}
					passTime(debounceMax)
					var want []string
					addrs, _ := w.table.Addresses()
					for _, a := range addrs {
						if ok, _ := Eligible(a); ok {
							want = append(want, a.Prefix.Addr().String())
						}
					}
					w.holds(want...)
					perZone := make(map[string]int)
					for _, u := range w.sent() {
						perZone[u.Name]++
					}
					for zone, n := range perZone {
						if n > most {
							t.Errorf("%d messages to %s, want at most %d", n, zone, most)
						}
					}
				})
			})
		}
	}
}

// The most attempts that an hour of failures may see. The first is at once. Each later one waits for a time
// drawn evenly from a window, of 2 s after the first failure, then twice as long each time, up to
// 600 s after the tenth. If k of the waits from the whole window fit into the hour, then the sum
// of k draws from 0 to 1 is at most 6, which has a probability of at most 6^k/k!: for k = 28 that is 2e-8. So
// there are, but for such luck, at most 1 + 9 + 28 attempts. (Only the minimum of a second is sure: 3600.)
const (
	attemptsPerHour = 1 + 9 + 28
	// A message over UDP is sent at 0, 1 and 3 s, and given up at 5.
	messagesPerAttempt = 3
)

// A server that is away for an hour hears no more than the backoff allows, and everything is right when the
// longest wait is over after its return.
func TestJudgeOutage(t *testing.T) {
	for name, away := range map[string]struct {
		fault dnsregtest.Fault
		most  int
	}{
		"silent":   {dnsregtest.Fault{Drop: true}, attemptsPerHour * messagesPerAttempt},
		"SERVFAIL": {dnsregtest.Fault{Rcode: dns.RcodeServerFailure}, attemptsPerHour},
		"REFUSED":  {dnsregtest.Fault{Rcode: dns.RcodeRefused}, attemptsPerHour},
	} {
		for _, change := range []string{"no change", "changes", "from the start"} {
			t.Run(name+"/"+change, func(t *testing.T) {
				for range 30 {
					synctest.Test(t, func(t *testing.T) { judgeOutage(t, away.fault, away.most, change) })
				}
			})
		}
	}
}

func judgeOutage(t *testing.T, fault dnsregtest.Fault, most int, change string) {
	w := newWorld(t)
	w.table.Set(host("192.0.2.1", "192.0.2.9", "2001:db8::1")...)
	away := func(dnsregtest.Request) dnsregtest.Fault { return fault }
	if change == "from the start" {
		w.misbehave(away)
	}
	r := w.registrar()
	defer w.start(r)()
	synctest.Wait()
	w.misbehave(away)
	w.table.Set(host("192.0.2.2", "192.0.2.9", "2001:db8::1")...)
	before := w.server.Stats()
	left := time.Hour
	for i := 0; change == "changes" && i < 100; i++ { // none of which is a reason to try again
		d := rand.N(time.Minute)
		passTime(d)
		left -= d
		w.table.Set(host(fmt.Sprintf("192.0.2.%d", 100+i), "192.0.2.9", "2001:db8::1")...)
	}
	passTime(left)
	after := w.server.Stats()
	if n := after.Queries + after.Updates - before.Queries - before.Updates; n > most {
		t.Errorf("%d messages in the hour, want at most %d", n, most)
	}
	w.table.Set(host("192.0.2.3", "192.0.2.9 skip", "2001:db8::1")...)
	w.misbehave(nil)
	passTime(10*time.Minute + 5*time.Second) // an attempt may be under way when the server comes back
	w.holds("192.0.2.3", "2001:db8::1")
	for _, z := range r.Status().Zones {
		if z.Err != nil || z.Failures != 0 {
			t.Errorf("status %+v", z)
		}
	}
}
