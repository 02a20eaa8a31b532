package srcselect

// holding returns the records of the longest prefix that a begins with, of those in
// e, on level byPrefix.
func (e entry) holding(a uint128) (longest entry) {
	for {
		if e.single(byPrefix) {
			if key, n := e.best.key(byPrefix); commonBits(key, a) >= n {
				longest = e
			}
			return longest
		}
		n := e.node
		if commonBits(n.prefix, a) < int(n.depth) {
			return longest
		}
		way := 16 + a.nibble(n.depth)
		for slot := way >> 1; slot > 0; slot >>= 1 { // strings that end here, or up to three bits on
			if n.slots>>slot&1 != 0 {
				longest = n.entries[n.at(slot)]
				break
			}
		}
		if n.slots>>way&1 == 0 {
			return longest
		}
		e = n.entries[n.at(way)]
	}
}
