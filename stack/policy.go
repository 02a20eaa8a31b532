package stack

import "github.com/hextet/hextet/srcselect"

// Policy returns the policy table (RFC 6724 section 2.1) in force.
func (s *Stack) Policy() srcselect.Policy { return s.book.sel.Policy() }

// SetPolicy puts another policy table in force. The next choice of a source, and the next ordering of a
// name's addresses, go by it; connections keep the source that they have. The table is one value: who
// changes a row of it while others do so too must see to it that no change is lost.
func (s *Stack) SetPolicy(p srcselect.Policy) {
	s.book.sel.SetPolicy(p)
	s.gen.bump()
}
