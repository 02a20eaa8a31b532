package stack

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"github.com/hextet/hextet/stack/internal/convert"
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
	writing sync.Mutex
}

var _ net.Conn = (*TCPConn)(nil)

// newTCPConn wraps an established connection.
func newTCPConn(k *socket) (*TCPConn, error) {
	remote, err := k.remoteAddr()
	if err != nil {
		return nil, err
	}
	c := new(TCPConn)
	c.init(k)
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
		select {
		case <-notified:
		case <-ctx.Done():
			return ctx.Err()
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
	err := c.poll(waiter.ReadableEvents, &c.read, func() tcpip.Error {
		w := tcpip.SliceWriter(b)
		res, err := c.ep.Read(&w, tcpip.ReadOptions{})
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
	c.ep.ModerateRecvBuf(n) // grows the window for a fast reader
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
		err := c.poll(waiter.WritableEvents, &c.write, func() tcpip.Error {
			rest.Reset(b[n:])
			m, err := c.ep.Write(&rest, tcpip.WriteOptions{})
			n += int(m)
			return err
		})
		if err != nil {
			return n, c.opError("write", syscallError("write", err))
		}
	}
	return n, nil
}

// CloseRead ends reading: what has arrived can still be read, then Read returns io.EOF.
func (c *TCPConn) CloseRead() error { return c.shutdown(tcpip.ShutdownRead) }

// CloseWrite ends writing: a FIN follows what was written. Reading goes on.
func (c *TCPConn) CloseWrite() error { return c.shutdown(tcpip.ShutdownWrite) }

func (c *TCPConn) shutdown(flags tcpip.ShutdownFlags) error {
	if c.closed() {
		return c.opError("close", net.ErrClosed)
	}
	if err := c.result(c.ep.Shutdown(flags)); err != nil {
		return c.opError("close", syscallError("shutdown", err))
	}
	return nil
}

// SetNoDelay sends small segments at once (true, which is how a conn starts) or collects them while
// earlier ones are not acknowledged (RFC 1122 section 4.2.3.4).
func (c *TCPConn) SetNoDelay(noDelay bool) error {
	return c.option(func() tcpip.Error { c.ep.SocketOptions().SetDelayOption(!noDelay); return nil })
}

// SetKeepAlive probes an idle connection (RFC 1122 section 4.2.3.6), or does not, which is how a conn
// starts.
func (c *TCPConn) SetKeepAlive(keepAlive bool) error {
	return c.option(func() tcpip.Error { c.ep.SocketOptions().SetKeepAlive(keepAlive); return nil })
}

// SetKeepAlivePeriod sets how long a connection is idle before it is probed, and the time between
// probes.
func (c *TCPConn) SetKeepAlivePeriod(d time.Duration) error {
	if d <= 0 {
		return c.opError("set", fmt.Errorf("a keep-alive period of %v: %w", d, syscall.EINVAL))
	}
	return c.option(func() tcpip.Error {
		idle := tcpip.KeepaliveIdleOption(d)
		if err := c.ep.SetSockOpt(&idle); err != nil {
			return err
		}
		interval := tcpip.KeepaliveIntervalOption(d)
		return c.ep.SetSockOpt(&interval)
	})
}

// SetLinger says what Close does with data that is not acknowledged: 0 drops it and resets the
// connection; a negative number, which is how a conn starts, sends it in the background.
// Unlike that of package net, Close never waits, so a positive number is as good as a negative one.
func (c *TCPConn) SetLinger(sec int) error {
	return c.option(func() tcpip.Error {
		c.ep.SocketOptions().SetLinger(tcpip.LingerOption{Enabled: sec == 0})
		return nil
	})
}

// option applies an option of the endpoint's.
func (c *TCPConn) option(set func() tcpip.Error) error {
	if c.closed() {
		return c.opError("set", net.ErrClosed)
	}
	if err := convert.Error(set()); err != nil {
		return c.opError("set", syscallError("setsockopt", err))
	}
	return nil
}
