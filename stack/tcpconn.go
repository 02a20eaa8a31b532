package stack

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/netip"
	"sync"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/waiter"
)

// TCPConn is a TCP connection. All methods may be called from several goroutines at once; a Write
// is not interrupted by another.
//
// Small segments leave at once (SetNoDelay(true)) and keep-alive probes are off, until told
// otherwise.
type TCPConn struct {
	conn
	k       *socket
	writing sync.Mutex
}

var _ net.Conn = (*TCPConn)(nil)

// newTCPConn wraps an established connection.
func newTCPConn(k *socket) (*TCPConn, error) {
	remote, err := k.remoteAddr()
	if err != nil {
		return nil, err
	}
	c := &TCPConn{k: k}
	c.init(k.s.clock, k.net, k.done)
	c.laddr = net.TCPAddrFromAddrPort(k.localAddr())
	c.raddr = net.TCPAddrFromAddrPort(remote)
	return c, nil
}

// dialTCP connects to one address, from where from says.
func (s *Stack) dialTCP(ctx context.Context, network string, from binding, to netip.AddrPort) (*TCPConn, error) {
	k, err := s.newSocket(header.TCPProtocolNumber, network, to.Addr().Is4())
	if err != nil {
		return nil, err
	}
	if err = k.bind(from); err == nil {
		err = k.connectTCP(ctx, from.target(to))
	}
	if err != nil {
		k.Close()
		return nil, s.sourceError(to.Addr(), err)
	}
	c, err := newTCPConn(k)
	if err != nil { // reset since
		k.Close()
		return nil, err
	}
	return c, nil
}

// connectTCP makes the handshake. Who calls it closes k if it fails.
func (k *socket) connectTCP(ctx context.Context, to tcpip.FullAddress) error {
	const events = waiter.WritableEvents | waiter.EventErr | waiter.EventHUp
	entry, notified := waiter.NewChannelEntry(events)
	k.wq.EventRegister(&entry)
	defer k.wq.EventUnregister(&entry)

	err := k.ep.Connect(to)
	if _, started := err.(*tcpip.ErrConnectStarted); !started {
		return syscallError("connect", k.result(err))
	}
	for k.ep.Readiness(events) == 0 {
		if k.s.turn != nil {
			k.s.yield(notified, ctx.Done(), k.done)
		}
		select {
		case <-notified:
		case <-ctx.Done():
			return contextError(ctx)
		case <-k.done:
			return net.ErrClosed
		}
	}
	return syscallError("connect", k.result(k.ep.LastError()))
}

// Read reads what has arrived, waiting for the first byte. It returns io.EOF after the peer's FIN
// and after CloseRead.
func (c *TCPConn) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, c.noBytes("read")
	}
	var n int
	err := c.k.poll(waiter.ReadableEvents, &c.read, func() tcpip.Error {
		w := tcpip.SliceWriter(b)
		res, err := c.k.ep.Read(&w, tcpip.ReadOptions{})
		n = res.Count
		if _, eof := err.(*tcpip.ErrClosedForReceive); eof && !c.closed() {
			return nil
		}
		return err
	})
	switch {
	case err != nil:
		return 0, c.opError("read", syscallError("read", err))
	case n == 0:
		return 0, io.EOF
	}
	c.k.ep.ModerateRecvBuf(n) // grows the window for a fast reader
	return n, nil
}

// Write queues all of b to be sent, waiting for room. If it fails, n bytes were queued.
func (c *TCPConn) Write(b []byte) (n int, err error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	if len(b) == 0 {
		return 0, c.noBytes("write")
	}
	var rest bytes.Reader
	for n < len(b) {
		err := c.k.poll(waiter.WritableEvents, &c.write, func() tcpip.Error {
			rest.Reset(b[n:])
			m, err := c.k.ep.Write(&rest, tcpip.WriteOptions{})
			n += int(m)
			return err
		})
		if err != nil {
			return n, c.opError("write", syscallError("write", err))
		}
	}
	return n, nil
}

// Close closes the conn. Calls that wait return an error for which errors.Is(err, net.ErrClosed)
// holds, and so do all later ones, a second Close too. It does not wait: what was written is sent in the
// background, unless SetLinger said otherwise.
func (c *TCPConn) Close() error {
	if err := c.k.Close(); err != nil {
		return c.opError("close", err)
	}
	c.stopTimers()
	return nil
}

// CloseRead ends reading: what has arrived can still be read, then Read returns io.EOF.
func (c *TCPConn) CloseRead() error { return c.shutdown(tcpip.ShutdownRead) }

// CloseWrite ends writing: a FIN follows what was written. Reading goes on.
func (c *TCPConn) CloseWrite() error { return c.shutdown(tcpip.ShutdownWrite) }

func (c *TCPConn) shutdown(flags tcpip.ShutdownFlags) error {
	if c.closed() {
		return c.opError("close", net.ErrClosed)
	}
	defer c.k.s.settle()
	if err := c.k.result(c.k.ep.Shutdown(flags)); err != nil {
		return c.opError("close", syscallError("shutdown", err))
	}
	return nil
}
