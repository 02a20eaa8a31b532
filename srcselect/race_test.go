package srcselect

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// Readers see each Add whole or not at all: a writer moves the flag to and fro
// between two addresses, so that exactly one of them may speak at any moment, while
// others come and go.
func TestConcurrentReadersAndWriters(t *testing.T) {
	s := selectorWith(t, Config{}, "2001:db8::1", "2001:db8::2 skip")
	one, two := addresses(t, "2001:db8::1")[0], addresses(t, "2001:db8::2")[0]
	done := make(chan struct{})
	var readers, writers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for {
				if err := readOnce(s); err != nil {
					t.Error(err)
					return
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	writers.Go(func() {
		for i := range 2000 {
			one.SkipAsSource, two.SkipAsSource = i%2 == 0, i%2 == 1
			if err := s.Add(one, two); err != nil {
				t.Error(err)
			}
		}
	})
	writers.Go(func() {
		for i := range 2000 {
			a := Address{Prefix: netip.MustParsePrefix(fmt.Sprintf("2001:db8:9::%x/64", 1+i%50)), Interface: 2}
			if err := s.Add(a); err != nil {
				t.Error(err)
			}
			if i%3 == 0 && !s.Remove(2, a.Prefix.Addr()) {
				t.Errorf("%v was not there", a.Prefix)
			}
		}
	})
	writers.Wait()
	close(done)
	readers.Wait()
}

func readOnce(s *Selector) error {
	r, err := s.Select(to("2001:db8::9"))
	if err != nil || r.Address.SkipAsSource || r.Rule != RuleOnly {
		return fmt.Errorf("%+v: %w", r, err)
	}
	if e := s.Explain(to("2001:db8::9")); e.Err != nil || e.Rule != RuleOnly || !e.Candidates[0].Chosen {
		return errors.New(e.String())
	}
	speaking := 0
	for _, a := range s.Addresses() {
		if a.Interface == 1 && !a.SkipAsSource {
			speaking++
		}
	}
	if ds := s.SortDestinations([]Query{to("2001:db8::9"), to("fe80::9")}); speaking != 1 || ds[0].Err != nil || ds[1].Err != nil {
		return fmt.Errorf("%d addresses speak; destinations %+v", speaking, ds)
	}
	return nil
}

// Readers of an index that changes under them find in each snapshot what a scan of
// that snapshot finds: 40,000 queries, with -long 1,000,000, and 300 changes at least.
func TestReadersAgreeWithScan(t *testing.T) {
	const worlds, readers = 4, 2
	want := 40_000
	switch {
	case *long:
		want = 1_000_000
	case testing.Short():
		want = 8_000
	}
	for seed := range uint64(worlds) {
		w := newWorld(seed)
		w.crowd, w.ifaces = true, []int{2, 3 * fewInterfaces}[seed%2]
		if err := w.populate(200); err != nil {
			t.Fatal(err)
		}
		var changes, reading atomic.Int64
		reading.Store(readers)
		var wait sync.WaitGroup
		for i := range uint64(readers) {
			asking := newWorld(1000*seed + i) // for its queries only
			asking.crowd, asking.ifaces = true, w.ifaces
			wait.Go(func() {
				defer reading.Add(-1)
				for asked := 0; asked < want/worlds/readers || changes.Load() < 300; asked += 8 {
					if err := asking.readSnapshot(w.s.load(), 8); err != nil {
						t.Errorf("seed %d: %v", seed, err)
						return
					}
				}
			})
		}
		for ; reading.Load() > 0; changes.Add(1) {
			if err := w.changeOne(400); err != nil {
				t.Error(err)
			}
		}
		wait.Wait()
	}
}

// readSnapshot asks n questions of one snapshot and its twin.
func (w *world) readSnapshot(snap *snapshot, n int) error {
	twin := &snapshot{cfg: snap.cfg, list: records(snap)}
	for range n {
		q := w.query()
		if i := w.IntN(4 * len(twin.list)); i < len(twin.list) {
			q.Destination = twin.list[i].address.Prefix.Addr() // for rule 1
		}
		if err := sameAnswer(snap, twin, q); err != nil {
			return fmt.Errorf("%v: %w", q, err)
		}
	}
	return nil
}

// changeOne is mutate, but removes the oldest address where there are most of them.
func (w *world) changeOne(most int) error {
	if len(w.list) < most {
		return w.mutate()
	}
	a := w.list[0]
	w.list = slices.Delete(w.list, 0, 1)
	if !w.s.Remove(a.Interface, a.Prefix.Addr()) {
		return fmt.Errorf("%v was not there", a.Prefix)
	}
	return nil
}
