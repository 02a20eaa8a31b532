package srcselect

import "math/bits"

// A subtree is an entry, or those slots of its node that are in among.
type subtree struct {
	entry
	among uint32
}

// A stop is where a destination leaves a trie: the deepest point that its bits lead
// to. All records below that point have equally many leading bits in common with
// it, and all others fewer.
type stop struct {
	subtree
	best *record // of the subtree, by the tie-break
	bits int     // how many bits its records have in common with the destination
	tied bool    // there are several
}

// nearest returns where a leaves t, a subtree on level byPrefix.
//
// This is RFC 6724 section 5, rule 8 for all of t at once. The cap by S's own prefix
// costs nothing, as there are no bits beyond it in the trie.
func (t subtree) nearest(a uint128, tb TieBreak) stop {
	e, live := t.entry, t.among
	for !e.single(byPrefix) {
		n := e.node
		live &= n.slots
		if c := commonBits(n.prefix, a); c < int(n.depth) {
			return e.stop(live, c, tb)
		}
		h := 16 + a.nibble(n.depth)
		if live>>h&1 == 0 {
			for h >>= 1; live&under[h] == 0; h >>= 1 {
			}
			return e.stop(live&under[h], int(n.depth)+bits.Len32(h)-1, tb)
		}
		e, live = n.entries[n.at(h)], allSlots
	}
	return stop{subtree{e, allSlots}, e.best, min(commonBits(e.best.addr, a), int(e.best.limit)), e.node != nil}
}

// stop returns the stop at those slots of e's node that are in among.
func (e entry) stop(among uint32, common int, tb TieBreak) stop {
	n := e.node
	switch {
	case among == n.slots:
		return stop{subtree{e, among}, e.best, common, true}
	case among&(among-1) == 0:
		e = n.entries[n.at(uint32(bits.TrailingZeros32(among)))]
		return stop{subtree{e, allSlots}, e.best, common, e.node != nil}
	}
	return stop{subtree{e, among}, n.first(among, tb), common, true}
}
