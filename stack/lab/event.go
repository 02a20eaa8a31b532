package lab

import (
	"container/heap"
	"time"
)

// event is something that happens at a time. Those of one time happen in the order in which they were
// arranged.
type event struct {
	at    time.Time
	seq   uint64
	f     func()
	kind  eventKind
	host  *turns // of ofHost
	index int    // in the heap; -1: not there
}

// eventKind says to whom an event happens.
type eventKind uint8

const (
	ofTask eventKind = iota // it is a task's own, and may be anybody's concern
	ofHost                  // it happens to one host
	ofWire                  // its f says to whom it happens
)

// events is a heap of what is to come.
type events []*event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	if !e[i].at.Equal(e[j].at) {
		return e[i].at.Before(e[j].at)
	}
	return e[i].seq < e[j].seq
}
func (e events) Swap(i, j int) {
	e[i], e[j] = e[j], e[i]
	e[i].index, e[j].index = i, j
}
func (e *events) Push(x any) {
	ev := x.(*event)
	ev.index = len(*e)
	*e = append(*e, ev)
}
func (e *events) Pop() any {
	old := *e
	ev := old[len(old)-1]
	old[len(old)-1] = nil
	*e = old[:len(old)-1]
	ev.index = -1
	return ev
}

// remove takes ev out, and reports whether it was there.
func (e *events) remove(ev *event) bool {
	if ev.index < 0 {
		return false
	}
	heap.Remove(e, ev.index)
	return true
}

// after arranges for f to run after d, on the scheduler's own goroutine, which it must not block. It happens
// to h, or, if that is nil, it is a task's own.
func (s *scheduler) after(h *turns, d time.Duration, f func()) (stop func() bool) {
	kind := ofHost
	if h == nil {
		kind = ofTask
	}
	return s.arrange(&event{f: f, kind: kind, host: h}, d)
}

// arrange lets ev happen after d.
func (s *scheduler) arrange(ev *event, d time.Duration) (stop func() bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	ev.at, ev.seq = s.clockNow().Add(max(d, 0)), s.seq
	heap.Push(&s.events, ev)
	if len(s.holders) == 0 { // else whoever has a turn will end it
		s.notify()
	}
	return func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.events.remove(ev)
	}
}

// deliver lets one of several things happen of which an event consists: f, to h. It is called by the event.
func (s *scheduler) deliver(h *turns, f func()) {
	s.mu.Lock()
	s.touch(h)
	s.mu.Unlock()
	f()
	s.settle()
}
