package stack

import (
	"fmt"
	"net"
	"syscall"
	"time"

	"github.com/hextet/hextet/stack/internal/convert"
	"gvisor.dev/gvisor/pkg/tcpip"
)

// SetNoDelay sends small segments at once (true, which is how a conn starts) or collects them while
// earlier ones are not acknowledged (RFC 1122 section 4.2.3.4).
func (c *TCPConn) SetNoDelay(noDelay bool) error {
	return c.option(func() tcpip.Error { c.k.ep.SocketOptions().SetDelayOption(!noDelay); return nil })
}

// What package net takes for a keep-alive setting that is zero.
const (
	keepAliveIdle     = 15 * time.Second
	keepAliveInterval = 15 * time.Second
	keepAliveCount    = 9
)

// SetKeepAliveConfig sets how an idle connection is probed (RFC 1122 section 4.2.3.6), on Config.Clock:
// first after Idle, then each Interval, until Count probes in a row were not answered; then calls fail
// with syscall.ETIMEDOUT. As in package net, 0 stands for 15 seconds, 15 seconds and 9 probes, and a
// negative value leaves what there is.
func (c *TCPConn) SetKeepAliveConfig(config net.KeepAliveConfig) error {
	idle := tcpip.KeepaliveIdleOption(orDefault(config.Idle, keepAliveIdle))
	interval := tcpip.KeepaliveIntervalOption(orDefault(config.Interval, keepAliveInterval))
	count := orDefault(config.Count, keepAliveCount)
	return c.option(func() (err tcpip.Error) {
		if idle > 0 {
			err = c.k.ep.SetSockOpt(&idle)
		}
		if interval > 0 && err == nil {
			err = c.k.ep.SetSockOpt(&interval)
		}
		if count > 0 && err == nil {
			err = c.k.ep.SetSockOptInt(tcpip.KeepaliveCountOption, count)
		}
		if err == nil { // last: it starts the timer
			c.k.ep.SocketOptions().SetKeepAlive(config.Enable)
		}
		return err
	})
}

func orDefault[T int | time.Duration](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}

// SetKeepAlive probes an idle connection, or does not, which is how a conn starts. Without
// SetKeepAliveConfig or SetKeepAlivePeriod the first probe comes after two hours (RFC 1122 section
// 4.2.3.6).
func (c *TCPConn) SetKeepAlive(keepAlive bool) error {
	return c.option(func() tcpip.Error { c.k.ep.SocketOptions().SetKeepAlive(keepAlive); return nil })
}

// SetKeepAlivePeriod sets how long a connection is idle before it is probed, and the time between
// probes.
func (c *TCPConn) SetKeepAlivePeriod(d time.Duration) error {
	if d <= 0 {
		return c.opError("set", fmt.Errorf("a keep-alive period of %v: %w", d, syscall.EINVAL))
	}
	return c.option(func() tcpip.Error {
		idle := tcpip.KeepaliveIdleOption(d)
		if err := c.k.ep.SetSockOpt(&idle); err != nil {
			return err
		}
		interval := tcpip.KeepaliveIntervalOption(d)
		return c.k.ep.SetSockOpt(&interval)
	})
}

// SetLinger says what Close does with data that is not acknowledged: 0 drops it and resets the
// connection; a negative number, which is how a conn starts, sends it in the background.
// Unlike that of package net, Close never waits, so a positive number is as good as a negative one.
func (c *TCPConn) SetLinger(sec int) error {
	return c.option(func() tcpip.Error {
		c.k.ep.SocketOptions().SetLinger(tcpip.LingerOption{Enabled: sec == 0})
		return nil
	})
}

// SetReadBuffer sets how many bytes wait for Read before the window closes, and ends its growth with
// the reader's speed. Less than 4 KiB, or more than 4 MiB, is as good as that.
func (c *TCPConn) SetReadBuffer(bytes int) error {
	n, err := c.bufferSize(bytes, "read")
	if err != nil {
		return err
	}
	c.k.ep.SocketOptions().SetReceiveBufferSize(int64(n), true)
	return nil
}

// SetWriteBuffer sets how many bytes wait to be sent and acknowledged before Write waits. Less than 4
// KiB, or more than 4 MiB, is as good as that.
func (c *TCPConn) SetWriteBuffer(bytes int) error {
	n, err := c.bufferSize(bytes, "write")
	if err != nil {
		return err
	}
	c.k.ep.SocketOptions().SetSendBufferSize(int64(n), true)
	return nil
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
