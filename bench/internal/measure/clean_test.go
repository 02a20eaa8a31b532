package measure

import (
	"slices"
	"testing"
	"weak"
)

// What a clean contender leaves is gone before the next one begins, and it tidies up as
// before.
func TestClean(t *testing.T) {
	var left weak.Pointer[[1 << 20]byte]
	var calls []string
	c := Clean(Contender{
		Run:   func(int) { b := new([1 << 20]byte); left = weak.Make(b); calls = append(calls, "run") },
		After: func(int) { calls = append(calls, "after") },
	})
	var f fakeTime
	c.time(1, f.clock)
	if left.Value() != nil || !slices.Equal(calls, []string{"run", "after"}) {
		t.Errorf("garbage left %v, calls %q", left.Value() != nil, calls)
	}
	Clean(Contender{Run: func(int) {}}).After(1)
}
