package lab

import (
	"runtime"
	"runtime/metrics"
	"time"
)

// quiet tells whether any other goroutine of the process does something, by the runtime's own count. It is
// needed only for goroutines that the lab did not start: whether these are done, nobody else can tell.
type quiet struct {
	samples []metrics.Sample
	outside uint64    // goroutines that always are in a system call: that of os/signal, say
	more    time.Time // since when nothing but more of these keeps the process from being quiet
	vain    int       // times in a row that the process did not become quiet
}

// What the runtime calls them, in the order in which quiet has them.
var quietNames = []string{
	"/sched/goroutines/running:goroutines",
	"/sched/goroutines/runnable:goroutines",
	"/sched/goroutines/not-in-go:goroutines",
}

const (
	// The process counts as quiet if it is so several times in a row.
	quietSamples = 4
	quietPause   = 20 * time.Microsecond
	// Who has a turn and does nothing for so long waits for something that is not the lab's.
	quietSilence = 2 * time.Millisecond
	// Where no goroutine was noticed that is not the lab's, the process may be busy for other reasons, a
	// test beside this one say: there is little point in waiting for it.
	quietBriefly = 5 * time.Millisecond
	quietVain    = 20
	// A system call that takes so long is one that waits.
	quietHabit = 100 * time.Millisecond
	// A goroutine that is not the lab's may compute, but not for ever.
	quietAtLast = time.Second
)

func newQuiet() *quiet {
	q := new(quiet)
	for _, name := range quietNames {
		q.samples = append(q.samples, metrics.Sample{Name: name})
	}
	metrics.Read(q.samples)
	q.outside = q.count(2)
	return q
}

// now reports whether only the caller runs.
func (q *quiet) now() bool {
	for range quietSamples {
		runtime.Gosched()
		metrics.Read(q.samples)
		if q.count(0) > 1 || q.count(1) > 0 {
			q.more = time.Time{}
			return false
		}
		if q.count(2) > q.outside {
			return q.habit()
		}
	}
	q.more = time.Time{}
	return true
}

// habit takes what has been in a system call for long for something that always is.
func (q *quiet) habit() bool {
	switch now := time.Now(); {
	case q.more.IsZero():
		q.more = now
	case now.Sub(q.more) > quietHabit:
		q.outside = q.count(2)
	}
	return false
}

// count is 0 for a runtime that does not count.
func (q *quiet) count(i int) uint64 {
	if q.samples[i].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return q.samples[i].Value.Uint64()
}

// awaitTurnEnd returns when nobody has a turn. Who has one and waits for something that is not the lab's,
// a channel or a lock, is noticed by the silence, and loses it.
func (s *scheduler) awaitTurnEnd() {
	var silence time.Time // since when
	began := time.Now()
	for pause := quietPause; ; pause = min(2*pause, quietSilence/2) {
		s.mu.Lock()
		running := s.running
		s.mu.Unlock()
		if running == 0 {
			return
		}
		s.timer.Reset(pause)
		select {
		case <-s.wake:
			silence = time.Time{}
			continue
		case <-s.timer.C:
		}
		switch {
		case s.real != nil: // which nobody stops: order is of no use then
			if time.Since(began) > quietSilence && s.deprive(running) {
				return
			}
		case !s.quiet.now():
			silence = time.Time{}
		case silence.IsZero():
			silence = time.Now()
		case time.Since(silence) > quietSilence && s.deprive(running):
			return
		}
	}
}

// deprive takes the turn away from who has it, unless he just gave it back.
func (s *scheduler) deprive(running int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == running {
		s.running = 0
		s.foreign.Store(true)
	}
	return s.running == 0
}

// mayAdvance reports whether time may go on: all that runs has come to rest. It returns false as soon as
// there is something else to look at.
func (s *scheduler) mayAdvance() bool {
	foreign := s.foreign.Load()
	if !foreign && s.quiet.vain >= quietVain {
		return true
	}
	limit := quietBriefly
	if foreign {
		limit = quietAtLast
	}
	for began := time.Now(); ; time.Sleep(quietPause) {
		isQuiet := s.quiet.now()
		select {
		case <-s.wake:
			return false
		default:
		}
		switch {
		case isQuiet:
			s.quiet.vain = 0
			return true
		case time.Since(began) > limit:
			s.quiet.vain++
			return true
		}
	}
}
