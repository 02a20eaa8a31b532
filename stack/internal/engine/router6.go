package engine

import (
	"encoding/binary"
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// routed6 is an endpoint with its router in front.
type routed6 struct{ *endpoint6 }

// HandlePacket takes one packet as it was on the wire, or whole segments for this host. gVisor gets what
// is for this host.
func (e routed6) HandlePacket(pkt *stack.PacketBuffer) {
	if e.Forwarding() {
		b, _ := pkt.Data().PullUp(pkt.Data().Size())
		p, ok := parse6(b)
		if p.nic = e.nic.ID(); e.router.take(p, ok, e, pkt) {
			return
		}
	}
	e.endpoint6Methods.HandlePacket(pkt)
}

// HandleLinkResolutionFailure implements stack.LinkResolvableNetworkEndpoint.
func (e *endpoint6) HandleLinkResolutionFailure(pkt *stack.PacketBuffer) {
	if pkt.NetworkPacketInfo.IsForwardedPacket {
		e.router.resolutionFailed(pkt, parse6)
		return
	}
	e.endpoint6Methods.HandleLinkResolutionFailure(pkt)
}

// parse6 checks an IPv6 header. The result's packet shares b.
func parse6(b []byte) (packet, bool) {
	if len(b) < header.IPv6MinimumSize || b[0]>>4 != 6 {
		return packet{}, false
	}
	size := header.IPv6MinimumSize + int(binary.BigEndian.Uint16(b[4:]))
	if size > len(b) {
		return packet{}, false
	}
	return packet{
		proto:  header.IPv6ProtocolNumber,
		src:    netip.AddrFrom16([16]byte(b[8:24])),
		dst:    netip.AddrFrom16([16]byte(b[24:40])),
		b:      b[:size],
		header: header.IPv6MinimumSize,
	}, true
}

// forward6 sends a packet on.
func (r *router) forward6(p packet, path Path) {
	// RFC 8200 section 3, Hop Limit: "Decremented by 1 by each node that forwards the packet. When
	// forwarding, the packet is discarded if Hop Limit was zero when received or is decremented to zero."
	if p.b[7] <= 1 {
		r.Expired.Add(1)
		r.timeExceeded(p)
		return
	}
	if len(p.b) > path.MTU {
		r.TooBig.Add(1)
		r.tooBig(p, path.MTU)
		return
	}
	v := newView(p.b)
	v.AsSlice()[7]--
	r.transmit(p, path, v)
}
