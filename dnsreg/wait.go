package dnsreg

import (
	"context"
	crypto "crypto/rand"
	"encoding/binary"
	"math/rand/v2"
)

// Simulation is a Clock that has to know who waits: one whose time stands still while anybody has something
// left to do, as in a network that exists in memory only. There a Registrar waits through Wait, for the time,
// for the Source and for its turn, starts its goroutines by Go, and draws what is random from Source, so that a
// run can be repeated. It is nothing for real networks: whoever knows the Source knows the ids of messages.
type Simulation interface {
	Clock
	// Wait returns when ready returns true, or when the Clock has come to an end. ready is called from any
	// goroutine each time that something may have changed, and does not block.
	Wait(ready func() bool)
	// Go runs f on a goroutine of its own.
	Go(f func())
	// Source must be safe for use from several goroutines.
	Source() rand.Source
}

// await receives from one of the channels, of those that are ready the first, and returns it. At most five
// may be given. A channel is one that is closed some time or has room for tokens; nil is never ready.
func await(c Clock, channels ...<-chan struct{}) <-chan struct{} {
	if s, ok := c.(Simulation); ok {
		s.Wait(func() bool { return firstReady(channels) != nil })
	}
	if ch := firstReady(channels); ch != nil {
		select {
		case <-ch:
			return ch
		default: // somebody else has taken the token
		}
	}
	var ch [5]<-chan struct{}
	copy(ch[:], channels)
	select {
	case <-ch[0]:
		return ch[0]
	case <-ch[1]:
		return ch[1]
	case <-ch[2]:
		return ch[2]
	case <-ch[3]:
		return ch[3]
	case <-ch[4]:
		return ch[4]
	}
}

// firstReady returns the first channel of which a receive would not block, nil if there is none. Tokens stay
// where they are.
func firstReady(channels []<-chan struct{}) <-chan struct{} {
	for _, ch := range channels {
		if cap(ch) > 0 {
			if len(ch) > 0 {
				return ch
			}
			continue
		}
		select {
		case <-ch:
			return ch
		default:
		}
	}
	return nil
}

// start runs f on a goroutine of its own, the Clock's if it has some.
func start(c Clock, f func()) {
	if s, ok := c.(Simulation); ok {
		s.Go(f)
		return
	}
	go f()
}

// onEnd runs f on a goroutine of its own when ctx ends before stop is called. stop waits for that goroutine, and is
// to be called once.
func onEnd(ctx context.Context, c Clock, f func()) (stop func()) {
	ended := make(chan struct{})
	if _, ok := c.(Simulation); !ok {
		forget := context.AfterFunc(ctx, func() {
			defer close(ended)
			f()
		})
		return func() {
			if !forget() {
				<-ended
			}
		}
	}
	stopped := make(chan struct{})
	start(c, func() {
		defer close(ended)
		if await(c, stopped, ctx.Done()) == ctx.Done() {
			f()
		}
	})
	return func() {
		close(stopped)
		await(c, ended)
	}
}

// diceOf returns what decides all that is random: ids and jitter.
func diceOf(c Clock) *rand.Rand {
	if s, ok := c.(Simulation); ok {
		return rand.New(s.Source())
	}
	return rand.New(unpredictable{})
}

// unpredictable is crypto/rand as a Source.
type unpredictable struct{}

func (unpredictable) Uint64() uint64 {
	var b [8]byte
	crypto.Read(b[:]) // never fails
	return binary.NativeEndian.Uint64(b[:])
}
