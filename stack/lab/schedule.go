package lab

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// scheduler is the lab's time and its order. At most one goroutine of the lab runs at a time: a task that
// has its turn, or drive, which carries out events and hands out turns. A turn ends where the task would
// block. When nobody is ready and every stack has settled, time goes on to the next event.
//
// A goroutine that the lab did not start runs beside all this. As soon as one is noticed, time goes on only
// when the whole process is quiet: everything works, but no longer in the same order each time.
type scheduler struct {
	wake    chan struct{} // holds a token when drive has something to look at
	stopped chan struct{} // closed when drive has returned
	foreign atomic.Bool   // a goroutine that is none of the lab's was noticed
	quiet   *quiet
	timer   *time.Timer // drive's

	mu      sync.Mutex
	now     time.Time
	events  events
	seq     uint64
	running int       // goroutines that have their turn
	parked  []*waiter // in the order in which they came
	all     bool      // all of parked are to be asked, not only those at a dirty stack
	dirty   []*turns  // stacks that something happened to
	until   time.Time // time goes no further; zero: it goes on as events are due
	manual  bool      // it never goes beyond until
	stop    bool
	stuck   func(error) // told when nothing can happen any more
	look    func()      // looks at what was sent, before anything else happens
	patient patience
	real    *realTime // nil: time is the lab's own
}

// waiter is a goroutine that waits for its turn.
type waiter struct {
	ready func() bool
	host  *turns        // where it waits; nil: elsewhere
	turn  chan struct{} // closed when it has its turn
	what  string
}

func newScheduler(start time.Time, stuck func(error)) *scheduler {
	return &scheduler{
		wake: make(chan struct{}, 1), stopped: make(chan struct{}),
		now: start, running: 1, stuck: stuck, quiet: newQuiet(), timer: time.NewTimer(0),
	}
}

// drive runs the lab until it is stopped.
func (s *scheduler) drive() {
	defer close(s.stopped)
	for s.step() {
	}
}

// step does the next thing there is to do. It returns false at the end.
func (s *scheduler) step() bool {
	s.awaitTurnEnd()
	s.settle()
	s.look()
	s.drain() // what comes from now on comes from elsewhere
	if w := s.nextReady(); w != nil {
		close(w.turn)
		return true
	}
	s.mu.Lock()
	e, ok := s.due()
	stop := s.stop && s.running == 0 && len(s.parked) == 0
	s.mu.Unlock()
	switch {
	case stop:
		return false
	case !ok:
		s.idle()
		return true
	}
	if e.at.After(s.time()) {
		if s.real != nil {
			s.awaitReal(e.at)
			return true
		}
		if !s.mayAdvance() {
			return true // somebody came
		}
	}
	s.carryOut(e)
	return true
}

// due returns the next event, which stays where it is.
func (s *scheduler) due() (*event, bool) {
	if len(s.events) == 0 {
		return nil, false
	}
	e := s.events[0]
	if s.manual && e.at.After(s.until) {
		return nil, false
	}
	return e, true
}

// carryOut lets an event happen, unless it was cancelled since.
func (s *scheduler) carryOut(e *event) {
	s.mu.Lock()
	if !s.events.remove(e) {
		s.mu.Unlock()
		return
	}
	if e.at.After(s.now) {
		s.now = e.at
	}
	if e.host != nil {
		s.touch(e.host)
	} else {
		s.all = true
	}
	tired := s.patient.event(s.now, e.host == nil)
	s.mu.Unlock()
	if tired != nil {
		s.stuck(tired)
	}
	e.f()
}

// nextReady gives the first goroutine that can go on its turn.
func (s *scheduler) nextReady() *waiter {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, w := range s.parked {
		if !s.all && w.host != nil && !w.host.asked {
			continue
		}
		if w.ready() {
			s.parked = slices.Delete(s.parked, i, i+1)
			s.running++
			s.all = true // it may do anything to anybody
			s.patient.progress(s.now)
			return w
		}
	}
	s.all = false
	for _, t := range s.dirty {
		t.asked = false
	}
	s.dirty = s.dirty[:0]
	return nil
}

// settle waits until the stacks that something happened to have worked it off.
func (s *scheduler) settle() {
	for {
		s.mu.Lock()
		var next *turns
		for _, t := range s.dirty {
			if t.unsettled.Load() {
				next = t
				break
			}
		}
		s.mu.Unlock()
		if next == nil {
			return
		}
		next.settleNow()
	}
}

// touch notes that something happened to a stack. The lock is held.
func (s *scheduler) touch(t *turns) {
	t.unsettled.Store(true)
	if !t.asked {
		t.asked = true
		s.dirty = append(s.dirty, t)
	}
}

// park ends the caller's turn until ready.
func (s *scheduler) park(h *turns, what string, ready func() bool) {
	if ready() {
		return
	}
	w := &waiter{ready: ready, host: h, what: what, turn: make(chan struct{})}
	s.mu.Lock()
	s.leave()
	s.parked = append(s.parked, w)
	s.all = true
	s.mu.Unlock()
	s.notify()
	select {
	case <-w.turn:
	case <-s.stopped: // from now on everybody blocks by himself
	}
}

// leave ends a turn. A goroutine that has none is not the lab's. The lock is held.
func (s *scheduler) leave() {
	if s.running > 0 {
		s.running--
	} else {
		s.foreign.Store(true)
	}
}

// begin runs f on a goroutine of its own, when its turn comes.
func (s *scheduler) begin(f func()) {
	w := &waiter{ready: func() bool { return true }, turn: make(chan struct{}), what: "to begin"}
	s.mu.Lock()
	s.parked = append(s.parked, w)
	s.all = true
	s.mu.Unlock()
	s.notify()
	go func() {
		select {
		case <-w.turn:
		case <-s.stopped:
		}
		defer s.end() // also if f ends the goroutine
		f()
	}()
}

func (s *scheduler) end() {
	s.mu.Lock()
	s.leave()
	s.all = true
	s.mu.Unlock()
	s.notify()
}

func (s *scheduler) drain() {
	select {
	case <-s.wake:
	default:
	}
}

func (s *scheduler) notify() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *scheduler) time() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clockNow()
}

// shutDown ends drive as soon as no goroutine waits for its turn any more.
func (s *scheduler) shutDown() {
	s.mu.Lock()
	s.stop = true
	s.leave()
	s.mu.Unlock()
	s.notify()
	<-s.stopped
}
