package srcselect

import (
	"reflect"
	"slices"
	"testing"
)

// A snapshot that a reader holds never changes, whatever comes after it.
func TestSnapshotsDoNotChange(t *testing.T) {
	for seed := range uint64(4) {
		w := newWorld(seed)
		type held struct {
			snap *snapshot
			was  snapshot
		}
		var all []held
		for range 200 {
			if err := w.mutate(); err != nil {
				t.Fatal(err)
			}
			snap := w.s.load()
			all = append(all, held{snap, deepCopy(snap)})
		}
		for i, h := range all {
			if !reflect.DeepEqual(*h.snap, h.was) {
				t.Fatalf("seed %d: snapshot %d of %d changed", seed, i, len(all))
			}
		}
	}
}

func deepCopy(snap *snapshot) snapshot {
	return snapshot{snap.cfg, slices.Clone(snap.list), index{
		interfaces{snap.index.interfaces.root.deepCopy(), snap.index.interfaces.height, snap.index.interfaces.count},
		snap.index.all.deepCopy(), snap.index.exact.deepCopy(), snap.index.count,
	}}
}

func (p *interfacePage) deepCopy() *interfacePage {
	if p == nil {
		return nil
	}
	c := *p
	for i := range c.pages {
		c.pages[i], c.groups[i] = c.pages[i].deepCopy(), c.groups[i].deepCopy()
	}
	return &c
}

func (g *group) deepCopy() *group {
	if g == nil {
		return nil
	}
	c := &group{g.edit, slices.Clone(g.partitions), g.speaking}
	for i := range c.partitions {
		c.partitions[i].root = c.partitions[i].root.deepCopy()
	}
	return c
}

func (e entry) deepCopy() entry {
	if e.node != nil {
		n := *e.node
		n.entries = slices.Clone(n.entries)
		for i := range n.entries {
			n.entries[i] = n.entries[i].deepCopy()
		}
		e.node = &n
	}
	if e.best != nil {
		r := *e.best
		e.best = &r
	}
	return e
}
