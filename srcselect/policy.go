package srcselect

import (
	"cmp"
	"fmt"
	"math"
	"net/netip"
	"slices"
)

// A PolicyEntry is a row of the policy table of RFC 6724 section 2.1.
type PolicyEntry struct {
	// Prefix says which addresses the row is for, without host bits. IPv4 addresses
	// are looked up in their mapped form: 192.0.2.0/24 and ::ffff:192.0.2.0/120
	// are the same prefix.
	Prefix netip.Prefix

	// Precedence orders destinations, the highest first (section 6, rule 6).
	Precedence uint8

	// Label joins sources and destinations that belong together (section 5, rule 6
	// and section 6, rule 5).
	Label uint8

	// Interface restricts the row to one interface: to source addresses assigned to
	// it and to destinations reached through it. 0: every interface.
	Interface int
}

// A Policy is a policy table. It is immutable and cheap to copy; the zero Policy is
// the default table of RFC 6724 section 2.1.
type Policy struct{ table *policyTable }

type policyTable struct {
	entries   []PolicyEntry      // in order of look-up
	automatic map[policyKey]bool // those of them that WithKnownLocal put there
	rows      []policyRow        // the same, as numbers
	first     [256]uint32        // for few rows: those that a first byte doesn't rule out, a bit each
	root      *policyNode        // for many: the same, as a tree; else nil
}

type policyRow struct {
	prefix, mask uint128
	iface        int32
	label        label
	precedence   uint8
}

// A label is a PolicyEntry's Label, or noLabel.
type label uint16

// noLabel is the label of addresses that no row matches. RFC 6724 is silent about
// them; as in Linux, they have one label of their own in common.
const noLabel label = 0x100

// NewPolicy makes a table of exactly these rows. The longest matching prefix
// counts; at equal length a row of the address's own interface comes before one of
// every interface. Addresses that no row matches, which in a table of no rows are
// all of them, have precedence 0 and a label that is no row's.
//
// Invalid prefixes, prefixes with host bits, negative interfaces and two rows for
// one prefix and interface are errors that name the row, counted from 0.
func NewPolicy(rows []PolicyEntry) (Policy, error) {
	return newPolicy(rows, "row", func(i int) int { return i })
}

// newPolicy is NewPolicy for rows that an error calls by their number as a thing of
// some kind: a row, a line.
func newPolicy(rows []PolicyEntry, thing string, number func(i int) int) (Policy, error) {
	first := make(map[policyKey]int, len(rows))
	for i, e := range rows {
		if why := e.invalid(); why != "" {
			return Policy{}, invalidf("policy %s %d%s", thing, number(i), why)
		}
		if j, dup := first[e.key()]; dup {
			return Policy{}, invalidf("policy %s %d (%v): same prefix and interface as %s %d", thing, number(i), e.Prefix, thing, number(j))
		}
		first[e.key()] = i
	}
	return Policy{tableOf(slices.Clone(rows), nil)}, nil
}

// tableOf makes a table of valid rows, which it sorts, and of which some may be
// automatic.
func tableOf(rows []PolicyEntry, automatic map[policyKey]bool) *policyTable {
	slices.SortStableFunc(rows, func(a, b PolicyEntry) int {
		return cmp.Or(cmp.Compare(mappedLen(b.Prefix), mappedLen(a.Prefix)), cmp.Compare(b.Interface, a.Interface))
	})
	t := &policyTable{entries: rows, automatic: automatic}
	t.index()
	return t
}

// invalid says what is wrong with e, if anything is.
func (e *PolicyEntry) invalid() string {
	switch {
	case !e.Prefix.IsValid():
		return ": no valid prefix"
	case e.Prefix != e.Prefix.Masked():
		return fmt.Sprintf(": prefix %v has host bits: want %v", e.Prefix, e.Prefix.Masked())
	case e.Interface < 0 || e.Interface > math.MaxInt32:
		return fmt.Sprintf(" (%v): interface index %d: want 1 to %d, or 0 for every interface", e.Prefix, e.Interface, math.MaxInt32)
	}
	return ""
}

// A policyKey is what no two rows of a table have in common.
type policyKey struct {
	prefix uint128
	bits   int
	iface  int
}

func (e *PolicyEntry) key() policyKey {
	return policyKey{word128(e.Prefix.Addr()), mappedLen(e.Prefix), e.Interface}
}

// mappedLen returns the length of p after IPv4 is mapped.
func mappedLen(p netip.Prefix) int {
	if p.Addr().Is4() {
		return p.Bits() + mappedBits
	}
	return p.Bits()
}

// Rows returns a copy of the table's rows in order of look-up: the longest prefixes
// first. A changed copy makes a new table with NewPolicy.
func (p Policy) Rows() []PolicyEntry { return slices.Clone(p.load().entries) }

// Lookup returns the row for addr on the given interface (0: not known, so that
// only rows of every interface match). It returns false if no row matches.
func (p Policy) Lookup(addr netip.Addr, iface int) (PolicyEntry, bool) {
	if !addr.IsValid() || iface < 0 || iface > math.MaxInt32 {
		return PolicyEntry{}, false
	}
	t := p.load()
	i := t.find(word128(addr), int32(iface))
	if i < 0 {
		return PolicyEntry{}, false
	}
	return t.entries[i], true
}

func (p Policy) load() *policyTable {
	if p.table == nil {
		return defaultTable
	}
	return p.table
}

// classify returns Label(a) and Precedence(a).
func (p Policy) classify(a uint128, iface int32) (label, uint8) {
	t := p.load()
	i := t.find(a, iface)
	if i < 0 {
		return noLabel, 0
	}
	return t.rows[i].label, t.rows[i].precedence
}
