package srcselect

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// trieWorld is an entry next to the plain list of what is in it.
type trieWorld struct {
	*rand.Rand
	ed   edit
	root entry
	list []*record
}

// record returns a record of few different addresses, lengths and interfaces, so
// that strings are often equal or prefixes of each other.
func (w *trieWorld) record() *record {
	r := &record{age: w.Uint64()}
	r.addr = w.bits()
	r.limit = uint8([]int{0, 1, 3, 4, 5, 63, 64, 65, 66, 67, 68, 126, 127, 128}[w.IntN(14)])
	r.iface = 1 + int32(w.IntN(3))*1000
	return r
}

// bits returns a number that is random in few places.
func (w *trieWorld) bits() uint128 {
	return uint128{w.Uint64() & 0xf0000000_0000000f, w.Uint64() & 0xe0000000_00000003}
}

// change puts a record, or removes one.
func (w *trieWorld) change() {
	if w.IntN(3) == 0 {
		w.ed.id++
	}
	if len(w.list) > 0 && w.IntN(3) == 0 {
		i := w.IntN(len(w.list))
		w.root = w.ed.remove(w.root, w.list[i])
		w.list = slices.Delete(w.list, i, i+1)
		return
	}
	r := w.record()
	if i := slices.IndexFunc(w.list, func(old *record) bool { return sameSlot(old, r) }); i >= 0 {
		r.age, r.limit = w.list[i].age, w.list[i].limit
		w.list[i] = r
	} else {
		w.list = append(w.list, r)
	}
	w.root = w.ed.put(w.root, byPrefix, r)
}

// firstOf returns the records of list with the highest rank, in order of the
// tie-break.
func (w *trieWorld) firstOf(list []*record, rank func(*record) int) (best []*record, bits int) {
	for _, r := range list {
		bits = max(bits, rank(r))
	}
	for _, r := range list {
		if rank(r) == bits {
			best = append(best, r)
		}
	}
	slices.SortFunc(best, func(a, b *record) int {
		if w.ed.tieBreak.before(a, b) {
			return -1
		}
		return 1
	})
	return best, bits
}

// One bit at a time.
func slowCommon(a, b uint128, limit int) int {
	n := 0
	for n < limit && a.and(mask128(n+1)) == b.and(mask128(n+1)) {
		n++
	}
	return n
}

// The tries find what a look at every record finds: the nearest records, all of
// them, also from there on to a second destination, and the longest prefix.
func TestNearest(t *testing.T) {
	for seed := range uint64(60) {
		w := &trieWorld{Rand: rand.New(rand.NewPCG(seed, 8))}
		w.ed = edit{1, TieBreak(seed % 3)}
		for range 150 {
			w.change()
			if err := w.root.check(byPrefix, w.ed.tieBreak); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if got := w.root.appendTo(nil); len(got) != len(w.list) {
				t.Fatalf("seed %d: %d records of %d", seed, len(got), len(w.list))
			}
			if len(w.list) > 0 {
				w.checkNearest(t, seed)
			}
		}
	}
}

func (w *trieWorld) checkNearest(t *testing.T, seed uint64) {
	t.Helper()
	a, b := w.bits(), w.bits()
	to := func(d uint128) func(*record) int {
		return func(r *record) int { return slowCommon(r.addr, d, int(r.limit)) }
	}
	want, bits := w.firstOf(w.list, to(a))
	got := subtree{w.root, allSlots}.nearest(a, w.ed.tieBreak)
	if got.best != want[0] || got.bits != bits || got.tied != (len(want) > 1) {
		t.Fatalf("seed %d: nearest to %x is %+v, want %+v, %d bits, %d records", seed, a, got, want[0], bits, len(want))
	}
	if wantOn, bits := w.firstOf(want, to(b)); true {
		got := got.subtree.nearest(b, w.ed.tieBreak)
		if got.best != wantOn[0] || got.bits != bits || got.tied != (len(wantOn) > 1) {
			t.Fatalf("seed %d: then to %x is %+v, want %+v, %d bits, %d records", seed, b, got, wantOn[0], bits, len(wantOn))
		}
	}
	holding, longest := w.firstOf(w.list, func(r *record) int {
		if n := int(r.limit); slowCommon(r.addr, a, n) == n {
			return 1 + n
		}
		return 0
	})
	switch e := w.root.holding(a); {
	case longest == 0 && e.best != nil:
		t.Fatalf("seed %d: %+v holds %x", seed, e.best, a)
	case longest > 0 && (e.best != holding[0] || (e.node != nil) != (len(holding) > 1)):
		t.Fatalf("seed %d: %+v holds %x, want %+v", seed, e.best, a, holding[0])
	}
}
