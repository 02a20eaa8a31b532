package compare

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/bench/internal/results"
)

// Write tells of two runs: what was different around them, a line a row, and a balance.
// covered is that of Rows.
func Write(w io.Writer, old, now results.Results, covered func(name string) bool) error {
	var b strings.Builder
	b.WriteString("compared with the run of " + when(old) + "\n")
	for _, line := range Conditions(old, now) {
		b.WriteString("  " + line + "\n")
	}
	changes := Rows(old.Rows, now.Rows, covered)
	slices.SortStableFunc(changes, func(a, b Change) int { return cmp.Compare(a.rank(), b.rank()) })
	for _, c := range changes {
		b.WriteString(c.String() + "\n")
	}
	b.WriteString(balance(changes) + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// rank is the place of a change: its kind's, but goals that moved come after all rows that may be
// passed over.
func (c Change) rank() int {
	rank := slices.Index(kinds, c.Kind)
	if c.GoalMissed || c.GoalMet {
		rank = max(rank, slices.Index(kinds, Gone))
	}
	return rank
}

func when(r results.Results) string {
	if r.Run.Begun.IsZero() {
		return "an unknown day"
	}
	return r.Run.Date()
}

// String returns the change as a line.
func (c Change) String() string {
	s := fmt.Sprintf("%-8s %-40s ", c.Kind, c.Name)
	switch {
	case c.New == nil:
		s += figures(c.Old)
	case c.Old == nil, c.Old.Err != nil:
		s += figures(c.New)
	default:
		s += figures(c.Old) + " -> " + figures(c.New)
	}
	if c.Why != "" {
		s += " (" + c.Why + ")"
	}
	return s + c.goal()
}

// figures is what is compared of a row.
func figures(r *report.Row) string {
	switch {
	case r.Err != nil:
		return r.Err.Error()
	case r.Unit != "ns" || r.PeerName == "":
		return report.Figure(r.Ours, r.Unit)
	}
	return fmt.Sprintf("%sx [%s %s]", report.Digits(r.Ratio), report.Digits(r.RatioQuartiles[0]), report.Digits(r.RatioQuartiles[1]))
}

// goal tells of a goal that is missed or met anew, and whether it is another one.
func (c Change) goal() string {
	if c.Old == nil || c.New == nil || c.Old.Err != nil || c.New.Err != nil {
		return ""
	}
	s := ""
	switch {
	case c.GoalMissed:
		s = "; goal newly missed: " + c.New.GoalText()
	case c.GoalMet:
		s = "; goal newly met: " + c.New.GoalText()
	}
	if s != "" && c.Kind == Same {
		s += ", within the noise"
	}
	if c.Old.Goal != c.New.Goal {
		s += fmt.Sprintf("; goal %s before, %s now", known(c.Old.GoalText()), known(c.New.GoalText()))
	}
	return s
}

// balance counts.
func balance(changes []Change) string {
	count := map[Kind]int{}
	missed, met := 0, 0
	for _, c := range changes {
		count[c.Kind]++
		if c.GoalMissed {
			missed++
		}
		if c.GoalMet {
			met++
		}
	}
	var parts []string
	for _, kind := range kinds {
		if count[kind] > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", kind, count[kind]))
		}
	}
	return fmt.Sprintf("rows compared: %d (%s); goals newly missed: %d, newly met: %d", len(changes), strings.Join(parts, ", "), missed, met)
}
