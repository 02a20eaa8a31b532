package srcselect

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// The interfaces of every height against a map, in editions that share pages.
func TestInterfaces(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	indexes := []int32{1, 2, 15, 16, 17, 255, 256, 4095, 4096, 1 << 20, 1<<20 + 1, 1 << 28, math.MaxInt32 - 1, math.MaxInt32}
	var now interfaces
	want := make(map[int32]*group)
	for id := range uint64(2000) {
		before, had := now, maps.Clone(want)
		ed := &edit{id: id + 1}
		for range 1 + rng.IntN(3) {
			i := indexes[rng.IntN(len(indexes))]
			if rng.IntN(5) < 3 || id%200 > 190 {
				now.set(ed, i, nil)
				delete(want, i)
			} else {
				want[i] = &group{}
				now.set(ed, i, want[i])
			}
		}
		checkInterfaces(t, &before, had, indexes)
		checkInterfaces(t, &now, want, indexes)
	}
}

func checkInterfaces(t *testing.T, got *interfaces, want map[int32]*group, indexes []int32) {
	t.Helper()
	for _, i := range append([]int32{0, 3, 1 << 24}, indexes...) {
		if got.get(i) != want[i] {
			t.Fatalf("interface %d: %p, want %p", i, got.get(i), want[i])
		}
	}
	var inOrder []*group
	for _, i := range slices.Sorted(maps.Keys(want)) {
		inOrder = append(inOrder, want[i])
	}
	if list := got.appendTo(nil); !slices.Equal(list, inOrder) || got.count != len(want) {
		t.Fatalf("%d groups, %d in a list, want %d", got.count, len(list), len(want))
	}
	if got.root != nil {
		if err := got.root.check(); err != nil {
			t.Fatal(err)
		}
	}
}
