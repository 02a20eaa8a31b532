package lab

import (
	"context"
	"fmt"
	"sync/atomic"
)

// look is called by the scheduler between turns: what was sent in the one before is explained and judged
// while its sender is as it was, and shown to those who wait for a packet.
func (l *Lab) look() {
	if !l.trace.fresh.Swap(false) {
		return
	}
	l.explainUnseen()
	l.trace.mu.Lock()
	watchers := l.trace.watch
	l.trace.mu.Unlock()
	for _, w := range watchers {
		w.scan(&l.trace)
	}
}

// explainUnseen asks the senders of what was sent since, and judges its checksums.
func (l *Lab) explainUnseen() {
	l.looking.Lock()
	defer l.looking.Unlock()
	t := &l.trace
	t.mu.Lock()
	unseen := t.unseen
	t.unseen = nil
	t.mu.Unlock()
	for _, r := range unseen {
		choice, own, size := r.choose()
		t.mu.Lock()
		r.p.Choice = choice
		if r.p.Number >= t.first { // else it is left out already
			r.size += size
			t.grow(size)
		}
		if own && r.p.bad != nil {
			if len(t.bad) < maxBad {
				t.bad = append(t.bad, r.p)
			} else {
				t.badMore++
			}
		}
		t.mu.Unlock()
	}
}

// watcher is somebody who waits for a packet.
type watcher struct {
	filter Filter
	queue  []*record // under the trace's lock
	packet Packet    // before found
	found  atomic.Bool
}

// scan looks for the packet among those that came since. Only the scheduler calls it.
func (w *watcher) scan(t *trace) {
	t.mu.Lock()
	queue := w.queue
	w.queue = nil
	t.mu.Unlock()
	for _, r := range queue {
		t.mu.Lock()
		p := r.p
		t.mu.Unlock()
		if !w.found.Load() && w.filter(p) {
			w.packet = p
			w.found.Store(true)
		}
	}
}

// WaitPacket returns the first packet that the filter passes, of those sent so far or to come until ctx is
// done. With a filter from After that is the first after another one. The error is that of ctx, whose
// deadline should be one of WithTimeout, or says that the lab was closed.
//
// The filter is called between turns: it must not wait, nor use the lab.
func (l *Lab) WaitPacket(ctx context.Context, f Filter) (Packet, error) {
	w := &watcher{filter: f}
	l.explainUnseen()
	l.trace.mu.Lock()
	past := l.trace.records
	pkts := make([]Packet, len(past))
	for i, r := range past {
		pkts[i] = r.p
	}
	l.trace.watch = append(l.trace.watch[:len(l.trace.watch):len(l.trace.watch)], w)
	l.trace.mu.Unlock()
	defer l.trace.forget(w)
	for _, p := range pkts {
		if f(p) {
			return p, nil
		}
	}
	wake := func() {
		l.sched.mu.Lock()
		l.sched.all = true
		l.sched.mu.Unlock()
		l.sched.notify()
	}
	defer context.AfterFunc(ctx, wake)()
	l.sched.park(nil, "for a packet", func() bool { return w.found.Load() || ctx.Err() != nil || l.ctx.Err() != nil })
	switch {
	case w.found.Load():
		return w.packet, nil
	case ctx.Err() != nil:
		return Packet{}, fmt.Errorf("lab: no such packet came: %w", ctx.Err())
	}
	return Packet{}, fmt.Errorf("lab: no such packet came: %w", context.Cause(l.ctx))
}

func (t *trace) forget(w *watcher) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var rest []*watcher
	for _, o := range t.watch {
		if o != w {
			rest = append(rest, o)
		}
	}
	t.watch = rest
}
