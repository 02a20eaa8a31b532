package conformance

import (
	"cmp"
	"context"
	"fmt"
	"testing"
	"time"
)

// Run checks that a host does what all cases say, each on a fresh backend, as subtests of t.
// newBackend must clean up with t.Cleanup, may skip the test, and
// must not make it parallel.
func Run(t *testing.T, newBackend func(t testing.TB) Backend) {
	t.Helper()
	Suite{}.Run(t, newBackend)
}

// A Suite runs the cases against a host of which more is known. The zero Suite expects all of them to
// pass.
type Suite struct {
	// Known are deviations by the name of the case, each with its reason. Such a case has to
	// fail: one that passes fails the test, so that the record stays true. Nil: none.
	Known map[string]string
	// Pending is Known for what is planned. Such a case is reported as skipped, with the
	// reason. Nil: none.
	Pending map[string]string
	// Timeout is how long a case may wait for the host in all. Zero: 10 seconds.
	Timeout time.Duration
	// Table is a Markdown file with the outcomes of each case in its column Column, which is
	// compared after all cases have run. Empty: there is none.
	Table, Column string
	// Update writes the column instead of comparing it, and makes the table, and the file, if
	// they are not there. Not for two columns at a time.
	Update bool
}

// Run is [Run] with what the suite knows.
func (s Suite) Run(t *testing.T, newBackend func(t testing.TB) Backend) {
	t.Helper()
	cases := Cases()
	for _, text := range s.misnamed(cases) {
		t.Error(text)
	}
	outcomes := map[string]string{}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			b := newBackend(t)
			ctx, cancel := context.WithTimeout(t.Context(), cmp.Or(s.Timeout, 10*time.Second))
			defer cancel()
			err := c.Check(ctx, b)
			outcomes[c.Name] = s.cell(c, err)
			switch v, text := s.judge(c, err); v {
			case failed:
				t.Error(text)
			case pending:
				t.Skipf("SKIP(pending): %s", text)
			case known:
				t.Log(text)
			}
		})
	}
	if s.Table == "" {
		return
	}
	if len(outcomes) < len(cases) {
		t.Logf("only %d of %d cases ran, so column %s of %s is not looked at", len(outcomes), len(cases), s.Column, s.Table)
		return
	}
	do := compareTable
	if s.Update {
		do = updateTable
	}
	if err := do(s.Table, s.Column, cases, outcomes); err != nil {
		t.Error(err)
	}
}

// A verdict is what a test says of a case.
type verdict int

const (
	passes verdict = iota
	failed
	known
	pending
)

// judge compares what a case found with what is known of the host, and says so.
func (s Suite) judge(c Case, err error) (verdict, string) {
	planned, isPending := s.Pending[c.Name]
	reason, isKnown := s.Known[c.Name]
	switch {
	case err == nil && isPending:
		return failed, fmt.Sprintf("%s passes: it is not pending any more (%s)", c.Name, planned)
	case err == nil && isKnown:
		return failed, fmt.Sprintf("%s passes: the host deviates no more (%s)", c.Name, reason)
	case err == nil:
		return passes, ""
	case isPending:
		return pending, fmt.Sprintf("%s: %s\n%v", c.Name, planned, err)
	case isKnown:
		return known, fmt.Sprintf("known: %s\n%v", reason, err)
	}
	return failed, err.Error()
}

// misnamed returns what is wrong with the names in the lists: no case has them, or both lists do.
func (s Suite) misnamed(cases []Case) (wrong []string) {
	names := map[string]bool{}
	for _, c := range cases {
		names[c.Name] = true
	}
	for name := range s.Known {
		if !names[name] {
			wrong = append(wrong, fmt.Sprintf("conformance: no case is named %q, a known deviation", name))
		}
		if _, both := s.Pending[name]; both {
			wrong = append(wrong, fmt.Sprintf("conformance: %q is both known and pending", name))
		}
	}
	for name := range s.Pending {
		if !names[name] {
			wrong = append(wrong, fmt.Sprintf("conformance: no case is named %q, a pending one", name))
		}
	}
	return wrong
}
