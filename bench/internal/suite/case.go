// Package suite runs cases: each sets its contenders up, checks that they compute the
// same, times them against each other and gives rows.
package suite

import (
	"context"
	"fmt"

	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/report"
)

// A Case is a group of contenders that are measured together.
type Case struct {
	// Name is a path: part, subject, detail. The names of its rows begin with it.
	Name string

	// Open sets up. Its error is an *UnavailableError where this machine or user
	// can't run the case.
	Open func(ctx context.Context) (*Bench, error)
}

// A Bench is a case that was set up.
type Bench struct {
	// Check compares what the contenders compute. An error keeps them from being
	// timed. nil: there is nothing to compare.
	Check func() error

	Contenders []measure.Contender
	Rows       []Row
	Counts     []Count

	// Longer and Fewer fit the rounds to turns that are long: see Config.Stretched of
	// package measure. 0: the rounds of everybody.
	Longer, Fewer int

	// Err says, after the timing, what went wrong during it; then there are no
	// figures. nil: nothing can.
	Err func() error

	// Close gives back what Open took. nil: nothing to do.
	Close func()
}

// A Row compares two contenders, given by their places.
type Row struct {
	Name       string // behind the case's name; empty: the case's name alone
	Ours, Peer int    // Peer may be Nobody
	Goal       report.Goal
}

// Nobody is the Peer of a row that tells ours alone.
const Nobody = -1

// A Count is a figure that is no time.
type Count struct {
	Name string // behind the case's name
	Unit string
	Goal report.Goal
	Get  func() (float64, error)

	// Peer is who has what PeerGet returns. Empty: the row tells ours alone.
	Peer    string
	PeerGet func() (float64, error)
}

// row asks for the figures.
func (c *Count) row(name string) (report.Row, error) {
	v, err := c.Get()
	if err != nil || c.Peer == "" {
		return report.Counted(name, c.Unit, c.Goal, v), err
	}
	peer, err := c.PeerGet()
	return report.Beside(name, c.Unit, c.Goal, v, c.Peer, peer), err
}

// An Omission is a case left out, and why.
type Omission struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

// An UnavailableError says why this machine or user can't run a case.
type UnavailableError struct{ Why string }

func (e *UnavailableError) Error() string { return "suite: unavailable: " + e.Why }

// Unavailable returns an *UnavailableError.
func Unavailable(format string, args ...any) error {
	return &UnavailableError{fmt.Sprintf(format, args...)}
}

func join(a, b string) string {
	if b == "" {
		return a
	}
	return a + "/" + b
}
