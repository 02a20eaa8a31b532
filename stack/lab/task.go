package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"
)

// A Task is a goroutine of the lab's. Only one runs at a time, until it waits for a host, for another task
// or for time to pass.
type Task struct {
	l     *Lab
	name  string
	done  atomic.Bool
	asked atomic.Bool // somebody knows err
	err   error       // before done
}

// Go starts f as a task, which ends by the time Close returns: its context is done then, and the hosts are
// closed. An error that nobody asked Wait for is Close's.
func (l *Lab) Go(name string, f func(ctx context.Context) error) *Task {
	t := &Task{l: l, name: name}
	l.mu.Lock()
	l.tasks = append(l.tasks, t)
	l.mu.Unlock()
	l.sched.begin(func() {
		t.err = fmt.Errorf("lab: task %q ended its goroutine", name)
		defer t.done.Store(true)
		t.err = f(l.ctx)
	})
	return t
}

// Wait returns when the task has ended, and what it returned.
func (t *Task) Wait() error {
	t.l.sched.park(nil, fmt.Sprintf("for task %q", t.name), t.done.Load)
	t.asked.Store(true)
	return t.err
}

// end waits for a task of a lab that is closed. That its hosts and its context have ended is no error then.
func (t *Task) end() error {
	t.l.sched.park(nil, fmt.Sprintf("for the end of task %q", t.name), t.done.Load)
	if t.asked.Load() || errors.Is(t.err, net.ErrClosed) || errors.Is(t.err, context.Canceled) {
		return nil
	}
	if t.err != nil {
		return fmt.Errorf("lab: task %q: %w", t.name, t.err)
	}
	return nil
}

// Wait waits for all tasks that were started so far and returns the first error among them.
func (l *Lab) Wait() error {
	l.mu.Lock()
	tasks := l.tasks[:len(l.tasks):len(l.tasks)]
	l.mu.Unlock()
	var first error
	for _, t := range tasks {
		if err := t.Wait(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// Advance lets d pass, and all that happens in it. Under Config.Manual nothing else does.
func (l *Lab) Advance(d time.Duration) {
	var over atomic.Bool
	l.sched.after(nil, d, func() { over.Store(true) })
	l.sched.grant(d)
	l.sched.park(nil, "for time to pass", over.Load)
}

// Sleep is time.Sleep in the lab's time: it waits until d has passed, whoever lets it.
func (l *Lab) Sleep(d time.Duration) {
	var over atomic.Bool
	l.sched.after(nil, d, func() { over.Store(true) })
	l.sched.park(nil, "asleep", over.Load)
}

// grant lets time go on for d from now.
func (s *scheduler) grant(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if until := s.now.Add(d); until.After(s.until) {
		s.until = until
	}
}

// WithTimeout is context.WithTimeout in the lab's time.
func (l *Lab) WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	deadline := l.Now().Add(d)
	stop := l.sched.after(nil, d, func() { cancel(context.DeadlineExceeded) })
	return timeoutContext{ctx, deadline}, func() {
		stop()
		cancel(context.Canceled)
	}
}

type timeoutContext struct {
	context.Context
	deadline time.Time
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
