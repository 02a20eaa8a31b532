package gss

import (
	"sync"
	"time"

	"github.com/hextet/hextet/dnsreg"
)

// stoppedClock always shows the same time, and nothing ever comes due.
type stoppedClock time.Time

func (c stoppedClock) Now() time.Time { return time.Time(c) }

func (stoppedClock) AfterFunc(time.Duration, func()) func() bool { return func() bool { return true } }

// shiftedClock is another one, set forward or back.
type shiftedClock struct {
	dnsreg.Clock
	mu sync.Mutex
	by time.Duration
}

func (c *shiftedClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.Clock.Now().Add(c.by)
}

func (c *shiftedClock) shift(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.by += by
}
