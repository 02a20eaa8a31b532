package stack

import (
	"errors"
	"fmt"
	"net"
	"sync/atomic"

	"github.com/hextet/hextet/stack/internal/engine"
	"github.com/hextet/hextet/stack/offload"
	"gvisor.dev/gvisor/pkg/buffer"
)

// pipeQueue is how many packets wait in one direction of a Pipe before further ones are dropped. It holds
// the largest window of a TCP connection, so that one alone loses nothing.
const pipeQueue = 4096

// Pipe returns the two ends of a wire in memory that carries bare IP packets of up to mtu bytes. Both
// are an OffloadLink: a super-segment crosses whole and counts as the segments that it stands for. Who
// reads with ReadPackets gets those. The payload of what a stack sends is not copied: who reads, another
// stack or a call of ReadOffload, has the sender's own bytes, which it may have to send again. They are not to
// be changed.
//
// Each direction queues 4096 packets and drops what comes when it is full, as a network card's ring
// does. Closing one end unplugs the wire: the other end receives what is still queued, then waits, and
// drops what it is to send, until it is closed too. Pipe panics if mtu is not between 1280, the
// smallest that IPv6 works with (RFC 8200 section 5), and 65535.
func Pipe(mtu int) (a, b Link) {
	if mtu < minMTU || mtu > maxMTU {
		panic(fmt.Sprintf("stack: Pipe: MTU %d is not between %d and %d", mtu, minMTU, maxMTU))
	}
	ab, ba := newQueue(mtu), newQueue(mtu)
	return &pipeEnd{mtu: mtu, in: ba, out: ab}, &pipeEnd{mtu: mtu, in: ab, out: ba}
}

type pipeEnd struct {
	mtu     int
	in, out *queue
	closed  atomic.Bool
}

var (
	_ OffloadLink = (*pipeEnd)(nil)
	_ engine.Wire = (*pipeEnd)(nil)
)

func (p *pipeEnd) MTU() int                       { return p.mtu }
func (p *pipeEnd) HardwareAddr() net.HardwareAddr { return nil }

func (p *pipeEnd) ReadPackets(bufs [][]byte, sizes []int) (int, error) {
	return p.in.read(bufs, sizes)
}

func (p *pipeEnd) ReadOffload(deliver func(offload.Packet)) error {
	return p.in.deliver(func(pkt offload.Packet, _ *buffer.Buffer) { deliver(pkt) })
}

func (p *pipeEnd) WritePackets(bufs [][]byte) (int, error) {
	for i := range bufs {
		if n, err := p.write(offload.Packet{Pieces: bufs[i : i+1]}); n == 0 {
			return i, err
		}
	}
	return len(bufs), nil
}

func (p *pipeEnd) WriteOffload(pkts []offload.Packet) (n int, err error) {
	for _, pkt := range pkts {
		k, err := p.write(pkt)
		if n += k; err != nil {
			return n, err
		}
	}
	return n, nil
}

// write sends one packet and returns how many of its segments were taken.
func (p *pipeEnd) write(pkt offload.Packet) (int, error) {
	s, err := p.check(pkt)
	if err != nil {
		return 0, err
	}
	return p.out.put(&s)
}

// check returns the segments of a packet, or why it can't be sent.
func (p *pipeEnd) check(pkt offload.Packet) (offload.Segments, error) {
	if p.closed.Load() {
		return offload.Segments{}, net.ErrClosed
	}
	s, err := pkt.Segments()
	if err != nil {
		return s, fmt.Errorf("stack: pipe: %w", err)
	}
	if n := s.Largest(); n > p.mtu {
		return s, fmt.Errorf("stack: a packet of %d bytes on a pipe of MTU %d", n, p.mtu)
	}
	return s, nil
}

// maxShared is how many pieces a payload may be in that is not copied. A sender of many small writes has one for
// each, and the receiver would keep what gVisor needs beside each byte, which its buffer size does not count.
const maxShared = 64

// WriteShared implements engine.Wire.
func (p *pipeEnd) WriteShared(pkt offload.Packet, body buffer.Buffer) (int, error) {
	s, err := p.check(pkt)
	if err == nil && pkt.Checksum == offload.Partial && len(pkt.Pieces) <= maxShared && p.out.share(pkt, &s, body) {
		return s.Len(), nil
	}
	defer body.Release()
	if err != nil {
		return 0, err
	}
	return p.out.put(&s) // as much as there is room for
}

// ReadShared implements engine.Wire.
func (p *pipeEnd) ReadShared(f func(offload.Packet, *buffer.Buffer)) error {
	return p.in.deliver(f)
}

// Close leaves out alone: what is queued there has been sent.
func (p *pipeEnd) Close() error {
	p.closed.Store(true)
	p.in.close()
	return nil
}

// What a pipe answers for packets that it has to drop.
var (
	errQueueFull = errors.New("stack: the link's queue is full")
	errUnplugged = errors.New("stack: the other end of the pipe is closed")
)
