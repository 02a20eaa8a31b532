package lab

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// scripts are what is to happen when certain packets are seen.
type scripts struct {
	s    *scheduler
	mu   sync.Mutex                // of the writers
	list atomic.Pointer[[]*script] // in the order in which they came
}

type script struct {
	match func(Packet) bool
	do    func(Packet)
}

// add returns a function that takes the script out again.
func (s *scripts) add(sched *scheduler, match func(Packet) bool, do func(Packet)) (stop func()) {
	sc := &script{match, do}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.s = sched
	list := []*script{sc}
	if old := s.list.Load(); old != nil {
		list = append(slices.Clone(*old), sc)
	}
	s.list.Store(&list)
	return func() { s.remove(sc) }
}

func (s *scripts) remove(sc *script) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := slices.DeleteFunc(slices.Clone(*s.list.Load()), func(other *script) bool { return other == sc })
	s.list.Store(&list)
}

// see arranges for what the scripts want of a packet that a host has just sent. Locks are held.
func (s *scripts) see(from *turns, p Packet) {
	list := s.list.Load()
	if list == nil {
		return
	}
	for _, sc := range *list {
		if sc.match == nil || sc.match(p) {
			s.s.after(from, 0, func() { sc.do(p) })
		}
	}
}

// On has do called for every packet that a host puts on a segment from now on, if match reports true; a nil
// match does for all. Calling stop ends that; what was matched already is still done.
//
// The packet has its Number and its Fates, but no Choice yet.
//
// match is called with locks held: it looks at the packet and at nothing else. do is called at once after, at
// the same time of the lab's, after what was to happen at that time anyhow. It may send, and change
// anything, but must not wait: what has to, Go does. Neither may change the packet's data.
func (l *Lab) On(match func(Packet) bool, do func(Packet)) (stop func()) {
	return l.scripts.add(l.sched, match, do)
}

// AfterFunc starts f as a task in d, unless stop is called before, or the lab is closed by then. stop reports
// whether it prevented that.
func (l *Lab) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	return l.sched.after(nil, d, func() {
		if l.ctx.Err() == nil {
			l.Go("what AfterFunc arranged", func(context.Context) error { f(); return nil })
		}
	})
}

// LastPacket returns the latest packet that a host has sent and for which match reports true; a nil match does
// for all.
func (l *Lab) LastPacket(match func(Packet) bool) (Packet, bool) {
	for _, p := range slices.Backward(l.Packets()) {
		if match == nil || match(p) {
			return p, true
		}
	}
	return Packet{}, false
}
