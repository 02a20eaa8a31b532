package convert

import (
	"sync"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
)

// Clock is the clock that a stack's Config names.
type Clock interface {
	Now() time.Time
	AfterFunc(d time.Duration, f func()) (stop func() bool)
}

// EngineClock lets gVisor run on c. Its monotonic time counts from the call.
func EngineClock(c Clock) tcpip.Clock {
	return &engineClock{Clock: c, start: c.Now()}
}

var _ tcpip.Clock = (*engineClock)(nil)

type engineClock struct {
	Clock
	start time.Time
}

// NowMonotonic implements tcpip.Clock. time.Time keeps its monotonic reading, so a real clock that
// is set back does not take this one with it.
func (c *engineClock) NowMonotonic() tcpip.MonotonicTime {
	return tcpip.MonotonicTime{}.Add(c.Clock.Now().Sub(c.start))
}

// AfterFunc implements tcpip.Clock.
func (c *engineClock) AfterFunc(d time.Duration, f func()) tcpip.Timer {
	t := &engineTimer{clock: c.Clock, f: f}
	t.Reset(d)
	return t
}

// engineTimer makes a resettable timer of one-shot ones.
type engineTimer struct {
	clock Clock
	f     func()

	mu   sync.Mutex
	stop func() bool
}

func (t *engineTimer) Stop() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stop()
}

func (t *engineTimer) Reset(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stop != nil {
		t.stop()
	}
	t.stop = t.clock.AfterFunc(d, t.f)
}
