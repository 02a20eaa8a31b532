// Package turn lets somebody else decide which goroutine goes on next. Package lab does: it runs one at a
// time, in an order of its own, so that the same program leaves the same trace in every run.
package turn

import (
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net/netip"
)

// A Host decides for one stack. The stack asks its Clock whether it is one. Methods may be called from
// several goroutines at once.
type Host interface {
	// Wait is called by a goroutine that would block otherwise, and returns once ready has reported
	// true. ready is called by other goroutines, as often as they like, and must not block.
	Wait(ready func() bool)

	// Borrow is called by a goroutine that does what the one that has the turn waits for in its own way, as
	// the standard library's do. It has that turn until it calls giveBack.
	Borrow() (giveBack func())

	// Go runs f on a goroutine of its own, in its turn.
	Go(f func())

	// Attend gives the host a function that returns when the stack's own goroutines have worked off
	// what they were given.
	Attend(settle func())

	// Source is where the stack takes its random numbers from. It is safe for concurrent use.
	Source() rand.Source
}

// A Filter is a link that can keep away packets to groups of which an interface is no member, as a network
// card does.
type Filter interface {
	// Members gives the link a function that reports whether the interface is a member of a group. It
	// takes locks of the stack's, so it must not be called in a write.
	Members(of func(group netip.Addr) bool)
}

// A Follower is a Host that wants to know whether what a stack chooses sources and routes by is still the
// same. Follow is given a function that numbers its states, takes no lock and may be called anywhere.
type Follower interface {
	Follow(state func() uint64)
}

// DeadlineKey is the key by which contexts that end at a Host's time, not at a real one, have that: a time.Time.
// What they return as their Deadline may be another one, if somebody derived a context with a real deadline.
type DeadlineKey struct{}

// Of returns clock's Host, or nil if it has none.
func Of(clock any) Host {
	h, _ := clock.(Host)
	return h
}

// Ready reports whether one of the channels can be received from. Channels without a buffer are only ever
// closed.
func Ready(chans ...<-chan struct{}) bool {
	for _, c := range chans {
		if len(c) > 0 {
			return true
		}
		if cap(c) > 0 {
			continue
		}
		select {
		case <-c:
			return true
		default:
		}
	}
	return false
}

// Reader reads the numbers of src as bytes. It never fails.
func Reader(src rand.Source) io.Reader { return reader{src} }

type reader struct{ src rand.Source }

func (r reader) Read(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		var word [8]byte
		binary.LittleEndian.PutUint64(word[:], r.src.Uint64())
		b = b[copy(b, word[:]):]
	}
	return n, nil
}
