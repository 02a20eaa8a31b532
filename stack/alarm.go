package stack

import (
	"sync"
	"time"
)

// An alarm is one timer that is set again and again. Its zero value, with clock and ring, is silent.
type alarm struct {
	clock Clock
	ring  func() // runs without the alarm's lock; it may still run once after a set or close

	mu     sync.Mutex
	at     time.Time // zero: silent
	stop   func() bool
	closed bool
}

// set makes the alarm ring at a time, or never if that is zero, and no more at another.
func (a *alarm) set(at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed || at.Equal(a.at) {
		return
	}
	if a.stop != nil {
		a.stop()
		a.stop = nil
	}
	a.at = at
	if !at.IsZero() {
		a.stop = a.clock.AfterFunc(max(at.Sub(a.clock.Now()), 0), a.fire)
	}
}

func (a *alarm) fire() {
	a.mu.Lock()
	a.at = time.Time{} // so that the same time can be set again
	closed := a.closed
	a.mu.Unlock()
	if !closed {
		a.ring()
	}
}

// close silences the alarm for good.
func (a *alarm) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	if a.stop != nil {
		a.stop()
	}
}
