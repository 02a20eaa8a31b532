package stack

import (
	"container/list"
	"context"
	"iter"
	"net/netip"
	"sync"
	"sync/atomic"
)

// Watch returns what the host has, then every change to it, until ctx is done or the stack is closed:
//
//	for e := range s.Watch(ctx) {
//		switch e := e.(type) {
//		case stack.AddressEvent: ...
//
// It begins with an event for each interface, address and route there is, so nobody needs to ask first
// and risk to miss what happens in between. Changes follow in the order in which they happened.
//
// No outcome is lost, and memory stays bounded, however slow the loop is: a thing that changed several
// times since the loop last looked is told once, in the place of its first change, as it is by then. A
// thing that came and went in between is not mentioned; one that the loop was told of and that went is
// told as Removed. So what an observer remembers always becomes what there is. The memory is that of one
// event for each thing there is, and for each that the loop does not yet know to be gone.
//
// The loop may call any method of the stack. Each range over the result watches anew. When the stack is
// closed, the last events tell what Close took away.
func (s *Stack) Watch(ctx context.Context) iter.Seq[Event] {
	return func(yield func(Event) bool) {
		w := newWatcher()
		s.watch.add(w)
		defer s.watch.remove(w)
		s.showAll(w)
		for {
			for {
				e, ok := w.next()
				if !ok {
					break
				}
				if ctx.Err() != nil || !yield(e) {
					return
				}
			}
			if s.turn != nil {
				s.yield(w.ready, ctx.Done(), s.done)
			}
			select {
			case <-w.ready:
			case <-ctx.Done():
				return
			case <-s.done:
				if w.idle() {
					return
				}
			}
		}
	}
}

// showAll shows a new watcher what there is. Changes may come before or after, each thing's in the
// right order since they take the same lock.
func (s *Stack) showAll(w *watcher) {
	for _, i := range s.Interfaces() {
		w.post(linkKey(i), i.linkEvent)
		if i.auto.cfg.SLAAC {
			w.post(routersKey(i), i.auto.event)
		}
	}
	s.book.showAll(w)
	s.rib.showAll(w)
}

// watchKey names a thing that events are about.
type watchKey struct {
	kind  eventKind
	iface int
	addr  netip.Addr // of an address
	token uint32     // of a route
}

type eventKind uint8

const (
	linkKind eventKind = iota
	addressKind
	routeEventKind
	routersKind
)

func linkKey(i *Interface) watchKey    { return watchKey{kind: linkKind, iface: i.index} }
func routersKey(i *Interface) watchKey { return watchKey{kind: routersKind, iface: i.index} }

// watchers are those who watch a stack.
type watchers struct {
	count atomic.Int32
	mu    sync.Mutex
	all   map[*watcher]bool
}

func (h *watchers) add(w *watcher) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all == nil {
		h.all = make(map[*watcher]bool)
	}
	h.all[w] = true
	h.count.Add(1)
}

func (h *watchers) remove(w *watcher) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.all, w)
	h.count.Add(-1)
}

// post tells everybody how a thing is. The caller holds the lock under which it changes, or now returns
// what others may change meanwhile. gVisor's locks may be held.
func (h *watchers) post(k watchKey, now func() (e Event, removed bool)) {
	if h.count.Load() == 0 {
		return // whoever comes later looks at what there is
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for w := range h.all {
		w.post(k, now)
	}
}

// A watcher holds what one loop has not seen yet.
type watcher struct {
	ready chan struct{} // holds a token while there may be something to see

	mu      sync.Mutex
	queue   list.List                  // of *pending, the oldest first
	pending map[watchKey]*list.Element // in queue
	known   map[watchKey]bool          // what the loop was told of and believes to be there
}

type pending struct {
	key     watchKey
	event   Event
	removed bool
}

func newWatcher() *watcher {
	return &watcher{ready: make(chan struct{}, 1), pending: make(map[watchKey]*list.Element), known: make(map[watchKey]bool)}
}

func (w *watcher) post(k watchKey, now func() (e Event, removed bool)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e, removed := now()
	at := w.pending[k]
	switch {
	case removed && !w.known[k]:
		if at != nil {
			w.queue.Remove(at)
			delete(w.pending, k)
		}
		return
	case at != nil:
		at.Value = pending{k, e, removed}
	default:
		w.pending[k] = w.queue.PushBack(pending{k, e, removed})
	}
	select {
	case w.ready <- struct{}{}:
	default:
	}
}

// next returns the oldest change that the loop has not seen.
func (w *watcher) next() (Event, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := w.queue.Front()
	if at == nil {
		return nil, false
	}
	p := w.queue.Remove(at).(pending)
	delete(w.pending, p.key)
	if p.removed {
		delete(w.known, p.key)
	} else {
		w.known[p.key] = true
	}
	return p.event, true
}

func (w *watcher) idle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.queue.Len() == 0
}
