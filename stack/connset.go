package stack

import (
	"io"
	"net"
	"sync"
)

// connSet is every open conn and listener, so that Close can end them.
type connSet struct {
	mu     sync.Mutex
	open   map[io.Closer]struct{}
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
		s.open = make(map[io.Closer]struct{})
	}
	s.open[c] = struct{}{}
	return nil
}

// remove forgets c, which is being closed.
func (s *connSet) remove(c io.Closer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, c)
}

// closeAll closes everything and lets nothing in any more.
func (s *connSet) closeAll() {
	s.mu.Lock()
	s.closed = true
	open := s.open
	s.open = nil
	s.mu.Unlock()
	for c := range open {
		c.Close()
	}
}
