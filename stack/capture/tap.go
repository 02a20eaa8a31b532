package capture

import (
	"net"
	"time"

	"github.com/hextet/hextet/stack/offload"
)

// A Link moves packets between a stack and a wire. It has the methods of
// stack.Link, so that values of the two types are assignable to each other.
type Link interface {
	// MTU is the size of the largest IP packet, in bytes.
	MTU() int
	// HardwareAddr is nil for a link of bare IP packets; otherwise the link
	// carries Ethernet frames.
	HardwareAddr() net.HardwareAddr
	// ReadPackets blocks until there is at least one packet, fills
	// bufs[i][:sizes[i]] for i < n, and fails with net.ErrClosed after Close.
	ReadPackets(bufs [][]byte, sizes []int) (n int, err error)
	// WritePackets sends, queues or drops the packets; it keeps no slice.
	WritePackets(bufs [][]byte) (n int, err error)
	// Close unblocks ReadPackets.
	Close() error
}

// Tap returns a link that works as l does and records every packet: what is
// read from it as Inbound, what is written to it as Outbound, at the time of
// the call and before l decides whether to drop it. A batch has one time.
//
// Each call describes one interface in the file. Names should differ, since a
// reader knows the interface of a packet by its name.
//
// The tap of an offload.Link is one too. It records the packets that a
// super-segment stands for, with their checksums, and passes it on whole. Whatever
// else l can do, the tap has no method for it. Closing the tap closes l and leaves the Writer open.
func (w *Writer) Tap(name string, l Link) Link {
	t := &tap{Link: l, w: w, name: name, linkType: Raw}
	if l.HardwareAddr() != nil {
		t.linkType = Ethernet
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.block = w.block[:0]
	t.id = w.addInterface(name, t.linkType)
	if !w.closed {
		w.commit(0, 0)
	}
	if off, ok := l.(offload.Link); ok {
		return &offloadTap{tap: t, off: off}
	}
	return t
}

// tap embeds the interface, not the link behind it: no other method of the link
// becomes visible.
type tap struct {
	Link
	w        *Writer
	id       uint32
	name     string
	linkType LinkType
}

func (t *tap) ReadPackets(bufs [][]byte, sizes []int) (int, error) {
	n, err := t.Link.ReadPackets(bufs, sizes)
	// A link that breaks its promises must not break the tap.
	if k := min(n, len(bufs), len(sizes)); k > 0 {
		t.w.recordBatch(t, Inbound, bufs[:k], sizes[:k])
	}
	return n, err
}

func (t *tap) WritePackets(bufs [][]byte) (int, error) {
	// Before the link has them: an answer must not precede its question.
	if len(bufs) > 0 {
		t.w.recordBatch(t, Outbound, bufs, nil)
	}
	return t.Link.WritePackets(bufs)
}

// recordBatch records bufs, cut to sizes unless sizes is nil.
func (w *Writer) recordBatch(t *tap, d Direction, bufs [][]byte, sizes []int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		w.counters.Dropped += uint64(len(bufs))
		return
	}
	now := w.opts.Now()
	w.block = w.block[:0]
	var size uint64
	for i, b := range bufs {
		if sizes != nil {
			b = b[:max(0, min(sizes[i], len(b)))]
		}
		size += w.recordTapped(t, d, now, b)
	}
	w.commit(uint64(len(bufs)), size)
}

// recordTapped records one packet of a tap and returns how many of its bytes are kept.
func (w *Writer) recordTapped(t *tap, d Direction, now time.Time, b []byte) uint64 {
	p := Packet{Time: now, Interface: t.name, LinkType: t.linkType, Direction: d, Data: b, Length: len(b)}
	if w.opts.Comment != nil {
		p.Comment = w.opts.Comment(p)
	}
	w.record(t.id, p)
	return uint64(min(len(b), w.opts.SnapLen))
}
