package stack

import (
	"cmp"
	"io"
	"maps"
	"net"
	"slices"
	"sync"
)

// connSet is every open conn and listener, so that Close can end them.
type connSet struct {
	mu     sync.Mutex
	open   map[io.Closer]uint64 // which of all it was
	last   uint64
	closed bool
}

// add records c, or returns net.ErrClosed if the stack is closed; c is then the caller's to close.
func (s *connSet) add(c io.Closer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return net.ErrClosed
	}
	if s.open == nil {
		s.open = make(map[io.Closer]uint64)
	}
	s.last++
	s.open[c] = s.last
	return nil
}

// remove forgets c, which is being closed.
func (s *connSet) remove(c io.Closer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, c)
}

// closeAll closes everything, the oldest first, and lets nothing in any more.
func (s *connSet) closeAll() {
	s.mu.Lock()
	s.closed = true
	open := s.open
	s.open = nil
	s.mu.Unlock()
	for _, c := range slices.SortedFunc(maps.Keys(open), func(a, b io.Closer) int { return cmp.Compare(open[a], open[b]) }) {
		c.Close()
	}
}
