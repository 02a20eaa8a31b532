package lab

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/internal/turn"
)

// turns is one stack's clock, and its turn.Host.
type turns struct {
	s    *scheduler
	name string
	src  lockedSource

	unsettled atomic.Bool   // something happened since it last settled
	asked     bool          // in scheduler.dirty; under its lock
	touched   atomic.Uint64 // what scheduler.touches was when something last happened

	settles atomic.Pointer[func()]
	states  atomic.Pointer[func() uint64]
}

var (
	_ stack.Clock   = (*turns)(nil)
	_ turn.Host     = (*turns)(nil)
	_ turn.Follower = (*turns)(nil)
)

func newTurns(s *scheduler, name string, seed uint64) *turns {
	t := &turns{s: s, name: name}
	t.src.src = rand.NewPCG(seed, hashOf(name))
	return t
}

func (t *turns) Now() time.Time {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	t.s.touch(t) // whoever asks does something
	return t.s.clockNow()
}

// note remembers that something happened, such as a group that was joined: for that a stack asks for the time,
// sets a timer or sends a packet.
func (t *turns) note() { t.touched.Store(t.s.touches.Load()) }

func (t *turns) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	t.note()
	return t.s.after(t, d, f)
}

func (t *turns) Wait(ready func() bool) { t.s.park(t, "at "+t.name, ready) }
func (t *turns) Borrow() func()         { return t.s.borrow() }
func (t *turns) Go(f func())            { t.s.begin("a goroutine of "+t.name, f) }
func (t *turns) Attend(settle func())   { t.settles.Store(&settle) }
func (t *turns) Source() rand.Source    { return &t.src }

// Follow is told how to number what the stack chooses its sources by.
func (t *turns) Follow(state func() uint64) { t.states.Store(&state) }

// state is that number.
func (t *turns) state() uint64 {
	if f := t.states.Load(); f != nil {
		return (*f)()
	}
	return 0
}

// settleNow waits for the stack to settle. What it does on the way happens to itself, and shows in unsettled.
func (t *turns) settleNow() {
	if f := t.settles.Load(); f != nil {
		(*f)()
	}
}

// lockedSource makes a source safe for concurrent use.
type lockedSource struct {
	mu  sync.Mutex
	src rand.Source
}

func (l *lockedSource) Uint64() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.src.Uint64()
}
