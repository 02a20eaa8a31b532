package engine

import (
	"errors"
	"sync"

	"github.com/hextet/hextet/stack/offload"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// SupportedGSO implements stack.GSOEndpoint. A route asks when a connection starts: the answer must
// not depend on what changes later, such as somebody looking.
func (e *LinkEndpoint) SupportedGSO() stack.SupportedGSO {
	if e.off == nil {
		return stack.GSONotSupported
	}
	return stack.HostGSOSupported
}

// GSOMaxSize implements stack.GSOEndpoint: the size of an IP packet.
func (e *LinkEndpoint) GSOMaxSize() uint32 { return offload.MaxLen }

// batch is what it takes to write packets, as they are or with their payload shared.
type batch struct {
	pkts     []offload.Packet
	of       []*stack.PacketBuffer // that they are of
	segments []offload.Segments    // of pkts
	pieces   [][]byte
}

var batches = sync.Pool{New: func() any { return new(batch) }}

// writeOffload sends packets as they are, without gathering their pieces. What the link refuses is
// dropped and counted.
func (e *LinkEndpoint) writeOffload(list []*stack.PacketBuffer) {
	b := batches.Get().(*batch)
	defer b.release()
	for _, pkt := range list {
		if e.leaves(pkt) {
			e.add(b, pkt)
		}
	}
	if len(b.pkts) == 0 {
		return
	}
	n := e.put(b)
	for i := range b.segments {
		s := &b.segments[i]
		sent := min(max(n, 0), s.Len())
		n -= sent
		e.Counters.TxPackets.Add(uint64(sent))
		e.Counters.TxBytes.Add(uint64(s.BytesOf(sent)))
		e.Counters.TxDropped.Add(uint64(s.Len() - sent))
	}
}

// add puts pkt, which stays its owner's, into a batch.
func (e *LinkEndpoint) add(b *batch, pkt *stack.PacketBuffer) {
	p := offload.Packet{Info: e.work(pkt), Pieces: b.slices(pkt)}
	s, err := p.Segments()
	if err != nil || s.Largest() > int(e.mtu)+p.Network {
		e.Counters.TxOversize.Add(1)
		return
	}
	b.pkts, b.of, b.segments = append(b.pkts, p), append(b.of, pkt), append(b.segments, s)
}

// work returns what gVisor left to do on a packet.
func (e *LinkEndpoint) work(pkt *stack.PacketBuffer) offload.Info {
	info := offload.Info{Network: int(e.MaxHeaderLength())}
	gso := pkt.GSOOptions
	if gso.Type == stack.GSONone || !gso.NeedsCsum {
		return info
	}
	info.Checksum = offload.Partial
	info.ChecksumStart = info.Network + len(pkt.NetworkHeader().Slice()) // L3HdrLen knows no extension headers
	info.ChecksumOffset = int(gso.CsumOffset)
	if gso.MSS == 0 || pkt.Data().Size() <= int(gso.MSS) {
		return info
	}
	info.SegmentSize, info.Type = int(gso.MSS), offload.TCP6
	if gso.Type == stack.GSOTCPv4 {
		info.Type = offload.TCP4
	}
	return info
}

// slices returns the bytes of pkt, without a copy.
func (b *batch) slices(pkt *stack.PacketBuffer) [][]byte {
	start := len(b.pieces)
	views, skip := pkt.AsViewList()
	for v := views.Front(); v != nil; v = v.Next() {
		if skip >= v.Size() {
			skip -= v.Size()
			continue
		}
		b.pieces = append(b.pieces, v.AsSlice()[skip:])
		skip = 0
	}
	return b.pieces[start:len(b.pieces):len(b.pieces)]
}

func (b *batch) release() {
	clear(b.pkts)
	clear(b.of)
	clear(b.segments)
	clear(b.pieces)
	b.pkts, b.of, b.segments, b.pieces = b.pkts[:0], b.of[:0], b.segments[:0], b.pieces[:0]
	batches.Put(b)
}

// readOffload delivers packets until the link fails or is closed.
func (e *LinkEndpoint) readOffload() error {
	got := 0
	shared := func(p offload.Packet, body *buffer.Buffer) {
		got++
		e.deliverOffload(p, body)
	}
	whole := func(p offload.Packet) { shared(p, nil) }
	read := func() error { return e.off.ReadOffload(whole) }
	if e.wire != nil {
		read = func() error { return e.wire.ReadShared(shared) }
	}
	for empty := 0; ; {
		got = 0
		switch err := read(); {
		case err != nil:
			return err
		case got > 0:
			empty = 0
		default:
			if empty++; empty > emptyReadsMax {
				return errors.New("link keeps returning no packets and no error")
			}
		}
	}
}

// deliverOffload hands a received packet to gVisor. p is the link's and is copied, but for its payload if that
// is in body.
func (e *LinkEndpoint) deliverOffload(p offload.Packet, body *buffer.Buffer) {
	s, err := p.Segments()
	if err != nil || p.Network != int(e.MaxHeaderLength()) {
		e.Counters.RxPackets.Add(1)
		e.Counters.RxBytes.Add(uint64(p.Len()))
		e.Counters.RxOffload.Add(1)
		return
	}
	e.Counters.RxPackets.Add(uint64(s.Len()))
	e.Counters.RxBytes.Add(uint64(s.Bytes()))
	disp := e.disp.Load()
	if disp == nil {
		return
	}
	if p.Type == offload.None && p.Checksum != offload.Partial && len(p.Pieces) == 1 {
		e.deliverTo(*disp, p.Pieces[0])
		return
	}
	head, whole := gather(p, s.Headers(), body)
	proto, ok := e.classify(head.AsSlice())
	if !ok {
		whole.Release()
		return
	}
	if p.Type == offload.None {
		offload.Finish(head.AsSlice(), p.Info) // it may be quoted, forwarded or shown to a raw socket, and is verified
		if e.shortCut(head.AsSlice()[p.Network:]) {
			whole.Release()
			return
		}
	}
	pkt := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: whole})
	defer pkt.DecRef()
	pkt.GSOOptions = received(p.Info)
	e.ParseHeader(pkt)
	(*disp).DeliverNetworkPacket(proto, pkt)
}

// gather copies a packet, and takes its payload over from body if that is not nil. The headers of a
// super-segment get a view of their own: gVisor copies the view that holds a header when it looks at it.
func gather(p offload.Packet, headers int, body *buffer.Buffer) (head *buffer.View, whole buffer.Buffer) {
	size := p.Len()
	if headers == 0 {
		head = buffer.NewView(size)
		for _, piece := range p.Pieces {
			head.Write(piece)
		}
		return head, buffer.MakeWithView(head)
	}
	head = buffer.NewView(headers)
	head.Write(p.Pieces[0][:headers])
	if body != nil {
		whole = buffer.MakeWithView(head)
		whole.Merge(body)
		return head, whole
	}
	payload := buffer.NewView(size - headers)
	payload.Write(p.Pieces[0][headers:])
	for _, piece := range p.Pieces[1:] {
		payload.Write(piece)
	}
	whole = buffer.MakeWithView(head)
	whole.Append(payload)
	return head, whole
}
