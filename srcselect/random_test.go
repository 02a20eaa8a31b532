package srcselect

import (
	"errors"
	"flag"
	"fmt"
	"reflect"
	"testing"
)

var long = flag.Bool("long", false, "make the random tests as long as their claims: a million cases")

// run changes the world and asks, and returns the first disagreement between the
// Selector and the reference.
func (w *world) run(ref *reference, changes, queries int) error {
	for range changes {
		if err := w.mutate(); err != nil {
			return err
		}
		for range queries {
			q := w.query()
			if err := w.ask(ref, q); err != nil {
				return fmt.Errorf("%v, %+v: %w\naddresses: %+v", q, w.cfg, err, w.list)
			}
		}
	}
	return nil
}

func (w *world) ask(ref *reference, q Query) error {
	want := ref.choose(w.list, q)
	got, err := w.s.Select(q)
	switch {
	case err != nil && !errors.Is(err, ErrNoSource):
		return err
	case want.ok != (err == nil):
		return fmt.Errorf("error %v, want %+v", err, want)
	case !want.ok:
		return nil
	case !reflect.DeepEqual(got.Address, want.address):
		return fmt.Errorf("chose %+v by %v, want %+v by %v", got.Address, got.Rule, want.address, want.rule)
	case got.Rule != want.rule || got.Tied != want.tied:
		return fmt.Errorf("chose %v by %v (tied %v), want %v (tied %v)", got.Address.Prefix, got.Rule, got.Tied, want.rule, want.tied)
	}
	return nil
}

// 100,000 queries over 400 histories of additions, replacements, flag changes and
// removals.
func TestAgainstReference(t *testing.T) {
	worlds := uint64(400)
	if testing.Short() {
		worlds = 40
	}
	rules := make(map[Rule]int)
	for seed := range worlds {
		w := newWorld(seed)
		if err := w.run(&reference{cfg: w.cfg}, 50, 5); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for range 20 {
			if r, err := w.s.Select(w.query()); err == nil {
				rules[r.Rule]++
			}
		}
		if got := w.s.Addresses(); len(got)+len(w.list) > 0 && !reflect.DeepEqual(got, w.list) {
			t.Fatalf("seed %d: addresses %v, want %v", seed, got, w.list)
		}
	}
	for r := RuleExplicit; r <= RuleLowest; r++ {
		if rules[r] == 0 {
			t.Errorf("no random query was decided by %v: the comparison says nothing about it", r)
		}
	}
}

// The comparison above has the power to find each mistake of the list.
func TestReferenceNoticesMutants(t *testing.T) {
	for _, broken := range mutants {
		t.Run(broken, func(t *testing.T) {
			for seed := range uint64(400) {
				w := newWorld(seed)
				if w.run(&reference{cfg: w.cfg, broken: broken}, 50, 5) != nil {
					return
				}
			}
			t.Error("not noticed")
		})
	}
}

// Antisymmetric, transitive, total, and the same as the reference, over triples of
// addresses of all scopes, labels and flags.
func TestOrderOfTriples(t *testing.T) {
	n := 200_000
	if *long {
		n = 1_000_000
	} else if testing.Short() {
		n = 20_000
	}
	var w *world
	for i := range n {
		if i%500 == 0 {
			w = newWorld(uint64(i))
		}
		q := w.query()
		var D destination
		if err := D.resolve(&w.cfg, &q); err != nil {
			t.Fatal(err)
		}
		var a [3]Address
		for i := range a {
			var err error
			if a[i], err = w.address().normalize(); err != nil {
				t.Fatal(err)
			}
		}
		var order [3][3]int
		for i := range a {
			for j := range a {
				order[i][j], _ = comparePair(w, &D, &a[i], &a[j])
			}
		}
		for i := range a {
			j, k := (i+1)%3, (i+2)%3
			if order[i][i] != 0 || order[i][j] != -order[j][i] {
				t.Fatalf("%v: not antisymmetric: %+v, %+v", q, a[i], a[j])
			}
			if order[i][j] >= 0 && order[j][k] >= 0 && order[i][k] != max(order[i][j], order[j][k]) {
				t.Fatalf("%v: not transitive: %+v, %+v, %+v", q, a[i], a[j], a[k])
			}
		}
		checkPairAgainstReference(t, w, q, &D, a[0], a[1])
	}
}

// comparePair returns the order of SA and SB, 1 to prefer SA, and the rule.
func comparePair(w *world, D *destination, SA, SB *Address) (int, Rule) {
	ca, cb := w.cfg.candidateOf(SA), w.cfg.candidateOf(SB)
	a, b := D.key(&ca, SA), D.key(&cb, SB)
	switch {
	case a > b:
		return 1, D.decider(a, b)
	case b > a:
		return -1, D.decider(a, b)
	}
	return 0, D.decider(a, b)
}

func checkPairAgainstReference(t *testing.T, w *world, q Query, D *destination, SA, SB Address) {
	t.Helper()
	d := q.Destination.Unmap().WithZone("")
	if SA.Prefix.Addr().Is4() != d.Is4() || SB.Prefix.Addr().Is4() != d.Is4() {
		return // no candidates: their common prefix has no meaning
	}
	order, rule := comparePair(w, D, &SA, &SB)
	ref := reference{cfg: w.cfg}
	want, wantRule := ref.compare(SA, SB, q, d, int(D.iface))
	if (order > 0) != (want > 0) || (order < 0) != (want < 0) || rule != wantRule {
		t.Fatalf("%v: %+v and %+v: %d by %v, want %d by %v", q, SA, SB, order, rule, want, wantRule)
	}
}
