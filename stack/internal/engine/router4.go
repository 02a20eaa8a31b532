package engine

import (
	"encoding/binary"
	"net/netip"

	"github.com/hextet/hextet/icmp6/checksum"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// routed4 is an endpoint with its router in front.
type routed4 struct{ *endpoint4 }

// HandlePacket takes one packet as it was on the wire, or whole segments for this host. gVisor gets what
// is for this host.
func (e routed4) HandlePacket(pkt *stack.PacketBuffer) {
	if fromLoopback(pkt) {
		// gVisor would drop it too, but say so on standard error.
		e.router.gv.Stats().IP.PacketsReceived.Increment()
		e.router.gv.Stats().IP.InvalidSourceAddressesReceived.Increment()
		return
	}
	if toNobody(pkt) {
		e.router.gv.Stats().IP.PacketsReceived.Increment()
		e.router.gv.Stats().IP.InvalidDestinationAddressesReceived.Increment()
		return
	}
	if e.Forwarding() {
		b, _ := pkt.Data().PullUp(pkt.Data().Size())
		p, ok := parse4(b)
		if p.nic = e.nic.ID(); e.router.take(p, ok, e, pkt) {
			return
		}
	}
	e.endpoint4Methods.HandlePacket(pkt)
}

// fromLoopback reports whether a packet that came by a link has a loopback address.
//
// RFC 1122 section 3.2.1.3 (g): "Addresses of this form MUST NOT appear outside a host."
func fromLoopback(pkt *stack.PacketBuffer) bool {
	b, ok := pkt.Data().PullUp(header.IPv4MinimumSize)
	return ok && (b[12] == 127 || b[16] == 127)
}

// toNobody reports whether a packet is for 0.0.0.0.
//
// RFC 1122 section 3.2.1.3 (a): "MUST NOT be sent, except as a source address".
func toNobody(pkt *stack.PacketBuffer) bool {
	b, ok := pkt.Data().PullUp(header.IPv4MinimumSize)
	return ok && [4]byte(b[16:20]) == [4]byte{}
}

// HandleLinkResolutionFailure implements stack.LinkResolvableNetworkEndpoint.
func (e *endpoint4) HandleLinkResolutionFailure(pkt *stack.PacketBuffer) {
	if pkt.NetworkPacketInfo.IsForwardedPacket {
		e.router.resolutionFailed(pkt, parse4)
		return
	}
	e.endpoint4Methods.HandleLinkResolutionFailure(pkt)
}

// parse4 checks an IPv4 header as RFC 1812 section 5.2.2 wants it: the length of the packet, the
// checksum, the version, the length of the header, the total length. A fragment of no possible packet is
// wrong too: cut in pieces, its offset would run over into the flags.
func parse4(b []byte) (packet, bool) {
	if len(b) < header.IPv4MinimumSize || b[0]>>4 != 4 {
		return packet{}, false
	}
	h, size := int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
	if h < header.IPv4MinimumSize || size < h || size > len(b) || fragmentEnd(b, size-h) > 65535 || checksum.Sum(b[:h], 0) != 0xffff {
		return packet{}, false
	}
	return packet{
		proto:  header.IPv4ProtocolNumber,
		src:    netip.AddrFrom4([4]byte(b[12:16])),
		dst:    netip.AddrFrom4([4]byte(b[16:20])),
		b:      b[:size],
		header: h,
	}, true
}

// fragmentEnd returns how long the payload is at least of which a packet with n bytes is a part.
func fragmentEnd(b []byte, n int) int {
	return int(binary.BigEndian.Uint16(b[6:])&offsetMask)*8 + n
}

// sourceRouted reports whether the packet has a source route option (RFC 791 section 3.1), which RFC 7126
// sections 4.3.5 and 4.4.5 advise routers to drop. Other options pass as they are.
func sourceRouted(p packet) bool {
	if p.proto != header.IPv4ProtocolNumber {
		return false
	}
	for kind := range options4(p.b[header.IPv4MinimumSize:p.header]) {
		if kind == 131 || kind == 137 {
			return true
		}
	}
	return false
}

// options4 iterates over the kinds and bytes of options, up to the first that is malformed.
func options4(b []byte) func(yield func(kind byte, option []byte) bool) {
	return func(yield func(byte, []byte) bool) {
		for len(b) > 0 && b[0] != 0 {
			n := 1
			if b[0] != 1 {
				if len(b) < 2 || b[1] < 2 || int(b[1]) > len(b) {
					return
				}
				n = int(b[1])
			}
			if !yield(b[0], b[:n]) {
				return
			}
			b = b[n:]
		}
	}
}

const (
	dontFragment  = 1 << 14
	moreFragments = 1 << 13
	offsetMask    = moreFragments - 1
)

// forward4 sends a packet on, in pieces if it must be.
func (r *router) forward4(p packet, path Path) {
	// RFC 1812 section 5.3.1: "If the TTL is reduced to zero (or less), the packet MUST be discarded, and
	// if the destination is not a multicast address the router MUST send an ICMP Time Exceeded message".
	if p.b[8] <= 1 {
		r.Expired.Add(1)
		r.timeExceeded(p)
		return
	}
	if len(p.b) <= path.MTU {
		v := newView(p.b)
		lessTTL(v.AsSlice())
		r.transmit(p, path, v)
		return
	}
	if binary.BigEndian.Uint16(p.b[6:])&dontFragment != 0 {
		r.TooBig.Add(1)
		r.tooBig(p, path.MTU)
		return
	}
	b := append([]byte(nil), p.b...)
	lessTTL(b)
	for part, h := range fragments4(b, p.header, path.MTU) {
		q := p
		q.header = h
		r.transmit(q, path, newView(part))
	}
}

// lessTTL takes one from the time to live and keeps the header checksum right (RFC 1624 equation 3).
func lessTTL(b []byte) {
	old := binary.BigEndian.Uint16(b[8:])
	b[8]--
	sum := checksum.Update(binary.BigEndian.Uint16(b[10:]), old, binary.BigEndian.Uint16(b[8:]))
	binary.BigEndian.PutUint16(b[10:], sum)
}

// fragments4 cuts a packet, which may be a fragment itself, into ones of at most mtu bytes, by the
// procedure of RFC 791 section 3.2, and yields each with the length of its header. The yielded slice is
// used again.
func fragments4(b []byte, headerLen, mtu int) func(yield func(part []byte, headerLen int) bool) {
	return func(yield func([]byte, int) bool) {
		word := binary.BigEndian.Uint16(b[6:])
		head, data := b[:headerLen], b[headerLen:]
		part := make([]byte, 0, mtu)
		for at := 0; at < len(data); {
			if at > 0 && len(head) == headerLen {
				head = laterHeader(b[:headerLen])
			}
			n, more := len(data)-at, word&moreFragments
			if room := mtu - len(head); n > room {
				n, more = room&^7, moreFragments
			}
			part = append(append(part[:0], head...), data[at:at+n]...)
			binary.BigEndian.PutUint16(part[2:], uint16(len(part)))
			binary.BigEndian.PutUint16(part[6:], word&^(moreFragments|offsetMask)|more|(word&offsetMask+uint16(at/8)))
			binary.BigEndian.PutUint16(part[10:], 0)
			binary.BigEndian.PutUint16(part[10:], ^checksum.Sum(part[:len(head)], 0))
			if !yield(part, len(head)) {
				return
			}
			at += n
		}
	}
}

// laterHeader is the header of all fragments but the first. RFC 791 section 3.1 has a flag in every
// option: "1 = copied", into all fragments.
func laterHeader(first []byte) []byte {
	h := append([]byte(nil), first[:header.IPv4MinimumSize]...)
	for kind, option := range options4(first[header.IPv4MinimumSize:]) {
		if kind&0x80 != 0 {
			h = append(h, option...)
		}
	}
	for len(h)%4 != 0 {
		h = append(h, 0)
	}
	h[0] = 4<<4 | byte(len(h)/4)
	return h
}

func newView(b []byte) *buffer.View { return buffer.NewViewWithData(b) }
