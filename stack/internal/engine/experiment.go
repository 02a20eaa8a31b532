package engine

import (
	"github.com/hextet/hextet/stack/internal/convert"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// experiment is a protocol number for experiments (RFC 3692), which gVisor takes for an extension header
// of its own. Here it is a protocol like any other.
const experiment = 253

// hide keeps gVisor from reading on in a payload that it mistakes for an extension header: the byte at
// offset, a Next Header field or what it takes for one, comes to say that nothing follows. Nobody else
// has the packet: links and raw sockets bring copies.
func hide(pkt *stack.PacketBuffer, offset int) {
	h := pkt.NetworkHeader().Slice()
	if offset < len(h) {
		h[offset] = noNextHeader
		return
	}
	offset -= len(h)
	if b, ok := pkt.Data().PullUp(offset + 1); ok {
		b[offset] = noNextHeader
	}
}

// unrecognized tells the sender of the packet b, which rp describes, that nobody here knows its protocol, which
// the field at offset named says.
//
// RFC 8200 section 4: "it should discard the packet and send an ICMP Parameter Problem message to the
// source of the packet, with an ICMP Code value of 1 ("unrecognized Next Header type encountered")
// and the ICMP Pointer field containing the offset of the unrecognized value within the original
// packet."
func (d *dispatcher) unrecognized(rp RawPacket, b []byte, named int) {
	// RFC 4443 section 2.4 (e): not about a packet to a group, nor one whose source is no single node.
	if rp.Dst.IsMulticast() || rp.Src.IsUnspecified() || !d.stack.AllowICMPMessage() {
		return
	}
	r, err := d.stack.FindRoute(d.nic, convert.Addr(rp.Dst), convert.Addr(rp.Src), header.IPv6ProtocolNumber, false)
	if err != nil {
		return
	}
	defer r.Release()
	const parameterProblem, unrecognizedNextHeader = 4, 1
	about := packet{proto: header.IPv6ProtocolNumber, b: b}
	pkt := newOutgoing(r, errorMessage(about, r, parameterProblem, unrecognizedNextHeader, uint32(named)))
	defer pkt.DecRef()
	r.WritePacket(stack.NetworkHeaderParams{Protocol: header.ICMPv6ProtocolNumber, TTL: r.DefaultTTL()}, pkt)
}
