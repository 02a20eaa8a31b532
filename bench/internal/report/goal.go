package report

import "github.com/hextet/hextet/bench/internal/measure"

// A Kind says what a goal asks for.
type Kind string

// The kinds of goals. Ours and peer are the medians.
const (
	None      Kind = ""           // nothing: the row informs
	AtLeast   Kind = "at-least"   // peer/ours >= value; from 1 up also faster beyond the spread
	AtMost    Kind = "at-most"    // ours/peer <= value: how a cost may grow
	Grows     Kind = "grows"      // nothing; the ratio is ours/peer as with AtMost
	NotSlower Kind = "not-slower" // peer/ours >= 1, or so little below that two runs differ as much
	Within    Kind = "within"     // ours - peer <= value, in the row's unit
	Total     Kind = "total"      // ours <= value; there is no peer
)

// UpsideDown says whether a ratio is ours/peer, so that less is better.
func (k Kind) UpsideDown() bool { return k == AtMost || k == Grows }

// valued says whether a goal of the kind has a value.
func (k Kind) valued() bool { return k != None && k != Grows }

// known says whether there is such a kind.
func (k Kind) known() bool {
	switch k {
	case None, AtLeast, AtMost, Grows, NotSlower, Within, Total:
		return true
	}
	return false
}

// A Goal is what a row should show. The zero Goal asks for nothing.
type Goal struct {
	Kind  Kind
	Value float64
}

// tie is the ratio from which NotSlower holds. The spread has no say in it: noise must
// not help.
const tie = 0.97

// met says whether the row reaches the goal.
func (g Goal) met(r *Row) bool {
	switch g.Kind {
	case AtLeast:
		return r.Ratio >= g.Value && (g.Value < 1 || r.Verdict == measure.Faster)
	case AtMost:
		return r.Ratio <= g.Value
	case NotSlower:
		return r.Ratio >= tie
	case Within:
		return r.Ours-r.Peer <= g.Value
	case Total:
		return r.Ours <= g.Value
	}
	return true
}
