package srcselect

import "math/bits"

// A trie holds records by a bit string. It is path-compressed, branches on four
// bits at a time, and never changes: an edit copies the nodes on its path and
// shares the rest. Everything in it hangs on an entry, which knows the best record
// below it by the tie-break, so a whole subtree is ranked by looking at its top.
//
// The strings of a trie may be prefixes of each other, and several records may
// share one. Those that do are told apart on the next level, by a longer string.
type level uint8

const (
	byPrefix    level = iota // the bits that rule 8 may count: the first limit bits of addr
	byAddress                // all of addr
	byInterface              // iface, after which no two records are the same
)

// key returns the string of r on a level: its bits, and how many there are.
func (r *record) key(l level) (uint128, int) {
	switch l {
	case byPrefix:
		return r.addr.and(mask128(int(r.limit))), int(r.limit)
	case byAddress:
		return r.addr, 128
	}
	return interfaceKey(r.iface), 32
}

func interfaceKey(iface int32) uint128 { return uint128{uint64(iface) << 32, 0} }

// An entry is a subtree. Without a node it is a single record, without best there
// is nothing.
type entry struct {
	node *node
	best *record // by the tie-break
}

// single says whether e has one string only on level l.
func (e entry) single(l level) bool { return e.node == nil || e.node.level > l }

// A node is where strings part: all below it share their first depth bits. They go
// on into slots, which are numbered as the nodes of a binary heap are: slot 1 is for
// the string that ends here, 2 and 3 for those of one bit more, 4 to 7 and 8 to 15
// for two and three bits more, and 16 to 31 for all that are longer, by their next
// four bits. So a slot's ancestors are its number shifted right.
type node struct {
	prefix  uint128 // the shared bits; those beyond depth mean nothing
	edit    uint64  // the edit that made the node, and may change it
	entries []entry // two or more, of the slots that are taken, in their order
	slots   uint32  // which slots are taken
	depth   uint8   // a multiple of 4, below 128
	level   level
}

// under[h] is slot h and the slots below it in the heap.
var under = func() (masks [32]uint32) {
	for slot := range masks {
		for h := slot; h > 0; h >>= 1 {
			masks[h] |= 1 << slot
		}
	}
	return masks
}()

const allSlots = ^uint32(0)

// slot returns where the string key, of n bits and at least depth, goes on.
func slot(key uint128, n int, depth uint8) uint32 {
	r := min(n-int(depth), 4)
	return 1<<r | key.nibble(depth)>>(4-r)
}

// nibble returns the four bits that follow the first depth ones.
func (a uint128) nibble(depth uint8) uint32 {
	if depth < 64 {
		return uint32(a.hi>>(60-depth)) & 15
	}
	return uint32(a.lo>>(124-depth)) & 15
}

func (n *node) at(slot uint32) int { return bits.OnesCount32(n.slots & (1<<slot - 1)) }

// first returns the best record of the given slots, one of which is taken.
func (n *node) first(slots uint32, tb TieBreak) (best *record) {
	for slots &= n.slots; slots != 0; slots &= slots - 1 {
		if r := n.entries[n.at(uint32(bits.TrailingZeros32(slots)))].best; best == nil || tb.before(r, best) {
			best = r
		}
	}
	return best
}

// find returns the records whose string on level l, of 128 bits or of 32, is key. The
// single string at the end is compared whole; the prefixes before are, too, so that a
// key far from all strings, as most destinations are, is done with at the first node.
func (e entry) find(l level, key uint128) entry {
	for e.best != nil {
		if e.single(l) {
			if own, _ := e.best.key(l); own != key {
				break
			}
			return e
		}
		n := e.node
		slot := 16 + key.nibble(n.depth)
		if n.slots>>slot&1 == 0 || commonBits(n.prefix, key) < int(n.depth) {
			break
		}
		e = n.entries[n.at(slot)]
	}
	return entry{}
}

// appendTo appends all records to list.
func (e entry) appendTo(list []*record) []*record {
	if e.node == nil {
		if e.best != nil {
			list = append(list, e.best)
		}
		return list
	}
	for _, below := range e.node.entries {
		list = below.appendTo(list)
	}
	return list
}
