package stack

import "time"

// A Clock is the time that a Stack lives by: neighbour discovery, lifetimes, TCP, Happy
// Eyeballs and the deadlines of conns. Contexts and net.Resolver keep the standard library's own time; see
// Stack.Resolver for what that means.
//
// dnsreg.Clock has the same methods, so one value serves both.
type Clock interface {
	Now() time.Time

	// AfterFunc runs f on a goroutine of its own, or on that of whoever drives the clock, once d
	// has passed: never within the call itself. stop reports whether it prevented the run.
	AfterFunc(d time.Duration, f func()) (stop func() bool)
}

// Now returns the time by Config.Clock: what the deadlines of conns and the ends of lifetimes are
// counted by.
func (s *Stack) Now() time.Time { return s.clock.Now() }

type realClock struct{}

func (realClock) Now() time.Time { return time.Now() }

func (realClock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	return time.AfterFunc(d, f).Stop
}
