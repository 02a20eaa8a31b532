package updates

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/suite"
	"github.com/hextet/hextet/dnsreg/dnsregtest"
	"github.com/hextet/hextet/internal/peertest"
	"github.com/hextet/hextet/srcselect"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// there skips the test, or fails it, if what it needs is not there.
func there(t *testing.T, err error) {
	t.Helper()
	if u, ok := errors.AsType[*suite.UnavailableError](err); ok {
		peertest.DNS.Missing(t, "a server or nsupdate", u)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Every case that is not too long is set up, checked, and runs.
func TestCases(t *testing.T) {
	peertest.DNS.Off(t)
	for _, c := range Cases(false) {
		if strings.HasSuffix(c.Name, "00") || strings.HasPrefix(c.Name, "dnsreg/1000/") && testing.Short() {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			b, err := c.Open(t.Context())
			there(t, err)
			if b.Close != nil {
				defer b.Close()
			}
			if b.Check != nil {
				if err := b.Check(); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := measure.Run(t.Context(), measure.Config{Rounds: 1, Round: time.Microsecond}, b.Contenders...); err != nil {
				t.Fatal(err)
			}
			for _, count := range b.Counts {
				if v, err := count.Get(); err != nil || v <= 0 && count.Name != "serial" {
					t.Errorf("%s: %v, %v", count.Name, v, err)
				}
			}
			if b.Err == nil {
				return
			}
			if err := b.Err(); err != nil {
				t.Error(err)
			}
		})
	}
}

// Both send one message for a change and ask nothing, and both messages say as much.
func TestMessagesAreAlike(t *testing.T) {
	peertest.DNS.Off(t)
	var mu sync.Mutex
	var seen []dnsregtest.Request
	taken := func() []dnsregtest.Request {
		mu.Lock()
		defer mu.Unlock()
		defer func() { seen = nil }()
		return seen
	}
	s, err := dnsregtest.New(dnsregtest.Config{
		Zones: []string{"zone0.test"}, Keys: map[string][]byte{keyName: secret},
		Fault: func(q dnsregtest.Request) dnsregtest.Fault {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, q)
			return dnsregtest.Fault{}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	address, err := s.Listen("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	at := &server{address, s.Close}
	o, err := newOurs(t.Context(), at, []string{"ours.zone0.test"})
	if err != nil {
		t.Fatal(err)
	}
	tools, err := newToolbox(at)
	there(t, err)
	defer tools.close()
	peer, err := newSessions(t.Context(), tools, []string{"peer.zone0.test"})
	there(t, err)
	e := &each{ctx: t.Context(), tools: tools, name: "each.zone0.test"}
	var messages [3][]dnsregtest.Request
	for i, c := range []changer{o, peer, e} {
		c.change(1)
		taken()
		c.change(3)
		if _, err := c.now(); err != nil {
			t.Fatal(err)
		}
		messages[i] = taken()
	}
	if err := peer.close(); err != nil {
		t.Fatal(err)
	}
	for i, m := range messages {
		if len(m) != 3 || !m[2].Update || m[2].Network != "udp" {
			t.Fatalf("contender %d sent %d messages", i, len(m))
		}
		const prerequisites, changes = 7, 9 // the low octets of the counts in the header
		if raw := m[2].Raw; raw[prerequisites] != 1 || raw[changes] != 2 {
			t.Errorf("contender %d: %d prerequisites, %d changes", i, raw[prerequisites], raw[changes])
		}
	}
}

// A name that somebody else has changed is noticed, by ours, by nsupdate, and by the check.
func TestRateNotices(t *testing.T) {
	peertest.DNS.Off(t)
	open := func(t *testing.T) (*rate, *suite.Bench) {
		r, b, err := openRate(t.Context(), kinds()[0], false, oursTeam(1, 1), sessionsTeam(1, 1), eachTeam())
		there(t, err)
		if err := b.Check(); err != nil {
			t.Fatal(err)
		}
		return r, b
	}
	t.Run("address", func(t *testing.T) {
		r, b := open(t)
		defer b.Close()
		if err := r.tools.once(t.Context(), "zone zone0.test\nupdate add host0-0.zone0.test 1200 A 192.0.2.1\nsend\n"); err != nil {
			t.Fatal(err)
		}
		if err := b.Err(); err == nil || !strings.HasPrefix(err.Error(), "hextet: updates: host0-0.zone0.test is at") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("session", func(t *testing.T) {
		r, b := open(t)
		r.changers[1].(*sessions).each[0].at++
		r.changers[1].change(1)
		if err := b.Err(); err == nil || !strings.HasPrefix(err.Error(), "nsupdate: updates: host1-0.zone1.test is at") {
			t.Errorf("got %v", err)
		}
		if err := r.close(); err == nil || !strings.Contains(err.Error(), "NXRRSET") {
			t.Errorf("closed with %v", err)
		}
	})
	t.Run("process", func(t *testing.T) {
		r, b := open(t)
		defer b.Close()
		r.changers[2].(*each).at++
		r.changers[2].change(1)
		if err := b.Err(); err == nil || !strings.Contains(err.Error(), "NXRRSET") {
			t.Errorf("got %v", err)
		}
	})
}

// Zones that differ by a record are not the same.
func TestSame(t *testing.T) {
	a, err := register(t.Context(), 3, false)
	if err != nil {
		t.Fatal(err)
	}
	b, err := plainly(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	if err := same("all", a, b); err != nil {
		t.Error(err)
	}
	if n := pointers(a.records); n != 6 {
		t.Errorf("%d pointers", n)
	}
	b.records = slices.Clone(b.records)
	b.records[len(b.records)-1].TTL++
	if err := same("all", a, b); err == nil {
		t.Error("no error")
	}
}

// Of the population, one of each family speaks once it is flagged.
func TestPopulation(t *testing.T) {
	table := population(thousand, true)
	speakers := slices.DeleteFunc(slices.Clone(table), func(a srcselect.Address) bool { return a.SkipAsSource })
	if len(table) != 2*thousand || len(speakers) != 2 || !speakers[0].Prefix.Addr().Is4() || !speakers[1].Prefix.Addr().Is6() {
		t.Errorf("%d addresses, %v", len(table), speakers)
	}
}

// A zone that nobody confirms is noticed, also if another is confirmed twice.
func TestTally(t *testing.T) {
	seen := newTally()
	for _, last := range []string{hostZones[1], hostZones[2]} {
		seen.reset()
		for _, z := range []string{hostZones[0], hostZones[1], last} {
			seen.count(dnsregtest.Request{Update: true, Name: z + "."})
		}
		seen.count(dnsregtest.Request{Name: hostZones[2]})
		if err := seen.all(hostZones); (err == nil) != (last == hostZones[2]) {
			t.Errorf("updates for %s, %s and %s: %v", hostZones[0], hostZones[1], last, err)
		}
	}
}

// The serials stand still while nothing changes, and are seen to go on with what does.
func TestSteady(t *testing.T) {
	still, err := steady(t.Context(), func(*host) {})
	if err != nil || still.steps != 0 {
		t.Errorf("%+v, %v", still, err)
	}
	turn := 0
	moves, err := steady(t.Context(), func(h *host) {
		turn++
		table := population(thousand, true)
		table[0].SkipAsSource, table[turn%2].SkipAsSource = true, false
		h.table.Set(table...)
	})
	if err != nil || moves.steps < refreshes {
		t.Errorf("%+v, %v", moves, err)
	}
}
