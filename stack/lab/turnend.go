package lab

import (
	"math"
	"time"
)

const (
	// Who has a turn in a process that is quiet for so long seems to wait for something that is not the lab's. The
	// stacks tell.
	quietSilence = 2 * time.Millisecond
	// In a process that is not quiet for so long, another test runs beside this one say, the stacks tell too.
	quietBusy = 20 * time.Millisecond
	// To have the stacks stops the world: the more often they told nothing, the longer it takes until the next
	// time, at most so many times twice as long.
	lookDoublings = 5
)

// A goroutine that was started by a task may compute while the task waits for it, as the standard library's
// resolver does, but not for ever: it may be one that always computes, and the task wait for something else.
var helpPatience = 10 * time.Second

// vigil is over a turn that does not end.
type vigil struct {
	moves  uint64 // which turn that is
	pause  time.Duration
	silent time.Time // since when the process is quiet; zero: it is not
	looked time.Time // at the stacks, or at nothing yet
	looks  int
	helped time.Time // since when who has the turn waits and somebody works who may do so for him; zero: that is not so
}

func newVigil(moves uint64) vigil {
	return vigil{moves: moves, pause: quietPause, looked: time.Now()}
}

// isQuiet notes whether the process is quiet.
func (v *vigil) isQuiet(is bool, now time.Time) {
	switch {
	case !is:
		v.silent = time.Time{}
	case v.silent.IsZero():
		v.silent = now
	}
}

// shouldLook reports whether it is time to look at the stacks.
func (v *vigil) shouldLook(now time.Time) bool {
	doubled := min(v.looks, lookDoublings)
	if !v.silent.IsZero() {
		return now.Sub(v.silent) > quietSilence<<doubled
	}
	return now.Sub(v.looked) > quietBusy<<doubled
}

// look reports whether, by the stacks, who has the turn waits for something that is not the lab's. Who waits
// for somebody who works, or waits himself for his processor, does not. lab are the lab's goroutines; nil: no
// matter who works.
func (v *vigil) look(holders []uint64, lab map[uint64]bool, self uint64) (elsewhere bool) {
	all := dump()
	now := time.Now()
	v.looks++
	v.looked, v.silent = now, time.Time{}
	switch {
	case !all.wait(holders):
		v.helped = time.Time{}
		return false
	case lab == nil || !all.works(lab, self):
		return true
	case v.helped.IsZero():
		v.helped = now
	}
	return now.Sub(v.helped) > helpPatience
}

// awaitTurnEnd returns when nobody has a turn. Who has one and waits for something that is not the lab's,
// a channel or a lock, loses it. That the processors are elsewhere is no such sign: on a machine that is busy,
// nothing may happen for long, and a goroutine that a task waits for have everything left to do.
func (s *scheduler) awaitTurnEnd() {
	for v := (vigil{moves: math.MaxUint64}); ; {
		s.mu.Lock()
		holders, moves := s.holderIDs(), s.moves
		s.mu.Unlock()
		if len(holders) == 0 {
			return
		}
		if moves != v.moves {
			v = newVigil(moves)
		}
		s.timer.Reset(v.pause)
		select {
		case <-s.wake:
			continue
		case <-s.timer.C:
		}
		v.pause = min(2*v.pause, quietSilence/2)
		if s.isElsewhere(&v, holders) {
			s.deprive(moves)
		}
	}
}

// isElsewhere reports whether who has the turn is to lose it.
func (s *scheduler) isElsewhere(v *vigil, holders []uint64) bool {
	now := time.Now()
	if s.real != nil { // which nobody stops: order is of no use then
		return now.Sub(v.looked) > quietSilence
	}
	v.isQuiet(s.quiet.now(), now)
	if s.foreign.Load() { // nor is it now
		return !v.silent.IsZero() || v.shouldLook(now) && v.look(holders, nil, 0)
	}
	return v.shouldLook(now) && v.look(holders, s.goroutines(), s.driver)
}

// goroutines returns the lab's.
func (s *scheduler) goroutines() map[uint64]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[uint64]bool)
	for id := range s.names {
		all[id] = true
	}
	return all
}

// deprive takes the turns away from who has them, unless something moved since, or is about to.
func (s *scheduler) deprive(moves uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.moves == moves && s.lending == 0 {
		s.holders = s.holders[:0]
		s.moves++
		s.foreign.Store(true)
	}
}
