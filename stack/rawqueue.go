package stack

import (
	"net/netip"
	"sync"

	"github.com/hextet/hextet/stack/internal/engine"
)

const (
	rawReadBuffer = 256 << 10 // of a new socket
	rawOverhead   = 128       // what a queued packet costs beside its payload
)

// rawDatagram is one socket's copy of a packet.
type rawDatagram struct {
	payload   []byte
	src, dst  netip.Addr
	iface     int
	hops, tos int

	firstHeader uint8
	extensions  []byte // the extension headers, the first of which firstHeader names
	pathMTU     int    // not 0: no packet came, but news of the path to dst
}

var rawDatagrams = sync.Pool{New: func() any { return new(rawDatagram) }}

func newRawDatagram(p *engine.RawPacket) *rawDatagram {
	d := rawDatagrams.Get().(*rawDatagram)
	*d = rawDatagram{
		payload:     p.AppendPayload(d.payload[:0]),
		src:         p.Src,
		dst:         p.Dst,
		iface:       p.Interface,
		hops:        p.HopLimit,
		tos:         p.TrafficClass,
		firstHeader: p.FirstHeader,
		extensions:  append(d.extensions[:0], p.Extensions...),
	}
	return d
}

// release gives the buffer back.
func (d *rawDatagram) release() {
	if cap(d.payload) > maxPooledBytes {
		d.payload = nil
	}
	if cap(d.extensions) > maxPooledBytes {
		d.extensions = nil
	}
	rawDatagrams.Put(d)
}

func (d *rawDatagram) cost() int { return len(d.payload) + len(d.extensions) + rawOverhead }

// scatter copies the payload into bufs, as much as fits, and returns how much did.
func (d *rawDatagram) scatter(bufs [][]byte) (n int) {
	for _, b := range bufs {
		n += copy(b, d.payload[n:])
	}
	return n
}

// rawQueue holds what a socket received until it is read.
type rawQueue struct {
	ready chan struct{} // holds a token while there may be something to pop

	mu     sync.Mutex
	list   []*rawDatagram
	head   int // of list; what is before has been popped
	bytes  int
	pushed uint64 // packets so far
	limit  int
	closed bool
}

func (q *rawQueue) init() {
	q.ready = make(chan struct{}, 1)
	q.limit = rawReadBuffer
}

// hasRoom reports whether a payload of n bytes could be pushed. One packet always can.
func (q *rawQueue) hasRoom(n int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return !q.full(n + rawOverhead)
}

func (q *rawQueue) full(cost int) bool {
	return q.closed || q.bytes > 0 && q.bytes+cost > q.limit
}

// push takes d over, or reports false.
func (q *rawQueue) push(d *rawDatagram) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.full(d.cost()) {
		return false
	}
	if q.head > len(q.list)/2 {
		n := copy(q.list, q.list[q.head:])
		clear(q.list[n:])
		q.list, q.head = q.list[:n], 0
	}
	q.list = append(q.list, d)
	q.bytes += d.cost()
	if d.pathMTU == 0 {
		q.pushed++ // before anybody can read it
	}
	q.wake()
	return true
}

// received returns how many packets were pushed.
func (q *rawQueue) received() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.pushed
}

// pop returns the oldest packet, which the caller releases, or nil. It is nil too while an error waits,
// which comes first; then there is a token.
func (q *rawQueue) pop(errs *errorQueue) *rawDatagram {
	q.mu.Lock()
	defer q.mu.Unlock()
	if errs.waits() {
		q.wake()
		return nil
	}
	if q.head == len(q.list) {
		return nil
	}
	d := q.list[q.head]
	q.list[q.head] = nil
	q.head++
	q.bytes -= d.cost()
	if q.head < len(q.list) {
		q.wake() // the next reader: a token may stand for several packets
	}
	return d
}

func (q *rawQueue) wake() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// wakeAll wakes a reader that waits, which finds something else than a packet, and passes the token on.
func (q *rawQueue) wakeAll() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.wake()
}

func (q *rawQueue) setLimit(bytes int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.limit = bytes
}

// close drops what is queued and lets nothing in any more.
func (q *rawQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	for _, d := range q.list[q.head:] {
		d.release()
	}
	q.list, q.head, q.bytes = nil, 0, 0
}
