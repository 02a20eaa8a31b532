package engine

import (
	"slices"

	"github.com/hextet/hextet/stack/offload"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// A super-segment brings what its link said about it to the network endpoint in GSOOptions, which gVisor
// itself reads for packets to be sent only. Its link vouches for it. To claim CapabilityRXChecksumOffload
// for that would end the verification of everything that comes over the link.

// received returns what an endpoint needs to know of a super-segment, and nothing for other packets.
func received(info offload.Info) stack.GSO {
	if info.Type == offload.None {
		return stack.GSO{}
	}
	gso := stack.GSO{Type: stack.GSOTCPv6, MSS: uint16(info.SegmentSize)}
	if info.Type == offload.TCP4 {
		gso.Type = stack.GSOTCPv4
	}
	if info.Checksum == offload.Partial {
		gso.L3HdrLen, gso.CsumOffset = uint16(info.ChecksumStart-info.Network), uint16(info.ChecksumOffset)
	}
	return gso
}

// described undoes received, for an IP packet.
func described(gso stack.GSO) offload.Info {
	info := offload.Info{Type: offload.TCP6, SegmentSize: int(gso.MSS), Checksum: offload.Verified}
	if gso.Type == stack.GSOTCPv4 {
		info.Type = offload.TCP4
	}
	if gso.L3HdrLen != 0 {
		info.Checksum, info.ChecksumStart, info.ChecksumOffset = offload.Partial, int(gso.L3HdrLen), int(gso.CsumOffset)
	}
	return info
}

// receiver is who gets a packet after this: the router, and behind it gVisor.
type receiver interface {
	local
	HandlePacket(*stack.PacketBuffer)
	Forwarding() bool
}

// HandlePacket takes what the link delivered.
func (e *endpoint6) HandlePacket(pkt *stack.PacketBuffer) {
	if e.optimistic.Load() {
		e.showClaim(pkt)
	}
	receive(routed6{e}, e.hooks, pkt)
}

// HandlePacket takes what the link delivered.
func (e *endpoint4) HandlePacket(pkt *stack.PacketBuffer) {
	receive(routed4{e}, e.hooks, pkt)
}

// receive passes a packet on whole, if its transport is all that will look at it, and cut into segments
// otherwise.
func receive(ep receiver, hooks *Hooks, pkt *stack.PacketBuffer) {
	gso := pkt.GSOOptions
	if gso.Type == stack.GSONone {
		ep.HandlePacket(pkt)
		return
	}
	pkt.GSOOptions = stack.GSO{}
	pkt.RXChecksumValidated = true
	if staysWhole(ep, hooks, pkt, gso.Type == stack.GSOTCPv4) {
		ep.HandlePacket(pkt)
		return
	}
	link := slices.Clone(pkt.LinkHeader().Slice()) // who may forward a packet asks whom the frame was for
	whole, _ := pkt.Data().PullUp(pkt.Data().Size())
	s, err := offload.Packet{Info: described(gso), Pieces: [][]byte{whole}}.Segments()
	if err != nil {
		return // can't be: the link endpoint has checked it
	}
	for i := range s.Len() {
		cut := stack.NewPacketBuffer(stack.PacketBufferOptions{
			Payload: buffer.MakeWithData(s.Append(slices.Clone(link), i)),
		})
		cut.LinkHeader().Consume(len(link))
		cut.NetworkProtocolNumber, cut.RXChecksumValidated = pkt.NetworkProtocolNumber, true
		ep.HandlePacket(cut)
		cut.DecRef()
	}
}

// staysWhole: a router would answer Packet Too Big, and a raw socket sees packets as on the wire.
func staysWhole(ep receiver, hooks *Hooks, pkt *stack.PacketBuffer, v4 bool) bool {
	if hooks.RawTCP(v4) {
		return false
	}
	if !ep.Forwarding() {
		return true
	}
	size, at := header.IPv6MinimumSize, header.IPv6MinimumSize-header.IPv6AddressSize
	if v4 {
		size, at = header.IPv4MinimumSize, header.IPv4MinimumSize-header.IPv4AddressSize
	}
	h, ok := pkt.Data().PullUp(size)
	return ok && ep.AcquireAssignedAddress(tcpip.AddrFromSlice(h[at:]), false, stack.CanBePrimaryEndpoint, true) != nil
}
