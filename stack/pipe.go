package stack

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
)

// pipeQueue is how many packets wait in one direction of a Pipe before further ones are dropped.
const pipeQueue = 1024

// Pipe returns the two ends of a wire in memory that carries bare IP packets of up to mtu bytes.
//
// Each direction queues 1024 packets and drops what comes when it is full, as a network card's ring
// does. Closing one end unplugs the wire: the other end receives what is still queued, then waits, and
// drops what it is to send, until it is closed too. Pipe panics if mtu is not between 1280, the
// smallest that IPv6 works with (RFC 8200 section 5), and 65535.
func Pipe(mtu int) (a, b Link) {
	if mtu < minMTU || mtu > maxMTU {
		panic(fmt.Sprintf("stack: Pipe: MTU %d is not between %d and %d", mtu, minMTU, maxMTU))
	}
	ab, ba := newQueue(), newQueue()
	return &pipeEnd{mtu: mtu, in: ba, out: ab}, &pipeEnd{mtu: mtu, in: ab, out: ba}
}

type pipeEnd struct {
	mtu     int
	in, out *queue
	closed  atomic.Bool
}

func (p *pipeEnd) MTU() int                       { return p.mtu }
func (p *pipeEnd) HardwareAddr() net.HardwareAddr { return nil }

func (p *pipeEnd) ReadPackets(bufs [][]byte, sizes []int) (int, error) {
	return p.in.read(bufs, sizes)
}

func (p *pipeEnd) WritePackets(bufs [][]byte) (int, error) {
	if p.closed.Load() {
		return 0, net.ErrClosed
	}
	return p.out.write(bufs, p.mtu)
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

// queue is one direction of a wire: a ring of packets whose buffers are used again.
type queue struct {
	mu     sync.Mutex
	filled sync.Cond // there is a packet, or the reader closed the queue
	ring   [][]byte  // grows to pipeQueue
	head   int
	n      int
	closed bool
}

func newQueue() *queue {
	q := &queue{}
	q.filled.L = &q.mu
	return q
}

// read waits for a packet, then takes as many as there are and bufs has room for. A buffer that is
// too small cuts its packet.
func (q *queue) read(bufs [][]byte, sizes []int) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.n == 0 && !q.closed {
		q.filled.Wait()
	}
	if q.closed {
		return 0, net.ErrClosed
	}
	n := min(q.n, len(bufs), len(sizes))
	for i := range n {
		sizes[i] = copy(bufs[i], q.ring[q.head])
		q.head = (q.head + 1) % len(q.ring)
	}
	q.n -= n
	return n, nil
}

// write copies packets into the queue. It stops at the first that does not fit.
func (q *queue) write(bufs [][]byte, mtu int) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return 0, errUnplugged
	}
	for i, b := range bufs {
		if len(b) > mtu {
			return i, fmt.Errorf("stack: a packet of %d bytes on a pipe of MTU %d", len(b), mtu)
		}
		if q.n == len(q.ring) && !q.grow() {
			return i, errQueueFull
		}
		slot := &q.ring[(q.head+q.n)%len(q.ring)]
		*slot = append((*slot)[:0], b...)
		if q.n++; q.n == 1 {
			q.filled.Signal()
		}
	}
	return len(bufs), nil
}

// grow doubles the ring, up to its limit, and reports whether it did. An idle wire stays small.
func (q *queue) grow() bool {
	if len(q.ring) == pipeQueue {
		return false
	}
	bigger := make([][]byte, max(16, 2*len(q.ring)))
	n := copy(bigger, q.ring[q.head:])
	copy(bigger[n:], q.ring[:q.head])
	q.ring, q.head = bigger, 0
	return true
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.ring, q.head, q.n = nil, 0, 0
	q.filled.Broadcast()
}
