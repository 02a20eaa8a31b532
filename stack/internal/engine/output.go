package engine

import (
	"net/netip"
	"sync"

	"github.com/hextet/hextet/stack/internal/convert"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// Output sends IP packets with their header over a route of gVisor's, past its network layer: what
// gVisor would put into the header is its user's to decide, and a link without neighbours to resolve
// gets the packet as it is.
type Output struct {
	link  *LinkEndpoint
	nic   stack.NetworkInterface
	net   stack.NetworkEndpoint
	route *stack.Route
	loop  *stack.Route // by which copies come back to this host; nil: none do
	out   bool         // packets leave on the link
	sent  *tcpip.StatCounter
}

// NewOutput takes over r, a route over link's NIC.
func NewOutput(s *stack.Stack, link *LinkEndpoint, r *stack.Route) (*Output, tcpip.Error) {
	if loopbackEscapes(r) {
		r.Release()
		return nil, &tcpip.ErrNetworkUnreachable{}
	}
	o := &Output{link: link, route: r, out: r.Loop()&stack.PacketOut != 0, sent: s.Stats().IP.PacketsSent}
	ep, err := s.GetNetworkEndpoint(r.OutgoingNIC(), r.NetProto())
	if err == nil && r.Loop()&stack.PacketLoop != 0 {
		o.loop, err = r, nil
		if o.out {
			// gVisor delivers by the destination in the header. A route from the source to itself
			// brings a packet to this host and nowhere else.
			o.loop, err = s.FindRoute(r.OutgoingNIC(), r.LocalAddress(), r.LocalAddress(), r.NetProto(), false)
		}
	}
	if err != nil {
		r.Release()
		return nil, err
	}
	o.net = ep
	o.nic = ep.(interface{ device() stack.NetworkInterface }).device()
	return o, nil
}

func (e *endpoint6) device() stack.NetworkInterface { return e.nic }
func (e *endpoint4) device() stack.NetworkInterface { return e.nic }

// Release gives the routes back. The Output is of no use any more.
func (o *Output) Release() {
	if o.loop != nil && o.loop != o.route {
		o.loop.Release()
	}
	o.route.Release()
}

// Source returns the route's own address.
func (o *Output) Source() netip.Addr { return convert.NetAddr(o.route.LocalAddress()) }

// MTU returns the size of the largest IP packet that the route carries, and the link too: a router may
// have advertised less since the route got its own.
func (o *Output) MTU() int {
	mtu := int(min(o.route.MTU(), o.net.MTU()))
	if o.route.NetProto() == header.IPv4ProtocolNumber {
		return mtu + header.IPv4MinimumSize
	}
	return mtu + header.IPv6MinimumSize
}

// HopLimit returns the route's hop limit, or time to live, where nobody chose one.
func (o *Output) HopLimit() uint8 { return o.route.DefaultTTL() }

// Loops reports whether packets are for this host too, or only, and Leaves whether they leave it.
func (o *Output) Loops() bool  { return o.loop != nil }
func (o *Output) Leaves() bool { return o.out }

// Send puts an IP packet, which it only borrows, on the link. It does not wait for a neighbour: gVisor
// queues the packet meanwhile. What the link does not take is counted there and no error.
func (o *Output) Send(packet []byte) tcpip.Error {
	o.sent.Increment()
	if !o.link.ethernet() {
		o.link.writeOne(packet)
		return nil
	}
	pkt := newOutgoing(o.route, packet)
	defer pkt.DecRef()
	pkt.NetworkProtocolNumber = o.route.NetProto()
	size := header.IPv6MinimumSize
	if pkt.NetworkProtocolNumber == header.IPv4ProtocolNumber {
		size = int(header.IPv4(packet).HeaderLength())
	}
	if _, ok := pkt.NetworkHeader().Consume(size); !ok {
		return &tcpip.ErrMalformedHeader{}
	}
	return o.nic.WritePacket(o.route, pkt)
}

// Deliver gives an IP packet, which it only borrows, to this host.
func (o *Output) Deliver(packet []byte) tcpip.Error {
	pkt := newOutgoing(o.loop, packet)
	defer pkt.DecRef()
	return o.loop.WriteHeaderIncludedPacket(pkt)
}

func newOutgoing(r *stack.Route, packet []byte) *stack.PacketBuffer {
	return stack.NewPacketBuffer(stack.PacketBufferOptions{
		ReserveHeaderBytes: int(r.MaxHeaderLength()),
		Payload:            newPayload(packet),
	})
}

// newPayload copies b.
func newPayload(b []byte) buffer.Buffer { return buffer.MakeWithView(buffer.NewViewWithData(b)) }

// A writeBatch is what a write to a link needs beside the packets. A link may keep none of it.
type writeBatch struct {
	bufs  [][]byte
	views []*buffer.View
}

var writeBatches = sync.Pool{New: func() any { return new(writeBatch) }}

// free forgets the packets.
func (w *writeBatch) free() {
	for _, v := range w.views {
		v.Release()
	}
	clear(w.bufs)
	clear(w.views)
	w.bufs, w.views = w.bufs[:0], w.views[:0]
	writeBatches.Put(w)
}

// writeOne puts one packet on a link without link-layer header.
func (e *LinkEndpoint) writeOne(packet []byte) {
	w := writeBatches.Get().(*writeBatch)
	w.bufs = append(w.bufs, packet)
	e.write(w.bufs)
	w.free()
}

// write puts packets on the link, and counts them.
func (e *LinkEndpoint) write(bufs [][]byte) {
	fit := bufs[:0]
	for _, b := range bufs {
		if len(b) > int(e.mtu)+int(e.MaxHeaderLength()) {
			e.Counters.TxOversize.Add(1)
			continue
		}
		fit = append(fit, b)
	}
	if len(fit) == 0 {
		return
	}
	n, _ := e.link.WritePackets(fit)
	n = min(max(n, 0), len(fit))
	bytes := uint64(0)
	for _, b := range fit[:n] {
		bytes += uint64(len(b))
	}
	e.Counters.TxPackets.Add(uint64(n))
	e.Counters.TxBytes.Add(bytes)
	if n < len(fit) {
		e.Counters.TxDropped.Add(uint64(len(fit) - n))
	}
}
