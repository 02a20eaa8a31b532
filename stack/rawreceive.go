package stack

import (
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"syscall"

	"github.com/hextet/hextet/icmp6"
	"github.com/hextet/hextet/stack/internal/engine"
	"golang.org/x/net/ipv6"
)

// RawStats count what became of the packets that came to a raw socket's protocol and addresses.
type RawStats struct {
	Received        uint64 // queued to be read
	Filtered        uint64 // not wanted by ICMP6_FILTER
	DroppedChecksum uint64 // wrong checksum, or too short to have one
	DroppedQueue    uint64 // the queue was full
	DroppedErrors   uint64 // ICMP errors: too many waited for a call to return them
}

type rawCounters struct {
	filtered, checksum, queue, errors atomic.Uint64
}

// Stats returns the socket's counters.
func (c *rawSocket) Stats() RawStats {
	return RawStats{
		Received:        c.queue.received(),
		Filtered:        c.stats.filtered.Load(),
		DroppedChecksum: c.stats.checksum.Load(),
		DroppedQueue:    c.stats.queue.Load(),
		DroppedErrors:   c.stats.errors.Load(),
	}
}

// The bounds of a socket's queue, in bytes.
const (
	minRawBuffer = 4 << 10
	maxRawBuffer = 64 << 20
)

// SetReadBuffer sets how many bytes of packets wait to be read before further ones are dropped and
// counted. A new socket has 256 KiB; less than 4 KiB, or more than 64 MiB, is as good as that.
func (c *rawSocket) SetReadBuffer(bytes int) error {
	return c.set(func(*rawOptions) error {
		if bytes <= 0 {
			return fmt.Errorf("a read buffer of %d bytes: %w", bytes, syscall.EINVAL)
		}
		c.queue.setLimit(min(max(bytes, minRawBuffer), maxRawBuffer))
		return nil
	})
}

// wants reports whether p, which is for this host, is for the socket by its addresses. It runs with
// gVisor's locks held.
func (c *rawSocket) wants(p *engine.RawPacket) bool {
	o := c.opt.Load()
	if o.boundIf != 0 && o.boundIf != p.Interface {
		return false
	}
	// As on other hosts, an IPv6 socket with a unicast address gets what comes to the host's groups,
	// and an IPv4 one does not.
	if o.local.IsValid() && o.local != p.Dst && (c.key.ipv4 || !p.Dst.IsMulticast()) {
		return false
	}
	return !o.remote.IsValid() || o.remote == p.Src && (o.remoteIf == 0 || o.remoteIf == p.Interface)
}

// receive queues a copy of p. It runs with gVisor's locks held.
func (c *rawSocket) receive(p *engine.RawPacket) {
	o := c.opt.Load()
	if blocks(o.filter, p) {
		c.stats.filtered.Add(1)
		return
	}
	if !c.queue.hasRoom(p.Len()) {
		c.stats.queue.Add(1)
		return
	}
	d := newRawDatagram(p)
	switch {
	case !c.valid(o.checksum, d):
		c.stats.checksum.Add(1)
	case !c.queue.push(d):
		c.stats.queue.Add(1)
	default:
		return
	}
	d.release()
}

func (c *rawSocket) isICMPv6() bool { return c.key == rawKey{proto: icmp6.Protocol} }

// blocks reports whether a filter keeps an ICMPv6 message away. One without a type is for the
// checksum to drop.
func blocks(f icmp6.Filter, p *engine.RawPacket) bool {
	typ, ok := p.FirstByte()
	return ok && f.WillBlock(ipv6.ICMPType(typ))
}

// valid verifies the checksum.
func (c *rawSocket) valid(o icmp6.Offset, d *rawDatagram) bool {
	if c.key.ipv4 { // its checksums are the program's
		return true
	}
	if c.isICMPv6() {
		return icmp6.Valid(d.src, d.dst, d.payload) // makes no error that would only be counted
	}
	return o < 0 || o.Verify(d.src, d.dst, c.key.proto, d.payload) == nil
}

// next waits for a packet, which the caller releases. Without wait it returns nil instead. News of
// paths are skipped.
func (c *rawSocket) next(wait bool) (*rawDatagram, error) {
	for {
		d, err := c.nextOrNews(wait)
		if d == nil || d.pathMTU == 0 {
			return d, err
		}
		d.release()
	}
}

// nextOrNews is next for a reader that understands pathMTU.
func (c *rawSocket) nextOrNews(wait bool) (*rawDatagram, error) {
	for {
		passed := c.read.wait()
		select {
		case <-c.done:
			return nil, net.ErrClosed
		case <-passed:
			return nil, os.ErrDeadlineExceeded
		default:
		}
		if wait { // else the call has something to return first, and pop returns nil
			if err := c.errs.pop(); err != nil {
				c.queue.wakeAll() // the token may have been that of a packet
				return nil, err
			}
		}
		if d := c.queue.pop(&c.errs); d != nil || !wait {
			return d, nil
		}
		c.s.await(c.queue.ready, passed, c.done)
	}
}

// receiveFrom is the end of every call that reads one packet.
func (c *rawSocket) receiveFrom(b []byte, look func(*rawDatagram)) (n int, src net.Addr, err error) {
	d, err := c.next(true)
	if err != nil {
		return 0, nil, c.opError("read", nil, err)
	}
	defer d.release()
	if look != nil {
		look(d)
	}
	return copy(b, d.payload), c.zoned(d.src, d.iface), nil
}
