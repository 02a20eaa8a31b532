package engine

import (
	"sync"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
)

// A clock is gVisor's clock of real time, but that timers which expire together share a goroutine. Those of
// thousands of addresses, whose detection ends within a moment, would grow as many stacks, and queue for the
// lock of their interface. A timer that expires alone runs as it would have.
type clock struct {
	tcpip.Clock

	mu          sync.Mutex
	first, last *timer // in the queue
	runner      uint64 // who runs it; 0: nobody
	runners     uint64 // how many there have been
	ran         uint64 // how many timers
	watched     bool
	patience    time.Duration // for how long timers wait in the queue for one that runs
}

type timer struct {
	c *clock
	f func()

	// c.mu is held.
	real   *time.Timer // nil until there is something to wait for
	state  timerState
	at     time.Time // when it expires, if it is set
	queued bool      // stopped or not
	next   *timer    // in the queue
}

type timerState uint8

const (
	timerIdle timerState = iota // stopped, or it ran
	timerSet
	timerDue
)

// newClock returns a clock. No timer takes long, but for those that need a lock whose holder is stuck in a link,
// and on a machine that is too busy to run them.
func newClock() *clock {
	return &clock{Clock: tcpip.NewStdClock(), patience: 200 * time.Millisecond}
}

// AfterFunc implements tcpip.Clock.
func (c *clock) AfterFunc(d time.Duration, f func()) tcpip.Timer {
	t := &timer{c: c, f: f}
	t.Reset(d)
	return t
}

// Stop implements tcpip.Timer.
func (t *timer) Stop() bool {
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	return t.stop()
}

func (t *timer) stop() bool {
	if t.state == timerSet {
		t.real.Stop()
	}
	stopped := t.state != timerIdle
	t.state = timerIdle
	return stopped
}

// Reset implements tcpip.Timer.
func (t *timer) Reset(d time.Duration) {
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	if d <= 0 {
		t.stop()
		if t.c.enter(t) {
			go t.c.run(t.c.runner)
		}
		return
	}
	t.state, t.at = timerSet, time.Now().Add(d)
	if t.real == nil {
		t.real = time.AfterFunc(d, t.expired)
	} else {
		t.real.Reset(d)
	}
}

// expired runs after t.real expired. By then t may have been stopped, or set again.
func (t *timer) expired() {
	t.c.mu.Lock()
	runs := t.state == timerSet && !time.Now().Before(t.at) && t.c.enter(t)
	runner := t.c.runner
	t.c.mu.Unlock()
	if runs {
		t.c.run(runner)
	}
}

// enter puts t in the queue, and reports whether the caller is to run it as c.runner. c.mu is held.
func (c *clock) enter(t *timer) (run bool) {
	t.state = timerDue
	if !t.queued { // it was stopped there, else
		t.queued = true
		if c.last != nil {
			c.last.next = t
		} else {
			c.first = t
		}
		c.last = t
	}
	if c.runner != 0 {
		c.watch()
		return false
	}
	c.runners++
	c.runner = c.runners
	return true
}

// take takes the first timer out of the queue that was not stopped, nil if there is none. c.mu is held.
func (c *clock) take() *timer {
	for t := c.first; t != nil; t = c.first {
		c.first, t.next, t.queued = t.next, nil, false
		if c.first == nil {
			c.last = nil
		}
		if t.state == timerDue {
			t.state = timerIdle
			c.ran++
			return t
		}
	}
	return nil
}

// run runs the timers in the queue until it is empty, or others do.
func (c *clock) run(runner uint64) {
	for t := c.next(runner); t != nil; t = c.next(runner) {
		t.f()
	}
}

// next returns what a runner runs next, nil if that is nothing any more.
func (c *clock) next(runner uint64) *timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.runner != runner {
		return nil
	}
	t := c.take()
	if t == nil {
		c.runner = 0
	}
	return t
}

// watch sees to it that no timer is stuck behind another. c.mu is held.
func (c *clock) watch() {
	if !c.watched {
		c.watched = true
		before := c.ran
		time.AfterFunc(c.patience, func() { c.look(before) })
	}
}

// look runs all timers in the queue at once if no other has begun to run since before. If the runner is only slow, it
// gets help, until the queue is empty.
func (c *clock) look(before uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watched = false
	switch {
	case c.first == nil:
	case c.ran != before:
		go c.run(c.runner)
		c.watch()
	default:
		c.runner = 0
		for t := c.take(); t != nil; t = c.take() {
			go t.f()
		}
	}
}
