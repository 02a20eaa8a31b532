package vxlan

import (
	"errors"
	"net"
	"net/netip"
	"sync"
)

// queueLen is how many packets wait in one direction of a link before further ones
// are dropped.
const queueLen = 512

// A packet waits in a queue. On the way out to is the peer, and invalid for all.
type packet struct {
	data []byte
	to   netip.AddrPort
}

// A queue is a bounded ring of packets whose buffers are used again.
type queue struct {
	mu     sync.Mutex
	filled sync.Cond // there is a packet, or the queue is closed
	ring   []packet  // grows to queueLen
	head   int
	n      int
	closed bool
}

func newQueue() *queue {
	q := &queue{}
	q.filled.L = &q.mu
	return q
}

var errQueueFull = errors.New("the queue is full")

// put queues the concatenation of a and b.
func (q *queue) put(a, b []byte, to netip.AddrPort) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return net.ErrClosed
	}
	if q.n == len(q.ring) && !q.grow() {
		return errQueueFull
	}
	p := &q.ring[(q.head+q.n)%len(q.ring)]
	p.data, p.to = append(append(p.data[:0], a...), b...), to
	q.n++
	q.filled.Signal() // each time: several may wait
	return nil
}

// take waits for packets and hands them to each until that wants no more. It says
// whether the queue is open.
func (q *queue) take(each func(packet) bool) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.n == 0 && !q.closed {
		q.filled.Wait()
	}
	for q.n > 0 && !q.closed && each(q.ring[q.head]) {
		q.head = (q.head + 1) % len(q.ring)
		q.n--
	}
	return !q.closed
}

// swap waits for a packet, and puts it into p, whose buffer the queue uses from now
// on. It says whether the queue is open.
func (q *queue) swap(p *packet) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.n == 0 && !q.closed {
		q.filled.Wait()
	}
	if q.closed {
		return false
	}
	*p, q.ring[q.head] = q.ring[q.head], packet{data: p.data}
	q.head = (q.head + 1) % len(q.ring)
	q.n--
	return true
}

// grow doubles the ring, up to its limit, and reports whether it did.
func (q *queue) grow() bool {
	if len(q.ring) == queueLen {
		return false
	}
	bigger := make([]packet, max(16, 2*len(q.ring)))
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
