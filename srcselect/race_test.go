package srcselect

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
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
// that snapshot finds.
func TestReadersAgreeWithScan(t *testing.T) {
	for _, ifaces := range []int{2, 3 * fewInterfaces} {
		w := newWorld(uint64(ifaces))
		w.crowd, w.ifaces = true, ifaces
		if err := w.populate(200); err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		var readers sync.WaitGroup
		for i := range 3 {
			asking := newWorld(uint64(i)) // for its queries only
			asking.crowd, asking.ifaces = true, ifaces
			readers.Go(func() {
				for {
					snap, q := w.s.load(), asking.query()
					if err := sameAnswer(snap, &snapshot{cfg: snap.cfg, list: records(snap)}, q); err != nil {
						t.Errorf("%v: %v", q, err)
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
		for range 1500 {
			if err := w.mutate(); err != nil {
				t.Error(err)
			}
		}
		close(done)
		readers.Wait()
	}
}
