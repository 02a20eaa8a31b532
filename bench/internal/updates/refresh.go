package updates

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/bench/internal/suite"
	"github.com/hextet/hextet/dnsreg"
	"github.com/hextet/hextet/dnsreg/dnsregtest"
)

// refreshes is how often the records are confirmed.
const refreshes = 10

// A steadiness is what reached the zones, and became of them, while a host's records were
// confirmed.
type steadiness struct {
	steps           uint32 // of the serials, all zones together
	messages, bytes int    // of updates
}

// openRefresh has the figures of a host with a thousand addresses of each family, of which
// one speaks and nothing changes.
func openRefresh(ctx context.Context) *suite.Bench {
	var s steadiness
	figure := func(name, unit string, goal report.Goal, of func() float64) suite.Count {
		return suite.Count{Name: name, Unit: unit, Goal: goal, Get: func() (float64, error) { return of(), nil }}
	}
	return &suite.Bench{
		Check: func() (err error) {
			s, err = steady(ctx, func(*host) {})
			return err
		},
		Counts: []suite.Count{
			figure("serial", "steps", report.Goal{Kind: report.Total}, func() float64 { return float64(s.steps) }),
			figure("messages", "msg", report.Goal{}, func() float64 { return float64(s.messages) / refreshes }),
			figure("bytes", "B", report.Goal{}, func() float64 { return float64(s.bytes) / refreshes }),
		},
	}
}

// steady registers a host, and confirms its records as Run does once a day: each Sync finds
// that it is time to. between is called before each of them.
func steady(ctx context.Context, between func(*host)) (s steadiness, err error) {
	seen := newTally()
	memory, address, err := watched(hostZones, seen.count)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, memory.Close()) }()
	h, err := newHost(&server{address: address}, hostName, func(c *dnsreg.Config) { c.Refresh = time.Nanosecond })
	if err != nil {
		return s, err
	}
	h.table.Set(population(thousand, true)...)
	if err := h.registrar.Sync(ctx); err != nil {
		return s, err
	}
	first, registered := memory.Stats(), serials(memory)
	for range refreshes {
		seen.reset()
		between(h)
		if err := errors.Join(h.registrar.Sync(ctx), seen.all(hostZones)); err != nil {
			return s, err
		}
	}
	last := memory.Stats()
	for i, now := range serials(memory) {
		s.steps += now - registered[i]
	}
	s.messages, s.bytes = last.Updates-first.Updates, last.UpdateBytes-first.UpdateBytes
	return s, nil
}

// A tally knows the zones that updates were for.
type tally struct {
	mu    sync.Mutex
	zones map[string]bool
}

func newTally() *tally { return &tally{zones: make(map[string]bool)} }

// count is a hook that leaves requests alone.
func (t *tally) count(r dnsregtest.Request) (none dnsregtest.Fault) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r.Update {
		t.zones[strings.TrimSuffix(r.Name, ".")] = true
	}
	return none
}

func (t *tally) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.zones)
}

// all says which of zones had no update since reset.
func (t *tally) all(zones []string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, z := range zones {
		if !t.zones[z] {
			return fmt.Errorf("updates: %s has no update: not all is confirmed", z)
		}
	}
	return nil
}

// serials are those of hostZones, in their order.
func serials(s *dnsregtest.Server) (all []uint32) {
	for _, z := range hostZones {
		all = append(all, s.Serial(z))
	}
	return all
}
