package stack

import (
	"sync"
	"time"
)

// deadline is one read or write deadline of a conn, on the stack's clock.
type deadline struct {
	clock Clock

	mu     sync.Mutex
	passed chan struct{} // closed when the deadline has passed
	nth    uint64        // how often it was set: a timer of an earlier time must not end a later one
	stop   func() bool
	ended  bool // none can be set any more
}

// init makes d ready, without a deadline.
func (d *deadline) init(clock Clock) {
	d.clock = clock
	d.passed = make(chan struct{})
}

// set moves the deadline to t; the zero time means none. A time that has passed ends waits at once,
// and those that follow until set is called again.
func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.ended {
		d.move(t)
	}
}

// end takes the deadline back for good: who sets one while the conn is being closed must not leave a
// timer behind.
func (d *deadline) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.move(time.Time{})
	d.ended = true
}

// move is set; d.mu is held.
func (d *deadline) move(t time.Time) {
	if d.stop != nil {
		// If the timer is on its way already, expire ignores it. To wait for it here would deadlock
		// a clock whose driver calls set from another timer.
		d.stop()
		d.stop = nil
	}
	d.nth++
	select {
	case <-d.passed:
		d.passed = make(chan struct{})
	default: // who waits now goes on to wait, for the new time
	}
	if t.IsZero() {
		return
	}
	left := t.Sub(d.clock.Now())
	if left <= 0 {
		close(d.passed)
		return
	}
	nth := d.nth
	d.stop = d.clock.AfterFunc(left, func() { d.expire(nth) })
}

// expire ends the nth deadline.
func (d *deadline) expire(nth uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.nth == nth {
		close(d.passed)
	}
}

// wait returns a channel that is closed when the deadline has passed. It is good for one wait: after
// the deadline has passed, the next one gets a new channel.
func (d *deadline) wait() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.passed
}
