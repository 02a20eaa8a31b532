package engine

import (
	"net/netip"
	"slices"
	"sync/atomic"

	"github.com/hextet/hextet/stack/internal/convert"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// gVisor forwards packets too, but asks source selection for an address first, as if it spoke itself:
// a router whose addresses are all to keep quiet would forward nothing. It also reports an MTU of 0 in
// Packet Too Big, lets IPv4 packets pass with a time to live of 0 and panics on errors of a link that it
// does not know. Here packets in transit are taken before gVisor looks at them.

// Verdict is what the embedding stack's routes say of a packet's destination.
type Verdict uint8

const (
	Transit    Verdict = iota // to be forwarded along the path
	Own                       // an address of this host, on the interface NIC
	NoRoute                   // nobody knows the way
	Prohibited                // by an interface that does not forward
	Absent                    // would be at the other end of the point-to-point link, from which it came
	Refused                   // never forwarded: the packet is dropped without an answer
)

// A Path is where a packet in transit goes.
type Path struct {
	Verdict Verdict
	NIC     int        // the interface to leave by, or that has the address
	MTU     int        // of the largest packet on this path
	From    netip.Addr // an address of NIC to ask neighbours from; the zero Addr if there is none
}

// RouterHooks are the decisions of a router. They run without gVisor's locks.
type RouterHooks struct {
	// Path finds the way to dst, which is unicast, for a packet that came by nic.
	Path func(nic int, dst netip.Addr) Path

	// ErrorSource chooses the source of an ICMP error to dst about a packet that came by nic, and the
	// interface that has it if the error is to leave by that one, else 0.
	ErrorSource func(nic int, dst netip.Addr) (out int, src netip.Addr, ok bool)
}

// RouterCounters count the packets in transit, by what became of them, and the ICMP errors about them.
type RouterCounters struct {
	Forwarded  atomic.Uint64
	Refused    atomic.Uint64 // addresses that are never forwarded
	Expired    atomic.Uint64 // hop limit or time to live
	TooBig     atomic.Uint64 // for the path, and not to be fragmented
	NoRoute    atomic.Uint64
	Prohibited atomic.Uint64 // by an interface that does not forward
	NoNeighbor atomic.Uint64 // the next hop did not answer, or is not there
	Failed     atomic.Uint64 // the interface to leave by did not take it

	ErrorsSent    atomic.Uint64
	ErrorsLimited atomic.Uint64 // held back by the rate limit
	ErrorsNoWay   atomic.Uint64 // no address may speak, no route back, or nobody there to be told
}

// router forwards packets between the interfaces of one stack.
type router struct {
	*RouterCounters
	hooks RouterHooks
	gv    *stack.Stack
}

// packet is one in transit: its IP header checked, with what a router needs of it.
type packet struct {
	nic      tcpip.NICID // it came by
	proto    tcpip.NetworkProtocolNumber
	src, dst netip.Addr
	b        []byte // the whole packet, without link-layer padding; it may not be changed
	header   int    // the length of the IP header
}

// take takes a packet that came by the interface of ep, unless it is for that interface itself or for a
// group, so that gVisor is to see it: of unicast packets gVisor only ever gets those that it does not
// forward. pkt is the same packet as p, unparsed; ok is false if its header is wrong.
func (r *router) take(p packet, ok bool, ep stack.AddressableEndpoint, pkt *stack.PacketBuffer) bool {
	switch {
	case !ok:
		r.gv.Stats().IP.PacketsReceived.Increment()
		r.gv.Stats().IP.MalformedPacketsReceived.Increment()
	case p.dst.IsMulticast(), ep.AcquireAssignedAddress(convert.Addr(p.dst), false, stack.CanBePrimaryEndpoint, true) != nil:
		return false
	case !mayTravel(p.dst), fromGroup(pkt), sourceRouted(p):
		r.Refused.Add(1)
	case !mayTravel(p.src):
		r.Refused.Add(1)
		if p.src.Is6() && p.src.IsLinkLocalUnicast() {
			// RFC 4007 section 9 has a packet that would leave the zone of its source discarded, and a
			// Destination Unreachable message with Code 2 sent.
			r.unreachable(p, beyondScope)
		}
	default:
		r.route(p, pkt)
	}
	return true
}

// mayTravel reports whether an address may be that of a packet between links.
//
// RFC 4291 section 2.5.6: "Routers must not forward any packets with Link-Local source or destination
// addresses to other links"; sections 2.5.2, 2.5.3 and 2.7 say the like of unspecified, loopback and
// multicast addresses. For IPv4, RFC 1812 section 5.3.7 has the martian addresses, and RFC 3927 section 7:
// "A router MUST NOT forward a packet with an IPv4 Link-Local source or destination address".
func mayTravel(a netip.Addr) bool {
	if a.Is4() {
		if first := a.As4()[0]; first == 0 || first >= 240 {
			return false
		}
	}
	return !a.IsMulticast() && !a.IsLinkLocalUnicast() && !a.IsLoopback() && !a.IsUnspecified() && !a.Is4In6()
}

// fromGroup reports whether a packet came as a link-layer broadcast or multicast.
//
// RFC 1812 section 5.3.4: "A router MUST NOT forward any packet that the router received as a Link Layer
// broadcast, unless it is directed to an IP Multicast address."
func fromGroup(pkt *stack.PacketBuffer) bool {
	h := pkt.LinkHeader().Slice()
	return len(h) > 0 && h[0]&1 != 0
}

// route decides about a packet that is not for the interface it came by.
func (r *router) route(p packet, pkt *stack.PacketBuffer) {
	path := r.hooks.Path(int(p.nic), p.dst)
	switch path.Verdict {
	case Own:
		r.deliver(p, path.NIC, pkt)
	case NoRoute:
		r.NoRoute.Add(1)
		r.unreachable(p, noRoute)
	case Prohibited:
		r.Prohibited.Add(1)
		r.unreachable(p, prohibited)
	case Absent:
		r.NoNeighbor.Add(1)
		r.unreachable(p, noNeighbor)
	case Transit:
		r.forward(p, path)
	default:
		r.Refused.Add(1)
	}
}

// deliver hands a packet to the interface whose address it is for. A router takes packets to any of its
// addresses (RFC 1812 section 5.2.3).
func (r *router) deliver(p packet, nic int, pkt *stack.PacketBuffer) {
	ep, err := r.gv.GetNetworkEndpoint(tcpip.NICID(nic), p.proto)
	if err != nil || tcpip.NICID(nic) == p.nic { // an address, or interface, that came or went just now
		r.Failed.Add(1)
		return
	}
	ep.HandlePacket(pkt)
}

// transmit sends a packet, which it takes over, out by path towards dst, and counts it.
func (r *router) transmit(p packet, path Path, v *buffer.View) {
	pkt := stack.NewPacketBuffer(stack.PacketBufferOptions{
		ReserveHeaderBytes: header.EthernetMinimumSize,
		Payload:            buffer.MakeWithView(v),
		IsForwardedPacket:  true,
	})
	defer pkt.DecRef()
	pkt.NetworkProtocolNumber = p.proto
	pkt.InputNICID = p.nic
	pkt.NetworkHeader().Consume(p.header)
	switch err := r.write(p, path, pkt); err.(type) {
	case nil:
		r.Forwarded.Add(1)
	case *tcpip.ErrHostUnreachable:
		r.NoNeighbor.Add(1)
		r.unreachable(p, noNeighbor)
	default:
		r.Failed.Add(1)
	}
}

func (r *router) write(p packet, path Path, pkt *stack.PacketBuffer) tcpip.Error {
	nic := tcpip.NICID(path.NIC)
	ep, err := r.gv.GetNetworkEndpoint(nic, p.proto)
	if err != nil {
		return err
	}
	out := ep.(interface{ device() stack.NetworkInterface }).device()
	if out.Capabilities()&stack.CapabilityResolutionRequired == 0 {
		return out.WritePacketToRemote("", pkt)
	}
	if !path.From.IsValid() {
		return &tcpip.ErrHostUnreachable{} // nobody to ask the neighbours
	}
	// The best route by an interface is the best of all if that one is by this interface, so gVisor
	// finds the same next hop.
	way, err := r.gv.FindRoute(nic, convert.Addr(path.From), convert.Addr(p.dst), p.proto, false)
	if err != nil {
		return err
	}
	defer way.Release()
	return out.WritePacket(way, pkt)
}

// resolutionFailed is told about a forwarded packet whose next hop did not answer in time.
func (r *router) resolutionFailed(pkt *stack.PacketBuffer, parse func(b []byte) (packet, bool)) {
	r.NoNeighbor.Add(1)
	b := slices.Concat(pkt.NetworkHeader().Slice(), pkt.Data().AsRange().ToSlice())
	if p, ok := parse(b); ok {
		p.nic = pkt.InputNICID
		r.unreachable(p, noNeighbor)
	}
}
