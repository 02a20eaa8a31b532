package stack

import (
	"net"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/waiter"
)

// backlog is how many connections may wait for Accept. When it is reached, the stack answers with SYN
// cookies.
const backlog = 4096

// TCPListener waits for TCP connections. All methods may be called from several goroutines at once.
type TCPListener struct {
	k        *socket
	addr     net.Addr
	deadline deadline
}

var _ net.Listener = (*TCPListener)(nil)

// Accept waits for a connection and returns it, a *TCPConn. After Close it returns an error for which
// errors.Is(err, net.ErrClosed) holds.
func (l *TCPListener) Accept() (net.Conn, error) {
	c, err := l.AcceptTCP()
	if err != nil {
		return nil, err
	}
	return c, nil
}

// AcceptTCP is Accept with a better type.
func (l *TCPListener) AcceptTCP() (*TCPConn, error) {
	for {
		var (
			ep tcpip.Endpoint
			wq *waiter.Queue
		)
		err := l.k.poll(waiter.ReadableEvents, &l.deadline, func() (err tcpip.Error) {
			ep, wq, err = l.k.ep.Accept(nil)
			return err
		})
		if err != nil {
			return nil, l.opError("accept", syscallError("accept", err))
		}
		k, err := l.k.s.adopt(ep, wq, l.k.net, l.k.ipv4)
		if err != nil {
			return nil, l.opError("accept", err)
		}
		if c, err := newTCPConn(k); err == nil {
			return c, nil
		}
		k.Close() // reset while it waited: the next one
	}
}

// Close stops listening and resets the connections that wait for Accept. Accepted ones stay.
func (l *TCPListener) Close() error {
	if err := l.k.Close(); err != nil {
		return l.opError("close", err)
	}
	l.deadline.end()
	return nil
}

// Addr returns the address that is listened on.
func (l *TCPListener) Addr() net.Addr { return l.addr }

// SetDeadline sets the deadline of Accept, on Config.Clock. The zero time means none.
func (l *TCPListener) SetDeadline(t time.Time) error {
	if l.k.closed() {
		return l.opError("set", net.ErrClosed)
	}
	l.deadline.set(t)
	return nil
}

func (l *TCPListener) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: l.k.net, Addr: l.addr, Err: err}
}
