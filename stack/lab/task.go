package lab

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/pprof"
	"slices"
	"sync/atomic"
	"time"
)

// A Task is a goroutine of the lab's. Only one runs at a time, until it waits for a host, for another task
// or for time to pass.
type Task struct {
	l     *Lab
	name  string
	id    atomic.Uint64 // of its goroutine; 0: it has not begun
	done  atomic.Bool
	asked atomic.Bool // somebody knows err
	err   error       // before done
}

// String returns the task's name, as in task "server".
func (t *Task) String() string { return fmt.Sprintf("task %q", t.name) }

// Go starts f as a task, which ends by the time Close returns: its context is done then, and the hosts are
// closed. An error that nobody asked Wait for is Close's. The goroutine, and those that it starts, have the
// label lab.task for profiles.
func (l *Lab) Go(name string, f func(ctx context.Context) error) *Task {
	t := &Task{l: l, name: name}
	l.remind(t)
	l.sched.begin(t.String(), func() {
		t.id.Store(goroutineID())
		t.err = fmt.Errorf("%v ended its goroutine", t) // f may not return
		defer t.done.Store(true)
		pprof.Do(l.ctx, pprof.Labels("lab", l.label, "lab.task", name), func(ctx context.Context) { t.err = f(ctx) })
	})
	return t
}

// remind adds a task to those that Close and Wait look at. Whenever these are twice as many as they were, those that
// ended without an error, of which there is nothing to say, are dropped, lest they add up.
func (l *Lab) remind(t *Task) {
	const few = 64
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.tasks) >= max(few, 2*l.kept) {
		l.tasks = slices.DeleteFunc(l.tasks, func(t *Task) bool { return t.done.Load() && t.err == nil })
		l.kept = len(l.tasks)
	}
	l.tasks, l.began = append(l.tasks, t), true
}

// taskOf returns the task that a goroutine is, or nil.
func (l *Lab) taskOf(id uint64) *Task {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range l.tasks {
		if t.id.Load() == id {
			return t
		}
	}
	return nil
}

// Wait returns when the task has ended, and what it returned. It returns an error if the lab gives up or is
// closed before, or if the task is the caller.
func (t *Task) Wait() error {
	if t.id.Load() == goroutineID() {
		return fmt.Errorf("lab: %v waits for its own end", t)
	}
	t.l.sched.park(nil, "for "+t.String(), func() bool { return t.done.Load() || t.l.sched.over.Load() })
	if !t.done.Load() {
		return fmt.Errorf("lab: waiting for %v: %w", t, t.l.why())
	}
	t.asked.Store(true)
	return t.err
}

// Wait waits for all tasks that were started so far and returns the first error among them.
func (l *Lab) Wait() error {
	l.mu.Lock()
	tasks := slices.Clone(l.tasks)
	l.mu.Unlock()
	var first error
	for _, t := range tasks {
		if err := t.Wait(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// why returns why nobody waits any more.
func (l *Lab) why() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed != nil {
		return l.failed
	}
	return errClosed
}

// Advance lets d pass, and all that happens in it. Under Config.Manual nothing else does. If the lab ends
// first, see Sleep.
func (l *Lab) Advance(d time.Duration) {
	l.sched.grant(d)
	l.pass(d, "for time to pass")
}

// Sleep is time.Sleep in the lab's time: it waits until d has passed, whoever lets it. A lab that is closed
// or gives up has no more time: then Sleep ends the calling task, and, if the lab gave up, the test if it is
// called by that; for any other goroutine it is over early.
func (l *Lab) Sleep(d time.Duration) { l.pass(d, "asleep") }

func (l *Lab) pass(d time.Duration, what string) {
	var over atomic.Bool
	stop := l.sched.after(nil, d, func() { over.Store(true) })
	l.sched.park(nil, what, func() bool { return over.Load() || l.sched.over.Load() })
	if over.Load() {
		return
	}
	stop()
	err := l.why()
	if t := l.taskOf(goroutineID()); t != nil {
		t.err = err
		runtime.Goexit()
	}
	if !errors.Is(err, errClosed) && l.tb != nil {
		l.tb.Helper()
		l.tb.Fatalf("%v", err)
	}
}

// grant lets time go on for d from now.
func (s *scheduler) grant(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if until := s.now.Add(d); until.After(s.until) {
		s.until = until
	}
}
