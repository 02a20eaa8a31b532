package engine

import (
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// local is what the dispatcher asks of its endpoint to know whether a packet is for this host.
type local interface {
	stack.AddressableEndpoint
	stack.GroupAddressableEndpoint
}

// dispatcher stands between a network endpoint and gVisor's transport demultiplexer. It shows
// packets to raw sockets and lets the echo responder be switched off.
//
// It keeps TransportDispatcherWithDefaultHandlerResult: without it gVisor falls back silently to a
// path on which an echo request can't be claimed.
type dispatcher struct {
	stack.TransportDispatcherWithDefaultHandlerResult
	hooks     *Hooks
	nic       tcpip.NICID
	local     local
	stack     *stack.Stack // IPv6 only, as is
	fragments *reassembler
}

// DeliverTransportPacket sees what passed the destination, extension header and reassembly checks,
// for every protocol but ICMP and IGMP.
func (d *dispatcher) DeliverTransportPacket(p tcpip.TransportProtocolNumber, pkt *stack.PacketBuffer) stack.TransportPacketDisposition {
	taken := d.rawLate(p, pkt) // first: the inner call may modify pkt
	if p == header.UDPProtocolNumber && d.datagram(pkt) {
		return stack.TransportPacketHandled
	}
	r := d.TransportDispatcherWithDefaultHandlerResult.DeliverTransportPacket(p, pkt)
	if taken && r == stack.TransportPacketProtocolUnreachable {
		return stack.TransportPacketHandled
	}
	return r
}

// DeliverTransportPacketWithDefaultHandlerResult sees echo requests only. A true second result tells
// gVisor not to answer.
func (d *dispatcher) DeliverTransportPacketWithDefaultHandlerResult(p tcpip.TransportProtocolNumber, pkt *stack.PacketBuffer) (stack.TransportPacketDisposition, bool) {
	r, handled := d.TransportDispatcherWithDefaultHandlerResult.DeliverTransportPacketWithDefaultHandlerResult(p, pkt)
	return r, handled || !d.hooks.EchoReply(int(d.nic))
}

// DeliverRawPacket sees every valid IP packet before gVisor looks at its destination, keyed by its
// first next header. IPv4 fragments come reassembled.
func (d *dispatcher) DeliverRawPacket(p tcpip.TransportProtocolNumber, pkt *stack.PacketBuffer) {
	d.advertisement(p, pkt)
	d.rawEarly(p, pkt)
	d.TransportDispatcherWithDefaultHandlerResult.DeliverRawPacket(p, pkt)
}
