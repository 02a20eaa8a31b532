package srcselect

import "slices"

// An edit makes one snapshot out of another. What it has made itself it changes
// in place, so that a thousand addresses in one Add don't copy the same node a
// thousand times.
type edit struct {
	id       uint64 // of no other edit
	tieBreak TieBreak
}

// put returns e with r in it, in place of the record of the same slot if there is
// one. Their strings are those of level l and the following ones.
func (ed *edit) put(e entry, l level, r *record) entry {
	if e.best == nil || e.node == nil && sameSlot(e.best, r) {
		return entry{best: r}
	}
	key, n := r.key(l)
	if e.single(l) {
		other, m := e.best.key(l)
		if key == other && n == m {
			return ed.put(e, l+1, r)
		}
		return ed.branch(l, e, other, m, r)
	}
	if min(commonBits(e.node.prefix, key), n) < int(e.node.depth) {
		return ed.branch(l, e, e.node.prefix, int(e.node.depth), r)
	}
	s := slot(key, n, e.node.depth)
	at := e.node.at(s)
	if e.node.slots>>s&1 == 0 {
		e.node = ed.insert(e.node, s, entry{best: r})
	} else {
		below := ed.put(e.node.entries[at], l, r)
		e.node = ed.own(e.node)
		e.node.entries[at] = below
	}
	if ed.tieBreak.before(r, e.best) || sameSlot(r, e.best) {
		e.best = r
	}
	return e
}

// branch returns a node for e, whose strings start with the n bits of prefix, and r,
// whose string is another.
func (ed *edit) branch(l level, e entry, prefix uint128, n int, r *record) entry {
	key, m := r.key(l)
	depth := uint8(min(commonBits(prefix, key), n, m)) &^ 3
	both := newNode(2)
	both.prefix, both.depth, both.level, both.edit = prefix, depth, l, ed.id
	joint := entry{both, e.best}
	if ed.tieBreak.before(r, e.best) {
		joint.best = r
	}
	joint.node = ed.insert(joint.node, slot(prefix, n, depth), e)
	joint.node = ed.insert(joint.node, slot(key, m, depth), entry{best: r})
	return joint
}

// remove returns e without r, which is in it.
func (ed *edit) remove(e entry, r *record) entry {
	if e.node == nil {
		return entry{}
	}
	key, n := r.key(e.node.level)
	s := slot(key, n, e.node.depth)
	at := e.node.at(s)
	if below := ed.remove(e.node.entries[at], r); below.best != nil {
		e.node = ed.own(e.node)
		e.node.entries[at] = below
	} else if len(e.node.entries) == 2 {
		return e.node.entries[1-at]
	} else {
		e.node = ed.delete(e.node, s)
	}
	if e.best == r {
		e.best = e.node.first(allSlots, ed.tieBreak)
	}
	return e
}

// own returns n if ed made it, else a copy that it may change.
func (ed *edit) own(n *node) *node {
	if n.edit == ed.id {
		return n
	}
	own := ed.copyOf(n, len(n.entries))
	own.entries = append(own.entries, n.entries...)
	return own
}

// insert returns n with e in a slot that is free.
func (ed *edit) insert(n *node, slot uint32, e entry) *node {
	at := n.at(slot)
	if n.edit == ed.id && len(n.entries) < cap(n.entries) {
		n.entries = slices.Insert(n.entries, at, e)
		n.slots |= 1 << slot
		return n
	}
	own := ed.copyOf(n, len(n.entries)+1)
	own.entries = append(append(append(own.entries, n.entries[:at]...), e), n.entries[at:]...)
	own.slots |= 1 << slot
	return own
}

// delete returns n without the entry of a slot.
func (ed *edit) delete(n *node, slot uint32) *node {
	at := n.at(slot)
	if n.edit == ed.id {
		n.entries = slices.Delete(n.entries, at, at+1)
		n.slots &^= 1 << slot
		return n
	}
	own := ed.copyOf(n, len(n.entries)-1)
	own.entries = append(append(own.entries, n.entries[:at]...), n.entries[at+1:]...)
	own.slots &^= 1 << slot
	return own
}

// copyOf returns a node like n, but for its entries, with room for size of them.
func (ed *edit) copyOf(n *node, size int) *node {
	own := newNode(size)
	own.prefix, own.slots, own.depth, own.level, own.edit = n.prefix, n.slots, n.depth, n.level, ed.id
	return own
}

// newNode returns a node without entries and with room for size of them or a few
// more. They are in the same piece of memory.
func newNode(size int) *node {
	switch {
	case size <= 2:
		n := new(roomy[[2]entry])
		return n.with(n.room[:0])
	case size <= 3:
		n := new(roomy[[3]entry])
		return n.with(n.room[:0])
	case size <= 4:
		n := new(roomy[[4]entry])
		return n.with(n.room[:0])
	case size <= 6:
		n := new(roomy[[6]entry])
		return n.with(n.room[:0])
	case size <= 10:
		n := new(roomy[[10]entry])
		return n.with(n.room[:0])
	case size <= 16:
		n := new(roomy[[16]entry])
		return n.with(n.room[:0])
	}
	n := new(roomy[[31]entry])
	return n.with(n.room[:0])
}

// A roomy node is one with an array for its entries behind it.
type roomy[array any] struct {
	node
	room array
}

// with returns n, whose entries are to be in room.
func (n *node) with(room []entry) *node {
	n.entries = room
	return n
}
