package engine

import (
	"net/netip"
	"slices"

	"github.com/hextet/hextet/stack/internal/convert"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// RawPacket is a packet for this host on its way to raw sockets: its destination, extension headers
// and reassembly are done with. It is borrowed for the call that passes it.
type RawPacket struct {
	Interface    int
	Protocol     uint8 // of the payload, behind all extension headers
	Src, Dst     netip.Addr
	HopLimit     int
	TrafficClass int

	// Extensions are the extension headers of an IPv6 packet, the first of which FirstHeader names,
	// as they came: a Fragment header among them when it came in fragments.
	FirstHeader uint8
	Extensions  []byte

	head []byte              // of the payload
	rest *stack.PacketBuffer // whose data follows head; nil: nothing follows
}

// Len returns the length of the payload.
func (p *RawPacket) Len() int {
	if p.rest == nil {
		return len(p.head)
	}
	return len(p.head) + p.rest.Data().Size()
}

// FirstByte returns the first byte of the payload, if it has one.
func (p *RawPacket) FirstByte() (byte, bool) {
	if len(p.head) > 0 {
		return p.head[0], true
	}
	if p.rest != nil {
		if b, ok := p.rest.Data().PullUp(1); ok {
			return b[0], true
		}
	}
	return 0, false
}

// AppendPayload appends the payload, from the upper-layer header on, to b.
func (p *RawPacket) AppendPayload(b []byte) []byte {
	b = append(b, p.head...)
	if p.rest == nil || p.rest.Data().Size() == 0 {
		return b
	}
	w := appender(b)
	p.rest.Data().ReadTo(&w, true) // a PullUp would move headers that gVisor still looks at
	return w
}

// appender is a slice to write to.
type appender []byte

func (a *appender) Write(b []byte) (int, error) {
	*a = append(*a, b...)
	return len(b), nil
}

// describe returns pkt as a raw packet whose payload is what gVisor takes for the upper layer.
func describe(p tcpip.TransportProtocolNumber, pkt *stack.PacketBuffer) RawPacket {
	rp := RawPacket{Protocol: uint8(p), head: pkt.TransportHeader().Slice(), rest: pkt}
	if pkt.NetworkProtocolNumber == header.IPv4ProtocolNumber {
		h := header.IPv4(pkt.NetworkHeader().Slice())
		tos, _ := h.TOS()
		rp.Src, rp.Dst = convert.NetAddr(h.SourceAddress()), convert.NetAddr(h.DestinationAddress())
		rp.HopLimit, rp.TrafficClass = int(h.TTL()), int(tos)
		return rp
	}
	h := header.IPv6(pkt.NetworkHeader().Slice())
	tc, _ := h.TOS()
	rp.Src, rp.Dst = convert.NetAddr(h.SourceAddress()), convert.NetAddr(h.DestinationAddress())
	rp.HopLimit, rp.TrafficClass = int(h.HopLimit()), int(tc)
	rp.FirstHeader, rp.Extensions = h.NextHeader(), h[header.IPv6MinimumSize:]
	return rp
}

// gVisor passes most protocols on once it has done its checks; those come late. It answers ICMP and
// IGMP by itself and passes on echo messages at most, and it takes protocol 253, which RFC 3692 keeps
// for experiments, for an extension header. Those are taken early, from what gVisor shows its own raw
// sockets, and the checks are made here. No protocol comes both ways.

// rawLate shows raw sockets a packet that gVisor is done with, and reports whether one took it.
func (d *dispatcher) rawLate(p tcpip.TransportProtocolNumber, pkt *stack.PacketBuffer) bool {
	if isEarly(p, pkt.NetworkProtocolNumber) {
		return false
	}
	return d.toRaw(describe(p, pkt))
}

// rawEarly does the same for a valid IP packet that gVisor has not looked at any further. p is its
// first next header.
func (d *dispatcher) rawEarly(p tcpip.TransportProtocolNumber, pkt *stack.PacketBuffer) {
	switch v6 := pkt.NetworkProtocolNumber == header.IPv6ProtocolNumber; {
	case v6 && (isExtension(uint8(p)) || p == experiment):
		// Not every fragment is worth a copy.
		if p != fragmentHeader || d.hooks.RawOpen(uint8(header.ICMPv6ProtocolNumber)) || d.hooks.RawOpen(experiment) {
			d.rawBehind(pkt)
		}
	case isEarly(p, pkt.NetworkProtocolNumber):
		if rp := describe(p, pkt); d.isForUs(rp) {
			d.toEarly(rp)
		}
	}
}

func isEarly(p tcpip.TransportProtocolNumber, network tcpip.NetworkProtocolNumber) bool {
	if network == header.IPv4ProtocolNumber {
		return p == header.ICMPv4ProtocolNumber || p == header.IGMPProtocolNumber
	}
	return p == header.ICMPv6ProtocolNumber || p == experiment
}

// rawBehind finds an early protocol behind extension headers or in fragments.
func (d *dispatcher) rawBehind(pkt *stack.PacketBuffer) {
	rp := describe(0, pkt)
	if !d.isForUs(rp) {
		return
	}
	b := rp.AppendPayload(slices.Clone(pkt.NetworkHeader().Slice()))
	end, ok := walk(b)
	switch {
	case !ok:
	case end.fragment:
		// Copies: the reassembler counts what it is given, not what is around it.
		rp.Extensions = slices.Clone(b[header.IPv6MinimumSize:end.offset])
		if whole, ok := d.fragments.add(rp, end, slices.Clone(b[end.offset:])); ok {
			d.toEarly(whole)
		}
		if end.next == experiment && d.hooks.RawOpen(experiment) {
			hide(pkt, end.named)
		}
	case isEarly(tcpip.TransportProtocolNumber(end.next), header.IPv6ProtocolNumber):
		rp.Protocol, rp.head, rp.rest = end.next, b[end.offset:], nil
		rp.Extensions = b[header.IPv6MinimumSize:end.offset]
		if taken := d.toEarly(rp); end.next == experiment {
			if !taken {
				d.unrecognized(rp, b, end.named)
			}
			hide(pkt, end.offset)
		}
	}
}

// toEarly is toRaw for early protocols. ICMP errors are read on the way: a socket that is told of one
// should not read the message first.
func (d *dispatcher) toEarly(rp RawPacket) bool {
	if rp.Protocol == uint8(header.ICMPv6ProtocolNumber) || rp.Protocol == uint8(header.ICMPv4ProtocolNumber) {
		d.icmpError(rp)
	}
	return d.toRaw(rp)
}

func (d *dispatcher) toRaw(rp RawPacket) bool {
	rp.Interface = int(d.nic)
	return d.hooks.Raw(rp)
}

// isForUs makes gVisor's checks of the addresses.
func (d *dispatcher) isForUs(rp RawPacket) bool { return isFor(d.local, rp.Src, rp.Dst) }

func isFor(ep local, src, dst netip.Addr) bool {
	if src.IsMulticast() || src == broadcast {
		return false
	}
	if dst.IsMulticast() {
		return ep.IsInGroup(convert.Addr(dst))
	}
	return isOwn(ep, dst)
}

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

func isOwn(ep local, a netip.Addr) bool {
	return ep.AcquireAssignedAddress(convert.Addr(a), false, stack.CanBePrimaryEndpoint, true) != nil
}
