package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

var errClosed = errors.New("lab: closed")

// Tasks, and the goroutines that they started, are given so much real time to end.
var (
	closePatience = 10 * time.Second
	leakPatience  = 2 * time.Second
)

// Close closes the hosts and waits for the tasks. It returns what tasks returned and nobody has asked for,
// which tasks, and goroutines that these have started, did not end, and why the lab gave up, if it did.
// Closing twice is no error. A task may close the lab; it is not waited for, and what Close tells it is told once
// more, to whoever closes the lab next and is no task.
func (l *Lab) Close() error {
	self := goroutineID()
	l.mu.Lock()
	first := !l.closing
	l.closing = true
	hosts, tasks, closers := slices.Clone(l.hosts), slices.Clone(l.tasks), l.closers
	err := l.failed
	l.mu.Unlock()
	if !first {
		return l.closedBefore(self)
	}
	defer close(l.closed)

	l.remember()
	l.end(errClosed)
	l.sched.finish()
	errs := []error{err}
	for _, c := range closers {
		errs = append(errs, c())
	}
	for _, h := range hosts {
		errs = append(errs, h.Stack.Close())
	}
	left := l.awaitEnd(tasks, self)
	l.sched.shutDown(left)
	stacks := goroutines{}
	if left {
		stacks = dump()
	}
	for _, t := range tasks {
		errs = append(errs, t.verdict(self, stacks))
	}
	if !left && l.began && !l.cfg.AllowLeaks && l.taskOf(self) == nil {
		errs = append(errs, l.leaks())
	}
	if !l.cfg.AllowBadChecksums {
		errs = append(errs, l.CheckChecksums())
	}
	err = errors.Join(errs...)
	if l.taskOf(self) != nil {
		l.mu.Lock()
		l.unheard = err
		l.mu.Unlock()
	}
	return err
}

// closedBefore is Close of a lab that somebody else has closed, or is about to: a test's should not pass because one
// of its tasks was first.
func (l *Lab) closedBefore(self uint64) error {
	if l.taskOf(self) != nil {
		return nil
	}
	<-l.closed
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.unheard
	l.unheard = nil
	return err
}

// awaitEnd waits for all tasks but the calling one, and reports whether it lost patience.
func (l *Lab) awaitEnd(tasks []*Task, self uint64) (left bool) {
	var late atomic.Bool
	stop := time.AfterFunc(closePatience, func() {
		late.Store(true)
		l.sched.finish()
	})
	defer stop.Stop()
	for _, t := range tasks {
		if t.id.Load() != self {
			l.sched.park(nil, "for the end of "+t.String(), func() bool { return t.done.Load() || late.Load() })
		}
	}
	return slices.ContainsFunc(tasks, func(t *Task) bool { return !t.done.Load() && t.id.Load() != self })
}

// verdict is what is wrong with a task of a lab that is closed. That its hosts and its context have ended is
// not.
func (t *Task) verdict(self uint64, stacks goroutines) error {
	switch {
	case t.id.Load() == self:
		return nil
	case !t.done.Load():
		return fmt.Errorf("lab: %v did not end within %v after the lab was closed; it waits for something that is not the lab's:\n%s", t, closePatience, indent(stacks[t.id.Load()].stack))
	case t.asked.Load() || t.err == nil || errors.Is(t.err, net.ErrClosed) || errors.Is(t.err, context.Canceled) || errors.Is(t.err, errClosed):
		return nil
	}
	return fmt.Errorf("lab: %v: %w", t, t.err)
}

func indent(b []byte) string {
	return "\t" + strings.ReplaceAll(strings.TrimSpace(string(b)), "\n", "\n\t")
}

// giveUp ends what nobody can bring to an end. It is called by the scheduler.
func (l *Lab) giveUp(err error) {
	l.mu.Lock()
	again := l.failed != nil
	if !again {
		l.failed = err
	}
	hosts := slices.Clone(l.hosts)
	l.mu.Unlock()
	if again {
		return
	}
	l.end(err)
	l.sched.begin("the end of the lab", func() {
		l.remember()
		for _, h := range hosts {
			h.Stack.Close()
		}
		l.sched.finish()
	})
}
