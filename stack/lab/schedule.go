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
	over    atomic.Bool   // the lab is being closed or gave up: who waits for time or tasks goes on
	quiet   *quiet
	timer   *time.Timer // drive's
	driver  uint64      // the goroutine that drive is
	touches atomic.Uint64

	mu      sync.Mutex
	now     time.Time
	events  events
	seq     uint64
	holders []*waiter // who has a turn
	moves   uint64    // how often holders changed
	lending int       // goroutines that look whether a turn is lent to them
	parked  []*waiter // in the order in which they came
	all     bool      // all of parked are to be asked, not only those at a dirty stack
	dirty   []*turns  // stacks that something happened to
	until   time.Time // time goes no further; zero: it goes on as events are due
	manual  bool      // it never goes beyond until
	stop    bool
	cut     bool // stop whoever is left
	stuck   func(error)
	look    func() // looks at what was sent, before anything else happens; nil: nobody does
	patient patience
	real    *realTime         // nil: time is the lab's own
	names   map[uint64]string // what goroutines are called
}

// waiter is a goroutine that waits for its turn, or has it.
type waiter struct {
	id    uint64 // of the goroutine; 0: not known yet
	ready func() bool
	host  *turns        // where it waits; nil: elsewhere
	turn  chan struct{} // closed when it has its turn
	what  string
}

// newScheduler returns a scheduler under which the calling goroutine has its turn. stuck is told when nothing
// can happen any more.
func newScheduler(start time.Time, stuck func(error)) *scheduler {
	first := goroutineID()
	return &scheduler{
		wake: make(chan struct{}, 1), stopped: make(chan struct{}),
		now: start, stuck: stuck, quiet: newQuiet(), timer: time.NewTimer(0),
		holders: []*waiter{{id: first}}, names: map[uint64]string{first: "the lab's first task"},
	}
}

// drive runs the lab until it is stopped.
func (s *scheduler) drive() {
	defer close(s.stopped)
	s.driver = goroutineID()
	for s.step() {
	}
}

// step does the next thing there is to do. It returns false at the end.
func (s *scheduler) step() bool {
	s.awaitTurnEnd()
	s.settle()
	if s.look != nil {
		s.look()
	}
	s.drain() // what comes from now on comes from elsewhere
	if w := s.nextReady(); w != nil {
		close(w.turn)
		return true
	}
	s.mu.Lock()
	e, ok := s.due()
	now := s.clockNow()
	stop := s.stop && (s.cut || len(s.holders) == 0 && len(s.parked) == 0)
	s.mu.Unlock()
	switch {
	case stop:
		return false
	case !ok:
		s.idle()
		return true
	}
	if e.at.After(now) && s.real != nil {
		s.awaitReal(e.at)
		return true
	}
	if e.at.After(now) && !s.mayAdvance(e.at.Sub(now)) {
		return true // somebody came
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
	switch e.kind {
	case ofHost:
		s.touch(e.host)
	case ofTask:
		s.all = true
	}
	tired := s.patient.event(s.now, e.kind == ofTask, s.events)
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
	all := s.all || s.foreign.Load() // who is foreign tells nobody what he does: that he ends a context, say
	for i, w := range s.parked {
		if !all && w.host != nil && !w.host.asked {
			continue
		}
		if w.ready() {
			s.parked = slices.Delete(s.parked, i, i+1)
			s.holders = append(s.holders, w)
			s.moves++
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

// settle waits until the stacks that something happened to have worked it off. A stack is asked again until
// it did nothing meanwhile: what one of its goroutines gives another may come too late for the first asking.
func (s *scheduler) settle() {
	for {
		s.mu.Lock()
		var next *turns
		for _, t := range s.dirty {
			if t.unsettled.Swap(false) {
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
	t.note()
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
	w := &waiter{id: goroutineID(), ready: ready, host: h, what: what, turn: make(chan struct{})}
	s.leave(w.id, w)
	select {
	case <-w.turn:
	case <-s.stopped: // from now on everybody blocks by himself
	}
}

// leave ends the caller's turn and lets him wait as w, if that is not nil.
func (s *scheduler) leave(id uint64, w *waiter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch n := slices.IndexFunc(s.holders, func(h *waiter) bool { return h.id == id }); {
	case n >= 0:
		s.holders = slices.Delete(s.holders, n, n+1)
	case s.lent():
		s.holders = s.holders[:0]
	default:
		s.foreign.Store(true)
	}
	s.moves++
	s.all = true
	if w != nil {
		s.parked = append(s.parked, w)
	}
	s.notify()
}

// lent reports whether the caller, who has no turn, runs in the place of those who have: he was started by a
// task that waits for him in its own way, as a test does for a subtest, or is about to. The lock is held, but not
// while the others are looked at.
func (s *scheduler) lent() bool {
	s.lending++
	defer func() { s.lending-- }()
	turn, began := s.moves, time.Now()
	for pause := quietPause; len(s.holders) > 0 && s.moves == turn && !s.foreign.Load(); pause = min(2*pause, quietBusy) {
		holders := s.holderIDs()
		s.mu.Unlock()
		wait, patient := allWait(holders), time.Since(began) < helpPatience
		if !wait && patient {
			time.Sleep(pause)
		}
		s.mu.Lock()
		if wait || !patient {
			return wait && s.moves == turn
		}
	}
	return false
}

// borrow makes the turn that somebody has the caller's, until giveBack.
func (s *scheduler) borrow() (giveBack func()) {
	id := goroutineID()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.foreign.Load() || len(s.holders) != 1 {
		return func() {}
	}
	owner := s.holders[0].id
	s.holders[0].id = id
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, h := range s.holders {
			if h.id == id {
				h.id = owner
			}
		}
	}
}

// holderIDs returns who has a turn. The lock is held.
func (s *scheduler) holderIDs() []uint64 {
	var ids []uint64
	for _, h := range s.holders {
		ids = append(ids, h.id)
	}
	return ids
}

// begin runs f on a goroutine of its own, when its turn comes.
func (s *scheduler) begin(name string, f func()) {
	w := &waiter{ready: func() bool { return true }, turn: make(chan struct{}), what: "to begin"}
	s.mu.Lock()
	s.parked = append(s.parked, w)
	s.all = true
	s.mu.Unlock()
	s.notify()
	go func() {
		id := goroutineID()
		s.mu.Lock()
		w.id = id
		s.names[id] = name
		s.mu.Unlock()
		defer s.end(id) // also if f ends the goroutine
		select {
		case <-w.turn:
		case <-s.stopped:
		}
		f()
	}()
}

func (s *scheduler) end(id uint64) {
	s.leave(id, nil)
	s.mu.Lock()
	delete(s.names, id)
	s.mu.Unlock()
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

// finish lets go on who waits for time or for tasks.
func (s *scheduler) finish() {
	s.over.Store(true)
	s.mu.Lock()
	s.all = true
	s.mu.Unlock()
	s.notify()
}

// shutDown ends drive as soon as no goroutine waits for its turn any more, or at once.
func (s *scheduler) shutDown(atOnce bool) {
	s.mu.Lock()
	s.stop, s.cut = true, atOnce
	s.mu.Unlock()
	s.leave(goroutineID(), nil)
	<-s.stopped
}
