package dnsreg

import (
	"context"
	"time"
)

// Clock is the time of a Registrar. It must be safe for use from several goroutines.
type Clock interface {
	Now() time.Time
	// AfterFunc calls f in its own goroutine after d. stop reports whether it prevented that.
	AfterFunc(d time.Duration, f func()) (stop func() bool)
}

type hostClock struct{}

func (hostClock) Now() time.Time { return time.Now() }

func (hostClock) AfterFunc(d time.Duration, f func()) func() bool {
	return time.AfterFunc(d, f).Stop
}

// after returns a channel that is closed when d has passed. stop releases the timer.
func after(c Clock, d time.Duration) (elapsed <-chan struct{}, stop func() bool) {
	ch := make(chan struct{})
	return ch, c.AfterFunc(d, func() { close(ch) })
}

// withTimeout is context.WithTimeoutCause on the given clock, with errTimeout as cause.
func withTimeout(ctx context.Context, c Clock, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := c.AfterFunc(d, func() { cancel(errTimeout) })
	return ctx, func() {
		stop()
		cancel(context.Canceled)
	}
}
