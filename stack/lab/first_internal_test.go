package lab

import (
	"sync"
	"testing"
)

// Whoever asks for the first segment at the same time gets the same one.
func TestOneFirstSegment(t *testing.T) {
	for range 3000 {
		l := &Lab{names: make(map[string]bool), numbers: make(map[string]int)}
		var got [4]*Segment
		var wg sync.WaitGroup
		for n := range got {
			wg.Go(func() { got[n], _ = l.firstSegment() })
		}
		wg.Wait()
		for _, s := range got {
			if s == nil || s != got[0] {
				t.Fatalf("%d segments", len(l.segments))
			}
		}
	}
}
