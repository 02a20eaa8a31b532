// Package compare says what changed between two runs beyond what two runs of the same
// program differ by.
package compare

import (
	"fmt"
	"slices"

	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/bench/internal/suite"
)

// A Kind is what became of a row.
type Kind string

// The kinds, in the order of a comparison: what matters most is last, where a terminal
// stands still.
const (
	Same     Kind = "same"     // no change beyond noise
	Unjudged Kind = "unjudged" // two runs can't tell
	New      Kind = "new"
	Gone     Kind = "gone"
	Mended   Kind = "mended" // it could not be measured before
	Better   Kind = "better"
	Worse    Kind = "worse"
	Failed   Kind = "failed" // it could be measured before
)

var kinds = []Kind{Same, Unjudged, New, Gone, Mended, Better, Worse, Failed}

// A Change is what became of a row.
type Change struct {
	Name     string
	Kind     Kind
	Old, New *report.Row // nil where there is none, or several

	// Why says why two runs can't tell.
	Why string

	// GoalMissed and GoalMet say that the row's goal was reached before and isn't now, or
	// the other way round, whatever the noise is.
	GoalMissed, GoalMet bool
}

// Rows compares the rows of two runs: first those of the new one, in their order, then
// those that are gone. Of an old row that is in the new run nowhere, covered says
// whether it could have been. A case that failed has one row, which stands for all below
// its name: they are neither gone nor new.
func Rows(old, now []report.Row, covered func(name string) bool) (changes []Change) {
	before := map[string]*report.Row{}
	for i := range old {
		before[old[i].Name] = &old[i]
	}
	broken, mended := failedCases(now), failedCases(old)
	back := map[string]int{} // rows that stand where one failed case was
	for i := range now {
		name := now[i].Name
		if of := mended.of(name); before[name] == nil && of != "" {
			back[of]++
			continue
		}
		changes = append(changes, change(name, before[name], &now[i]))
		delete(before, name)
	}
	for i := range old {
		name := old[i].Name
		switch {
		case before[name] == nil:
		case back[name] > 0:
			changes = append(changes, Change{Name: name, Kind: Mended, Old: &old[i], Why: fmt.Sprintf("%d rows now", back[name])})
		case broken.of(name) == "" && covered(name):
			changes = append(changes, Change{Name: name, Kind: Gone, Old: &old[i]})
		}
	}
	return changes
}

// cases are the names of cases.
type cases []string

// failedCases returns the cases that could not be measured.
func failedCases(rows []report.Row) (failed cases) {
	for _, r := range rows {
		if r.Err != nil {
			failed = append(failed, r.Name)
		}
	}
	return failed
}

// of returns the case below whose name a row is. Empty: there is none.
func (c cases) of(row string) string {
	i := slices.IndexFunc(c, func(name string) bool { return row != name && suite.Within(row, name) })
	if i < 0 {
		return ""
	}
	return c[i]
}

// change compares a row with what it was. nil: it is new.
func change(name string, old, now *report.Row) Change {
	c := Change{Name: name, Old: old, New: now}
	switch {
	case old == nil && now.Err != nil:
		c.Kind = Failed
	case old == nil:
		c.Kind = New
	case old.Err != nil && now.Err != nil:
		c.Kind, c.Why = Unjudged, "neither run could measure it"
	case now.Err != nil:
		c.Kind = Failed
	case old.Err != nil:
		c.Kind = Mended
	default:
		c.Kind, c.Why = judge(old, now)
		c.GoalMissed, c.GoalMet = old.OK && !now.OK, !old.OK && now.OK
	}
	return c
}
