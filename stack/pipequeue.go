package stack

import (
	"net"
	"sync"

	"github.com/hextet/hextet/stack/offload"
	"gvisor.dev/gvisor/pkg/buffer"
)

// queue is one direction of a wire.
type queue struct {
	mu     sync.Mutex
	filled sync.Cond // there is a packet, or the reader closed the queue
	ring   []pipePacket
	head   int
	n      int // packets in the ring
	closed bool

	segments int // in the ring or on their way into it
	free     freeBuffers

	next   int // the segment of the first packet that read is at
	cut    offload.Segments
	pieces [][]byte      // the reader's
	body   buffer.Buffer // of what it is at
}

// pipePacket is a packet in a buffer of the queue's, but for its payload if that is in body.
type pipePacket struct {
	buf      []byte
	body     buffer.Buffer
	info     offload.Info
	segments int
}

func newQueue(mtu int) *queue {
	q := &queue{free: freeBuffers{small: mtu}}
	q.filled.L = &q.mu
	return q
}

// put copies segments into the queue as one packet and returns how many it had room for. The copy is
// made without the lock: the reader takes what is there meanwhile.
func (q *queue) put(s *offload.Segments) (int, error) {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return 0, errUnplugged
	}
	n := min(s.Len(), pipeQueue-q.segments)
	if n <= 0 {
		q.mu.Unlock()
		return 0, errQueueFull
	}
	q.segments += n
	buf := q.free.get(n == 1)
	q.mu.Unlock()

	buf, info := s.AppendRun(buf, 0, n)

	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return 0, errUnplugged
	}
	q.push(pipePacket{buf: buf, info: info, segments: n})
	if n < s.Len() {
		return n, errQueueFull
	}
	return n, nil
}

// share puts a whole packet into the queue without a copy of its payload, which becomes the queue's, or reports
// that there is no room for it.
func (q *queue) share(p offload.Packet, s *offload.Segments, payload buffer.Buffer) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || s.Len() > pipeQueue-q.segments {
		return false
	}
	q.segments += s.Len()
	q.push(pipePacket{append(q.free.get(true), p.Pieces[0][:s.Headers()]...), payload, p.Info, s.Len()})
	return true
}

func (q *queue) push(p pipePacket) {
	if q.n == len(q.ring) { // an idle wire stays small
		bigger := make([]pipePacket, max(16, 2*len(q.ring)))
		n := copy(bigger, q.ring[q.head:])
		copy(bigger[n:], q.ring[:q.head])
		q.ring, q.head = bigger, 0
	}
	q.ring[(q.head+q.n)%len(q.ring)] = p
	if q.n++; q.n == 1 {
		q.filled.Signal()
	}
}

// pop takes the first packet out. Its buffer is to be given back.
func (q *queue) pop() pipePacket {
	p := q.ring[q.head]
	q.ring[q.head] = pipePacket{}
	q.head = (q.head + 1) % len(q.ring)
	q.n--
	return p
}

// wait returns when there is a packet. The lock is held.
func (q *queue) wait() error {
	for q.n == 0 && !q.closed {
		q.filled.Wait()
	}
	if q.closed {
		return net.ErrClosed
	}
	return nil
}

// packet returns p, in pieces that are there until the next call.
func (q *queue) packet(p *pipePacket) offload.Packet {
	clear(q.pieces)
	q.pieces = append(q.pieces[:0], p.buf)
	views := p.body.AsViewList()
	for v := views.Front(); v != nil; v = v.Next() {
		q.pieces = append(q.pieces, v.AsSlice())
	}
	return offload.Packet{Info: p.info, Pieces: q.pieces}
}

// deliver waits for a packet, then passes on what is there.
func (q *queue) deliver(f func(p offload.Packet, body *buffer.Buffer)) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.wait(); err != nil {
		return err
	}
	for q.n > 0 && !q.closed {
		p := q.pop()
		q.rest(&p)
		q.segments -= p.segments
		q.mu.Unlock()
		pkt := q.packet(&p)
		if q.body = p.body; q.body.Size() > 0 {
			f(pkt, &q.body)
			q.body.Release()
		} else {
			f(pkt, nil)
		}
		clear(q.pieces) // those of the body are somebody else's again
		q.mu.Lock()
		if !q.closed {
			q.free.put(p.buf)
		}
	}
	return nil
}

// rest leaves those segments in p that read has not taken.
func (q *queue) rest(p *pipePacket) {
	if q.next == 0 {
		return
	}
	buf, info := q.cut.AppendRun(nil, q.next, q.cut.Len())
	q.next = 0
	p.body.Release()
	*p = pipePacket{buf: buf, info: info, segments: p.segments}
}

// read waits for a packet, then takes as many segments as there are and bufs has room for. A buffer
// that is too small cuts its packet off.
func (q *queue) read(bufs [][]byte, sizes []int) (n int, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.wait(); err != nil {
		return 0, err
	}
	for n < min(len(bufs), len(sizes)) && q.n > 0 {
		sizes[n] = q.segment(bufs[n])
		n++
	}
	return n, nil
}

// segment copies the next segment into buf.
func (q *queue) segment(buf []byte) int {
	first := &q.ring[q.head]
	if q.next == 0 {
		q.cut, _ = q.packet(first).Segments() // was checked on its way in
	}
	var size int
	if first.info.Checksum != offload.Partial {
		size = copy(buf, first.buf)
	} else {
		b := q.cut.Append(q.free.get(true), q.next)
		size = copy(buf, b)
		q.free.put(b)
	}
	q.segments--
	first.segments--
	if q.next++; q.next == q.cut.Len() {
		q.next = 0
		p := q.pop()
		p.body.Release()
		q.free.put(p.buf)
	}
	return size
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	for q.n > 0 {
		p := q.pop()
		p.body.Release()
	}
	q.ring, q.head, q.n, q.free = nil, 0, 0, freeBuffers{}
	q.filled.Broadcast()
}

// freeBuffers are buffers to use again, the one used last first: it is still in a cache.
type freeBuffers struct {
	small int // what one packet of the MTU takes
	bufs  [2][][]byte
}

// freeBytes bounds what one direction of an idle wire keeps, for each of the two sizes.
const freeBytes = 512 << 10

// get returns an empty buffer for one segment, or for many.
func (f *freeBuffers) get(one bool) []byte {
	class, size := 0, f.small
	if !one {
		class, size = 1, offload.MaxLen+1
	}
	bufs := f.bufs[class]
	if len(bufs) == 0 {
		return make([]byte, 0, size)
	}
	f.bufs[class] = bufs[:len(bufs)-1]
	return bufs[len(bufs)-1][:0]
}

func (f *freeBuffers) put(b []byte) {
	class := 0
	if cap(b) > f.small {
		class = 1
	}
	if (len(f.bufs[class])+1)*cap(b) <= freeBytes {
		f.bufs[class] = append(f.bufs[class], b)
	}
}
