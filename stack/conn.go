package stack

import (
	"fmt"
	"net"
	"syscall"
	"time"
)

// conn is what *TCPConn and *UDPConn share: deadlines, and addresses that stay readable after Close.
type conn struct {
	net          string          // as net.OpError has it
	ended        <-chan struct{} // closed by Close
	laddr, raddr net.Addr        // raddr is nil if the conn is not connected
	read, write  deadline
}

func (c *conn) init(clock Clock, network string, ended <-chan struct{}) {
	c.net, c.ended = network, ended
	c.read.init(clock)
	c.write.init(clock)
}

func (c *conn) closed() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

// opError is err as package net wraps it.
func (c *conn) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: c.net, Source: c.laddr, Addr: c.raddr, Err: err}
}

// noBytes is the result of a call that has nothing to do.
func (c *conn) noBytes(op string) error {
	if c.closed() {
		return c.opError(op, net.ErrClosed)
	}
	return nil
}

// stopTimers ends what Close leaves behind.
func (c *conn) stopTimers() {
	c.read.end()
	c.write.end()
}

// LocalAddr returns the conn's own address. The zone of a link-local one is the interface's name.
func (c *conn) LocalAddr() net.Addr { return c.laddr }

// RemoteAddr returns the peer's address, or nil if the conn is not connected.
func (c *conn) RemoteAddr() net.Addr { return c.raddr }

// SetDeadline sets both deadlines. They run on Config.Clock, for calls that wait already too; the
// zero time means none. A call that a deadline ends returns an error for which
// errors.Is(err, os.ErrDeadlineExceeded) holds.
func (c *conn) SetDeadline(t time.Time) error { return c.setDeadlines(t, &c.read, &c.write) }

// SetReadDeadline sets the deadline of reads. See SetDeadline.
func (c *conn) SetReadDeadline(t time.Time) error { return c.setDeadlines(t, &c.read) }

// SetWriteDeadline sets the deadline of writes. See SetDeadline.
func (c *conn) SetWriteDeadline(t time.Time) error { return c.setDeadlines(t, &c.write) }

func (c *conn) setDeadlines(t time.Time, ds ...*deadline) error {
	if c.closed() {
		return c.opError("set", net.ErrClosed)
	}
	for _, d := range ds {
		d.set(t)
	}
	return nil
}

// The bounds of a conn's buffers, in bytes.
const (
	minBuffer = 4 << 10
	maxBuffer = 4 << 20
)

// bufferSize returns the size that a conn takes for a buffer that is to have so many bytes.
func (c *conn) bufferSize(bytes int, which string) (int, error) {
	switch {
	case c.closed():
		return 0, c.opError("set", net.ErrClosed)
	case bytes <= 0:
		return 0, c.opError("set", fmt.Errorf("a %s buffer of %d bytes: %w", which, bytes, syscall.EINVAL))
	}
	return min(max(bytes, minBuffer), maxBuffer), nil
}
