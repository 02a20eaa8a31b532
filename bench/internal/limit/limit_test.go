package limit

import "testing"

// Loads must come back at every length; that it touches nothing outside is shown by
// the pages beside b in limit_linux_test.go.
func TestLoads(t *testing.T) {
	if !Available() {
		t.Skip("SKIP(cpu): Loads needs AVX2")
	}
	b := make([]byte, 2000)
	for n := range len(b) + 1 {
		Loads(b[:n])
	}
	if got := Call(b, 7); got != 7 {
		t.Errorf("Call returned %d, want 7", got)
	}
}
