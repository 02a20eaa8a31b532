package stack

import (
	"net/netip"
	"sync"

	"github.com/hextet/hextet/stack/internal/engine"
)

const (
	udpReadBuffer = 1 << 20 // of a new socket: what a Pipe queues, and more
	udpOverhead   = 128     // what a queued datagram costs beside its payload
)

// udpRecord is a queued datagram but for its payload.
type udpRecord struct {
	src, dst netip.AddrPort
	iface    int
	hops, tc uint8
	size     int
}

// udpQueue holds what a socket received until it is read: two rings, of records and of payload bytes.
// They grow when they must, and together hold no more than limit bytes of payload and overhead, except
// for one datagram, which always fits.
type udpQueue struct {
	ready chan struct{} // holds a token while there may be something to pop

	mu      sync.Mutex
	limit   int
	cost    int
	records []udpRecord
	head, n int // of records
	bytes   []byte
	at      int // where in bytes the oldest payload begins
	used    int // of bytes
	closed  bool

	received, dropped uint64
}

func (q *udpQueue) init() {
	q.ready = make(chan struct{}, 1)
	q.limit = udpReadBuffer
}

// push copies a datagram into the queue, or reports false: it is full.
func (q *udpQueue) push(d *engine.Datagram) bool {
	size := len(d.Payload)
	q.mu.Lock()
	if q.closed || q.n > 0 && q.cost+size+udpOverhead > q.limit {
		q.dropped++
		q.mu.Unlock()
		return false
	}
	q.makeRoom(size)
	end := (q.at + q.used) % max(len(q.bytes), 1)
	copy(q.bytes, d.Payload[copy(q.bytes[end:], d.Payload):]) // around the end of the ring
	q.used += size
	q.records[(q.head+q.n)%len(q.records)] = udpRecord{d.Src, d.Dst, d.Interface, d.HopLimit, d.TrafficClass, size}
	q.cost += size + udpOverhead
	q.n++
	q.received++
	first := q.n == 1
	q.mu.Unlock()
	if first { // otherwise there is a token, or a reader that leaves one
		q.wake()
	}
	return true
}

// makeRoom lets the rings grow until a datagram of size bytes fits; q.mu is held.
func (q *udpQueue) makeRoom(size int) {
	if q.n == len(q.records) {
		records := make([]udpRecord, max(8, 2*q.n))
		n := copy(records, q.records[q.head:])
		copy(records[n:], q.records[:q.head])
		q.records, q.head = records, 0
	}
	if need := q.used + size; need > len(q.bytes) {
		bytes := make([]byte, max(need, min(2*len(q.bytes), q.limit), 2048))
		q.peek(bytes[:q.used])
		q.bytes, q.at = bytes, 0
	}
}

// peek copies the oldest payload bytes; q.mu is held.
func (q *udpQueue) peek(b []byte) {
	n := copy(b, q.bytes[q.at:])
	copy(b[n:], q.bytes)
}

// pop takes the oldest datagram out and copies as much of its payload as fits into b. It does not while an
// error waits, which comes first; then there is a token.
func (q *udpQueue) pop(b []byte, errs *errorQueue) (r udpRecord, ok bool) {
	q.mu.Lock()
	if errs.waits() {
		q.mu.Unlock()
		q.wake()
		return udpRecord{}, false
	}
	if q.n == 0 {
		q.mu.Unlock()
		return udpRecord{}, false
	}
	r = q.records[q.head]
	q.records[q.head] = udpRecord{}
	q.peek(b[:min(len(b), r.size)])
	q.head = (q.head + 1) % len(q.records)
	q.at = (q.at + r.size) % max(len(q.bytes), 1)
	q.used -= r.size
	q.cost -= r.size + udpOverhead
	q.n--
	more := q.n > 0
	q.mu.Unlock()
	if more {
		q.wake() // the next reader
	}
	return r, true
}

func (q *udpQueue) wake() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// counts returns how many datagrams were pushed, and how many did not fit.
func (q *udpQueue) counts() (received, dropped uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.received, q.dropped
}

func (q *udpQueue) setLimit(bytes int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.limit = bytes
}

// close drops what is queued and lets nothing in any more.
func (q *udpQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.records, q.bytes = nil, nil
	q.head, q.n, q.at, q.used, q.cost = 0, 0, 0, 0, 0
}
