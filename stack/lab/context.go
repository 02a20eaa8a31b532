package lab

import (
	"context"
	"errors"
	"time"

	"github.com/hextet/hextet/stack/internal/turn"
)

// WithTimeout is context.WithTimeout in the lab's time. The error of contexts made from it is Canceled, with
// the Cause DeadlineExceeded; hosts look at the cause.
func (l *Lab) WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return l.WithDeadline(ctx, l.Now().Add(d))
}

// WithDeadline is context.WithDeadline in the lab's time.
func (l *Lab) WithDeadline(ctx context.Context, at time.Time) (context.Context, context.CancelFunc) {
	if before, ok := ctx.Value(turn.DeadlineKey{}).(time.Time); ok && before.Before(at) {
		at = before // which ends it
	}
	ctx, cancel := context.WithCancelCause(ctx)
	end := func() { cancel(context.DeadlineExceeded) }
	if d := at.Sub(l.Now()); d > 0 {
		stop := l.sched.after(nil, d, end)
		return timeoutContext{ctx, at}, func() {
			stop()
			cancel(context.Canceled)
		}
	}
	end()
	return timeoutContext{ctx, at}, func() { cancel(context.Canceled) }
}

type timeoutContext struct {
	context.Context
	deadline time.Time
}

func (c timeoutContext) Value(key any) any {
	if key == (turn.DeadlineKey{}) {
		return c.deadline
	}
	return c.Context.Value(key)
}

// Deadline is in the lab's time.
func (c timeoutContext) Deadline() (time.Time, bool) { return c.deadline, true }

// Err is DeadlineExceeded after the time is over, as the standard library's is.
func (c timeoutContext) Err() error {
	if c.Context.Err() == nil {
		return nil
	}
	if errors.Is(context.Cause(c.Context), context.DeadlineExceeded) {
		return context.DeadlineExceeded
	}
	return context.Canceled
}
