package stack

import (
	"context"
	"net/netip"
	"time"
)

// Deadline shows a conn's deadline to the tests.
type Deadline struct{ d deadline }

func NewDeadline(c Clock) *Deadline {
	d := new(Deadline)
	d.d.init(c)
	return d
}

func (d *Deadline) Set(t time.Time)       { d.d.set(t) }
func (d *Deadline) End()                  { d.d.end() }
func (d *Deadline) Wait() <-chan struct{} { return d.d.wait() }

// ParseNetwork shows the parser of networks' names.
func ParseNetwork(name string) (transport string, family int, proto uint8, err error) {
	n, err := parseNetwork(name)
	return n.transport, int(n.family), n.proto, err
}

// SourceError shows the one place that tells a missing source from a missing route.
func (s *Stack) SourceError(dst netip.Addr, err error) error { return s.sourceError(dst, err) }

// OpenConns is how many conns and listeners Close would have to end.
func (s *Stack) OpenConns() int {
	s.conns.mu.Lock()
	defer s.conns.mu.Unlock()
	return len(s.conns.open)
}

// Queued is how many datagrams and errors wait for a call.
func (c *UDPConn) Queued() (datagrams, errors int) {
	c.queue.mu.Lock()
	defer c.queue.mu.Unlock()
	return c.queue.n, int(c.errs.count.Load())
}

// ShareDeadline shows how the time for dialling is divided.
func ShareDeadline(ctx context.Context, left int) (context.Context, context.CancelFunc) {
	return new(Stack).shareDeadline(ctx, left)
}
