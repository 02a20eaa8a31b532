package capture

import "github.com/hextet/hextet/stack/offload"

// offloadTap is the tap of a link that carries super-segments.
type offloadTap struct {
	*tap
	off offload.Link
}

func (t *offloadTap) ReadOffload(deliver func(offload.Packet)) error {
	return t.off.ReadOffload(func(p offload.Packet) {
		t.w.recordOffload(t.tap, Inbound, []offload.Packet{p})
		deliver(p)
	})
}

func (t *offloadTap) WriteOffload(pkts []offload.Packet) (int, error) {
	// Before the link has them: an answer must not precede its question.
	if len(pkts) > 0 {
		t.w.recordOffload(t.tap, Outbound, pkts)
	}
	return t.off.WriteOffload(pkts)
}

// recordOffload records the packets on the wire that pkts stand for, all at one time.
func (w *Writer) recordOffload(t *tap, d Direction, pkts []offload.Packet) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		for _, p := range pkts {
			w.counters.Dropped += uint64(segmentCount(p))
		}
		return
	}
	now := w.opts.Now()
	w.block = w.block[:0]
	var n, size uint64
	for _, p := range pkts {
		s, err := p.Segments()
		if err != nil { // recorded as it is
			s, err = offload.Packet{Pieces: p.Pieces}.Segments()
		}
		if err != nil { // longer than any packet
			w.counters.Dropped++
			continue
		}
		for i := range s.Len() {
			w.segment = s.Append(w.segment[:0], i)
			size += w.recordTapped(t, d, now, w.segment)
		}
		n += uint64(s.Len())
	}
	w.commit(n, size)
}

func segmentCount(p offload.Packet) int {
	s, err := p.Segments()
	if err != nil {
		return 1
	}
	return s.Len()
}
