package main

import (
	"strings"
	"testing"
)

// TestQuickstart: every claim that is made is true, and none was left out.
func TestQuickstart(t *testing.T) {
	t.Chdir(t.TempDir())
	var out strings.Builder
	if err := run(t.Context(), &out); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	if !strings.Contains(out.String(), "17 claims checked against the packets and the zone, 0 false") {
		t.Errorf("the account is another:\n%s", &out)
	}
}

// A claim that is false is marked, counted and an error.
func TestFalseClaim(t *testing.T) {
	var (
		a   account
		out strings.Builder
	)
	a.claim(true, "two", "%d", 2)
	a.claim(false, "three", "%d", 4)
	a.print(&out)
	if err := a.err(); err == nil || !strings.Contains(err.Error(), "three: 4") {
		t.Errorf("error %v", err)
	}
	if got := out.String(); !strings.Contains(got, "4   <-- FALSE") || !strings.Contains(got, "2 claims checked") || !strings.Contains(got, "1 false") {
		t.Errorf("printed %q", got)
	}
}
