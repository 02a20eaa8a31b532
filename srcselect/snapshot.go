package srcselect

import (
	"net/netip"
	"slices"
)

// A snapshot is the addresses at one moment, and what chooses among them. It never
// changes. While there are few addresses it is a list of them, in order of age, and
// else an index.
type snapshot struct {
	cfg   *Config
	list  []record
	index index // empty while there is a list
}

// How many addresses there are at most in a list, and at least in an index. The
// first is about where a scan of them takes as long as the index. The second is
// smaller, so that a change to and fro does not rebuild everything each time.
const (
	mostInList   = 12
	leastInIndex = 6
)

// find returns the record of a slot, nil if there is none.
func (snap *snapshot) find(addr uint128, iface int32) *record {
	if snap.index.count > 0 {
		return snap.index.find(addr, iface)
	}
	for i := range snap.list {
		if r := &snap.list[i]; r.addr == addr && r.iface == iface {
			return r
		}
	}
	return nil
}

// byAge returns all records in order of age. They are the snapshot's own.
func (snap *snapshot) byAge() []*record {
	if snap.index.count > 0 {
		all := snap.index.exact.appendTo(make([]*record, 0, snap.index.count))
		slices.SortFunc(all, compareAge)
		return all
	}
	all := make([]*record, len(snap.list))
	for i := range snap.list {
		all[i] = &snap.list[i]
	}
	return all
}

// with returns snap with addrs, which are normalized, and whose order inOrder
// returned. New ones are of the ages from age on.
func (snap *snapshot) with(ed *edit, addrs []Address, order []int, age uint64) *snapshot {
	if snap.index.count == 0 && len(addrs) <= mostInList {
		return snap.withFew(ed, addrs, age)
	}
	next := &snapshot{cfg: snap.cfg, index: snap.indexed(ed)}
	for _, i := range order {
		r := &record{snap.cfg.candidateOf(&addrs[i]), age + uint64(i), addrs[i]}
		old := next.index.find(r.addr, r.iface)
		if old != nil {
			r.age = old.age
		}
		next.index.put(ed, old, r)
	}
	return next
}

// withFew is with for a snapshot that is a list. The result may be an index.
func (snap *snapshot) withFew(ed *edit, addrs []Address, age uint64) *snapshot {
	next := &snapshot{cfg: snap.cfg, list: slices.Grow(slices.Clone(snap.list), len(addrs))}
	for i := range addrs {
		r := record{snap.cfg.candidateOf(&addrs[i]), age + uint64(i), addrs[i]}
		if old := next.find(r.addr, r.iface); old != nil {
			r.age = old.age
			*old = r
		} else {
			next.list = append(next.list, r)
		}
	}
	if len(next.list) > mostInList {
		return &snapshot{cfg: next.cfg, index: next.indexed(ed)}
	}
	return next
}

// without returns snap without r, which is in it.
func (snap *snapshot) without(ed *edit, r *record) *snapshot {
	next := &snapshot{cfg: snap.cfg, index: snap.index}
	if snap.index.count == 0 {
		for i := range snap.list {
			if one := &snap.list[i]; !sameSlot(one, r) {
				next.list = append(next.list, *one)
			}
		}
		return next
	}
	next.index.remove(ed, r)
	return next.settled()
}

// withoutMany returns snap without those of addrs that are on an interface, and how
// many that are.
func (snap *snapshot) withoutMany(ed *edit, iface int32, addrs []netip.Addr) (*snapshot, int) {
	next := &snapshot{cfg: snap.cfg, list: slices.Clone(snap.list), index: snap.index}
	removed := 0
	for _, addr := range addrs {
		addr = normalizeAddr(addr)
		if !addr.IsValid() {
			continue
		}
		r := next.find(word128(addr), iface)
		switch {
		case r == nil:
			continue
		case next.index.count > 0:
			next.index.remove(ed, r)
		default:
			one := *r // r is in the list, and changes with it
			next.list = slices.DeleteFunc(next.list, func(other record) bool { return sameSlot(&other, &one) })
		}
		removed++
	}
	return next.settled(), removed
}

// settled returns snap, or a list of it if it is an index of few.
func (snap *snapshot) settled() *snapshot {
	if snap.index.count == 0 || snap.index.count >= leastInIndex {
		return snap
	}
	few := &snapshot{cfg: snap.cfg}
	for _, r := range snap.byAge() {
		few.list = append(few.list, *r)
	}
	return few
}

// reclassified returns snap with all candidates worked out anew, for cfg.
func (snap *snapshot) reclassified(ed *edit, cfg *Config) *snapshot {
	next := &snapshot{cfg: cfg}
	for _, old := range snap.byAge() {
		r := &record{cfg.candidateOf(&old.address), old.age, old.address}
		if snap.index.count > 0 {
			next.index.put(ed, nil, r)
		} else {
			next.list = append(next.list, *r)
		}
	}
	return next
}

// indexed returns snap's index, or one of its list.
func (snap *snapshot) indexed(ed *edit) index {
	ix := snap.index
	for i := range snap.list {
		r := snap.list[i]
		ix.put(ed, nil, &r)
	}
	return ix
}
