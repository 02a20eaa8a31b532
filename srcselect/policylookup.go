package srcselect

import "math/bits"

// A policyNode is a node of a path-compressed binary tree over the prefixes of a
// policy table. Every address that it is for begins with the first bits bits of
// prefix.
type policyNode struct {
	prefix uint128
	bits   int
	rows   []int32 // of just this prefix, in order of look-up
	child  [2]*policyNode
}

// fewRows is the longest table that is tried row by row, but for those rows that
// differ from the address in the first byte already. It takes the least time there:
// of the default table's 9 rows most addresses meet one or two.
const fewRows = 32

// index prepares t for find, from entries.
func (t *policyTable) index() {
	t.rows = make([]policyRow, len(t.entries))
	for i, e := range t.entries {
		t.rows[i] = policyRow{
			prefix:     word128(e.Prefix.Addr()),
			mask:       mask128(mappedLen(e.Prefix)),
			iface:      int32(e.Interface),
			label:      label(e.Label),
			precedence: e.Precedence,
		}
	}
	if len(t.rows) > fewRows {
		t.grow()
		return
	}
	for i, r := range t.rows {
		for b := range t.first {
			if uint64(b)&(r.mask.hi>>56) == r.prefix.hi>>56 {
				t.first[b] |= 1 << i
			}
		}
	}
}

// grow makes the tree.
func (t *policyTable) grow() {
	t.root = &policyNode{}
	for i, e := range t.entries {
		n := t.root.at(t.rows[i].prefix, mappedLen(e.Prefix))
		n.rows = append(n.rows, int32(i))
	}
}

// at returns the node of a prefix below n, which is made if it isn't there.
func (n *policyNode) at(prefix uint128, bits int) *policyNode {
	for n.bits < bits {
		next := &n.child[prefix.bit(n.bits)]
		switch c := *next; {
		case c == nil:
			*next = &policyNode{prefix: prefix, bits: bits}
		case commonBits(c.prefix, prefix) < min(c.bits, bits): // they part between n and c
			common := commonBits(c.prefix, prefix)
			fork := &policyNode{prefix: prefix.and(mask128(common)), bits: common}
			fork.child[c.prefix.bit(common)] = c
			*next = fork
		case c.bits > bits: // c is below the new one
			between := &policyNode{prefix: prefix, bits: bits}
			between.child[c.prefix.bit(bits)] = c
			*next = between
		}
		n = *next
	}
	return n
}

// find returns the index of the row for a, -1 if there is none. What it costs does
// not grow with the number of addresses of a Selector, nor with that of prefixes.
func (t *policyTable) find(a uint128, iface int32) int {
	if t.root == nil {
		return t.scan(a, iface)
	}
	found := -1
	for n := t.root; n != nil && commonBits(n.prefix, a) >= n.bits; n = n.child[a.bit(n.bits)] {
		if i := t.own(n.rows, iface); i >= 0 {
			found = i
		}
		if n.bits == 128 {
			break
		}
	}
	return found
}

// own returns which of the rows of one prefix is for an interface, -1 if none is.
// They are in descending order of interfaces.
func (t *policyTable) own(rows []int32, iface int32) int {
	low, high := 0, len(rows)
	for low < high {
		middle := (low + high) / 2
		if t.rows[rows[middle]].iface > iface {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low < len(rows) && t.rows[rows[low]].iface == iface {
		return int(rows[low])
	}
	if last := len(rows) - 1; last >= 0 && t.rows[rows[last]].iface == 0 {
		return int(rows[last])
	}
	return -1
}

// scan is find for few rows.
func (t *policyTable) scan(a uint128, iface int32) int {
	for left := t.first[a.hi>>56]; left != 0; left &= left - 1 {
		i := bits.TrailingZeros32(left)
		r := &t.rows[i]
		if a.and(r.mask) == r.prefix && (r.iface == 0 || r.iface == iface) {
			return i
		}
	}
	return -1
}

// bit returns bit i of a, counted from the left.
func (a uint128) bit(i int) uint {
	if i < 64 {
		return uint(a.hi >> (63 - i) & 1)
	}
	return uint(a.lo >> (127 - i) & 1)
}
