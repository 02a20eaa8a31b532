package engine

import (
	"gvisor.dev/gvisor/pkg/buffer"

	"github.com/hextet/hextet/stack/offload"
)

// A Wire is a link in memory between two hosts: the payload of a super-segment crosses it without a copy. Both
// hosts, the sender in case that it has to send it again, hold on to the same bytes, which nobody changes.
type Wire interface {
	offload.Link

	// WriteShared is WriteOffload for one super-segment. body is its payload, and the Wire's.
	WriteShared(p offload.Packet, body buffer.Buffer) (n int, err error)

	// ReadShared is ReadOffload, in place of which it is called. If body is not nil, it is the payload of p,
	// and f's. What f leaves in it is released.
	ReadShared(f func(p offload.Packet, body *buffer.Buffer)) error
}

// put puts a batch on the link, and returns how many of its segments that took.
func (e *LinkEndpoint) put(b *batch) (n int) {
	if e.wire == nil {
		n, _ = e.off.WriteOffload(b.pkts)
		return n
	}
	for i, p := range b.pkts {
		s := &b.segments[i]
		var k int
		var err error
		if s.Len() > 1 {
			body := b.of[i].ToBuffer()
			body.TrimFront(int64(s.Headers()))
			k, err = e.wire.WriteShared(p, body)
		} else {
			k, err = e.wire.WriteOffload(b.pkts[i : i+1])
		}
		if n += k; err != nil {
			break
		}
	}
	return n
}
