package lab

import (
	"bytes"
	"fmt"
	"slices"
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
// give up, once: not while any of the events to come is a task's own, which waits for that, in a long Sleep say.
func (p *patience) event(now time.Time, own bool, toCome events) error {
	if own {
		p.since = now
	}
	if p.told || p.limit <= 0 || now.Sub(p.since) <= p.limit {
		return nil
	}
	if slices.ContainsFunc(toCome, func(e *event) bool { return e.kind == ofTask }) {
		p.since = now
		return nil
	}
	p.told = true
	return fmt.Errorf("lab: %v passed and no task went on (Config.Patience)", p.limit)
}

const (
	// A context that somebody else ends tells nobody: so who waits is asked now and then.
	idleAsk    = time.Millisecond
	idleAskMax = 20 * time.Millisecond
	// Goroutines that nobody noticed yet may bring something, if the process is not quiet, or grant time.
	idleLong = time.Second
)

// idle waits until there is something to do. If everybody waits for somebody else, it says so.
func (s *scheduler) idle() {
	began := time.Now()
	for pause := idleAsk; ; pause = min(2*pause, idleAskMax) {
		s.timer.Reset(pause)
		select {
		case <-s.wake:
			return
		case <-s.timer.C:
		}
		if s.anyReady() {
			return
		}
		waited := time.Since(began)
		long := waited > idleLong
		if s.stalled(long) && (long || s.quiet.now()) && (waited > helpPatience || !dump().works(s.goroutines(), s.driver)) {
			s.stuck(fmt.Errorf("lab: everybody waits and nothing is to come:\n%s", s.waiting()))
			return
		}
	}
}

// anyReady asks all who wait, also those to whom nothing happened.
func (s *scheduler) anyReady() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.parked {
		if w.ready() {
			s.all = true
			return true
		}
	}
	return false
}

// stalled reports whether all goroutines that the lab knows wait. Under Config.Manual somebody whom it does
// not know may still grant time, if it has not been long.
func (s *scheduler) stalled(long bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.real != nil || s.foreign.Load() || s.over.Load() || s.stop || len(s.holders) > 0 || len(s.parked) == 0 {
		return false
	}
	return len(s.events) == 0 && !s.manual || s.manual && long
}

// waiting lists who waits for what, and where in the program.
func (s *scheduler) waiting() string {
	all := dump()
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, w := range s.parked {
		fmt.Fprintf(&b, "\t%s waits %s%s\n", s.nameOf(w.id), w.what, whereabouts(all[w.id].stack))
	}
	return b.String()
}

// nameOf returns what a goroutine is called. The lock is held.
func (s *scheduler) nameOf(id uint64) string {
	if name := s.names[id]; name != "" {
		return name
	}
	return fmt.Sprintf("goroutine %d", id)
}

// whereabouts returns the line of the program at which a goroutine waits: the first one in its stack that is
// neither this package's nor a stack's.
func whereabouts(g []byte) string {
	lines := bytes.Split(g, []byte("\n"))
	for i := 1; i+1 < len(lines); i += 2 {
		f := lines[i]
		if bytes.HasPrefix(f, []byte("github.com/hextet/hextet/stack.")) || bytes.HasPrefix(f, []byte("github.com/hextet/hextet/stack/lab.")) {
			continue
		}
		at, _, _ := bytes.Cut(bytes.TrimSpace(lines[i+1]), []byte(" +0x"))
		if bytes.HasPrefix(f, []byte("created by ")) || len(at) == 0 {
			break
		}
		return fmt.Sprintf(", at %s", at)
	}
	return ""
}
