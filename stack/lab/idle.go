package lab

import (
	"fmt"
	"strings"
	"time"
)

// patience ends a lab in which time passes and nobody gets on: a server that waits for a client that
// nobody started would otherwise wait for ever, among hosts that solicit routers once an hour.
type patience struct {
	limit time.Duration
	since time.Time // when somebody last got on
	told  bool
}

func (p *patience) progress(now time.Time) { p.since = now }

// event is told of every event, and whether it was a task's own. It returns an error when it is time to
// give up, once.
func (p *patience) event(now time.Time, own bool) error {
	if own {
		p.since = now
	}
	if p.told || p.limit <= 0 || now.Sub(p.since) <= p.limit {
		return nil
	}
	p.told = true
	return fmt.Errorf("lab: %v passed and no task went on (Config.Patience)", p.limit)
}

// idle waits until there is something to do. If everybody waits for somebody else, it says so.
func (s *scheduler) idle() {
	if s.stalled() {
		s.stuck(fmt.Errorf("lab: everybody waits and nothing is to come:\n%s", s.waiting()))
	}
	<-s.wake
}

// stalled reports whether all goroutines that the lab knows wait, none of them for more time to be granted.
func (s *scheduler) stalled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.real == nil && !s.foreign.Load() && !s.manual && !s.stop && s.running == 0 && len(s.parked) > 0 && len(s.events) == 0
}

// waiting lists who waits for what.
func (s *scheduler) waiting() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, w := range s.parked {
		fmt.Fprintf(&b, "\tsomebody waits %s\n", w.what)
	}
	return b.String()
}
