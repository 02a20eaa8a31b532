package lab

import "time"

// realTime is the clock of a lab that something outside takes part in: the lab's time is real time, counted from
// its Config.Start.
type realTime struct {
	start, began time.Time
}

func newRealTime(start time.Time) *realTime { return &realTime{start, time.Now()} }

// clockNow brings now up to date, if it follows real time. The lock is held.
func (s *scheduler) clockNow() time.Time {
	if s.real != nil {
		if now := s.real.start.Add(time.Since(s.real.began)); now.After(s.now) {
			s.now = now
		}
	}
	return s.now
}

// awaitReal returns when it is that time, or there is something else to look at.
func (s *scheduler) awaitReal(at time.Time) {
	s.timer.Reset(at.Sub(s.time()))
	select {
	case <-s.wake:
	case <-s.timer.C:
	}
}
