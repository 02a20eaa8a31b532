package srcselect

import "cmp"

// A record is an address of the host, as the rules see it and as the caller gave
// it. It never changes: a changed address is another record of the same age.
type record struct {
	candidate
	age     uint64 // ages only grow, and no two records of a snapshot share one
	address Address
}

// before says whether a tie between a and b goes to a.
func (tb TieBreak) before(a, b *record) bool {
	switch tb {
	case TieNewest:
		return a.age > b.age
	case TieLowest:
		return a.addr.less(b.addr) || a.addr == b.addr && a.age < b.age
	}
	return a.age < b.age
}

func compareAge(a, b *record) int { return cmp.Compare(a.age, b.age) }

// sameSlot says whether a and b are the same address on the same interface.
func sameSlot(a, b *record) bool { return a.addr == b.addr && a.iface == b.iface }
