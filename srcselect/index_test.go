package srcselect

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
)

// The slow twin of the index is a snapshot that is a list, however long: it scans.
func twinOf(cfg *Config, list []Address) *snapshot {
	twin := &snapshot{cfg: cfg}
	for i := range list {
		twin.list = append(twin.list, record{cfg.candidateOf(&list[i]), uint64(i), list[i]})
	}
	return twin
}

// sameAnswer compares all that a choice says: the address, its key, the rule and,
// where there is none, the error.
func sameAnswer(snap, twin *snapshot, q Query) error {
	var D destination
	if err := D.resolve(snap.cfg, &q); err != nil {
		return err
	}
	E := D
	got, want := snap.choose(&q, &D), twin.choose(&q, &E)
	switch {
	case (got.source == nil) != (want.source == nil):
		return fmt.Errorf("chose %+v, want %+v", got.source, want.source)
	case got.source == nil:
		var a, b *NoSourceError
		if !errors.As(snap.noSource(&q, &D), &a) || !errors.As(twin.noSource(&q, &E), &b) || !reflect.DeepEqual(a, b) {
			return fmt.Errorf("error %v, want %v", a, b)
		}
	case !reflect.DeepEqual(got.source.address, want.source.address) || got.source.candidate != want.source.candidate:
		return fmt.Errorf("chose %+v by %v, want %+v by %v", got.source.address, got.rule, want.source.address, want.rule)
	case got.key != want.key || got.rule != want.rule:
		return fmt.Errorf("chose %v with key %#x by %v, want key %#x by %v", got.source.address.Prefix, got.key, got.rule, want.key, want.rule)
	}
	return nil
}

// history runs a crowded world of about n addresses: changes of all kinds, each
// followed by queries, and says how many queries the index and its twin agreed on.
func (w *world) history(n, changes, queries int) (agreed int, err error) {
	w.crowd = true
	if err := w.populate(n); err != nil {
		return 0, err
	}
	for i := range changes {
		if err := w.mutate(); err != nil {
			return agreed, err
		}
		if i%16 == 7 {
			w.cfg.Policy = []Policy{DefaultPolicy(), UpdatePolicy(), policyOf()}[w.IntN(3)]
			w.s.SetPolicy(w.cfg.Policy)
		}
		snap := w.s.load()
		if err := snap.check(); err != nil {
			return agreed, err
		}
		twin := twinOf(&w.cfg, w.list)
		for range queries {
			q := w.query()
			if err := sameAnswer(snap, twin, q); err != nil {
				return agreed, fmt.Errorf("%v, %+v, %d addresses: %w", q, w.cfg, len(w.list), err)
			}
			agreed++
		}
		if got := w.s.Addresses(); len(got)+len(w.list) > 0 && !reflect.DeepEqual(got, w.list) {
			return agreed, fmt.Errorf("addresses %v, want %v", got, w.list)
		}
	}
	return agreed, nil
}

// populate adds n addresses at once.
func (w *world) populate(n int) error {
	type slot struct{ addr, iface string }
	seen := make(map[slot]bool)
	for range n {
		a := w.address()
		plain := unmapPlainly(a)
		if k := (slot{plain.Prefix.Addr().String(), fmt.Sprint(a.Interface)}); !seen[k] {
			seen[k] = true
			w.list = append(w.list, plain)
		}
	}
	return w.s.Add(w.list...)
}

// The index chooses as the scan does, over histories of additions, removals, changes
// of flags and of the policy: 100,000 queries, with -long 1,000,000. Mostly of up to
// 300 addresses, some of about 10,000.
//
//	go test ./srcselect -run 'IndexAgainstScan|Triples|Readers' -long -timeout 30m
func TestIndexAgainstScan(t *testing.T) {
	want := 100_000
	switch {
	case *long:
		want = 1_000_000
	case testing.Short():
		want = 10_000
	}
	agreed := 0
	for seed := uint64(0); agreed < want; seed++ {
		w := newWorld(seed)
		n, changes, queries := 1+w.IntN(300), 40, 10
		if seed%100 == 99 {
			n, changes, queries = 10_000, 20, 100
		}
		got, err := w.history(n, changes, queries)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		agreed += got
	}
}

// An index that shrinks to nothing and grows again, one address at a time, in any
// order.
func TestIndexEmptied(t *testing.T) {
	for seed := range uint64(20) {
		w := newWorld(seed)
		w.crowd = true
		if err := w.populate(120); err != nil {
			t.Fatal(err)
		}
		all := slices.Clone(w.list)
		for range 2 {
			w.Shuffle(len(w.list), func(i, j int) { all[i], all[j] = all[j], all[i] })
			for _, a := range all {
				if !w.s.Remove(a.Interface, a.Prefix.Addr()) {
					t.Fatalf("seed %d: %v was not there", seed, a.Prefix)
				}
				w.list = slices.DeleteFunc(w.list, func(b Address) bool { return reflect.DeepEqual(a, b) })
				w.mustAgree(t, seed)
			}
			if got := w.s.load(); got.index != (index{}) || len(got.list) != 0 {
				t.Fatalf("seed %d: left over: %+v", seed, got)
			}
			for _, a := range all {
				if err := w.s.Add(a); err != nil {
					t.Fatal(err)
				}
				w.list = append(w.list, a)
				w.mustAgree(t, seed)
			}
		}
	}
}

func (w *world) mustAgree(t *testing.T, seed uint64) {
	t.Helper()
	snap := w.s.load()
	if err := snap.check(); err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	q := w.query()
	if err := sameAnswer(snap, twinOf(&w.cfg, w.list), q); err != nil {
		t.Fatalf("seed %d: %v: %v", seed, q, err)
	}
}

// Rule 1 has someone to put out only where there is another candidate. The outgoing
// interface's addresses, which an index of many interfaces holds twice, count once.
func TestOnlyCandidateOfManyInterfaces(t *testing.T) {
	for _, more := range []int{0, 1} {
		s := NewSelector(Config{AnyInterface: true})
		for i := range 3 * fewInterfaces {
			if err := s.Add(Address{Prefix: hostPrefix("2001:db8::", i, 64), Interface: 1 + i}); err != nil {
				t.Fatal(err)
			}
		}
		ipv4 := addresses(t, "192.0.2.1 if3", "192.0.2.2 if4")
		if err := s.Add(ipv4[:1+more]...); err != nil {
			t.Fatal(err)
		}
		want := []Rule{RuleOnly, RuleSameAddress}[more]
		if _, r := mustSelect(t, s, Query{Destination: ipv4[0].Prefix.Addr(), Interface: 3}); r.Rule != want {
			t.Errorf("with %d more: by %v, want %v", more, r.Rule, want)
		}
	}
}
