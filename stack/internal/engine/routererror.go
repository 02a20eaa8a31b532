package engine

import (
	"encoding/binary"

	"github.com/hextet/hextet/icmp6"
	"github.com/hextet/hextet/icmp6/checksum"
	"github.com/hextet/hextet/stack/internal/convert"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// reason is the code of a Destination Unreachable message: RFC 4443 section 3.1, RFC 792 and RFC 1812
// section 5.2.7.1.
type reason struct{ v6, v4 uint8 }

var (
	noRoute     = reason{v6: 0, v4: 0}
	prohibited  = reason{v6: 1, v4: 13}
	beyondScope = reason{v6: 2, v4: 13}
	noNeighbor  = reason{v6: 3, v4: 1}
)

func (r *router) forward(p packet, path Path) {
	if p.proto == header.IPv6ProtocolNumber {
		r.forward6(p, path)
	} else {
		r.forward4(p, path)
	}
}

func (r *router) unreachable(p packet, why reason) {
	if p.proto == header.IPv6ProtocolNumber {
		r.sendError(p, 1, why.v6, 0)
	} else {
		r.sendError(p, 3, why.v4, 0)
	}
}

func (r *router) timeExceeded(p packet) {
	if p.proto == header.IPv6ProtocolNumber {
		r.sendError(p, 3, 0, 0) // RFC 4443 section 3.3
	} else {
		r.sendError(p, 11, 0, 0)
	}
}

// tooBig answers with Packet Too Big (RFC 4443 section 3.2), or with fragmentation needed, whose second
// half word of the unused field is the next hop's MTU (RFC 1191 section 4).
func (r *router) tooBig(p packet, mtu int) {
	if p.proto == header.IPv6ProtocolNumber {
		r.sendError(p, 2, 0, uint32(mtu))
	} else {
		r.sendError(p, 3, 4, uint32(mtu))
	}
}

// sendError tells the sender of p what became of it. word is what follows the checksum.
func (r *router) sendError(p packet, typ, code uint8, word uint32) {
	if !answerable(p) {
		return
	}
	out, src, ok := r.hooks.ErrorSource(int(p.nic), p.src)
	if !ok {
		r.ErrorsNoWay.Add(1)
		return
	}
	// RFC 4443 section 2.4 (f): "an IPv6 node MUST limit the rate of ICMPv6 error messages it originates."
	if !r.gv.AllowICMPMessage() {
		r.ErrorsLimited.Add(1)
		return
	}
	way, err := r.gv.FindRoute(tcpip.NICID(out), convert.Addr(src), convert.Addr(p.src), p.proto, false)
	if err != nil {
		r.ErrorsNoWay.Add(1)
		return
	}
	defer way.Release()
	params := stack.NetworkHeaderParams{Protocol: header.ICMPv6ProtocolNumber, TTL: way.DefaultTTL()}
	if p.proto == header.IPv4ProtocolNumber {
		params.Protocol = header.ICMPv4ProtocolNumber
	}
	pkt := newOutgoing(way, errorMessage(p, way, typ, code, word))
	defer pkt.DecRef()
	if err := way.WritePacket(params, pkt); err != nil {
		r.ErrorsNoWay.Add(1)
		return
	}
	r.ErrorsSent.Add(1)
}

// errorMessage builds an ICMP error with as much of the packet as is allowed.
//
// RFC 4443 section 2.4 (c): "Every ICMPv6 error message (type < 128) MUST include as much of the IPv6
// offending (invoking) packet [...] as possible without making the error message packet exceed the
// minimum IPv6 MTU". RFC 1812 section 4.3.2.3: "as much of the original datagram as possible without the
// length of the ICMP datagram exceeding 576 bytes."
func errorMessage(p packet, way *stack.Route, typ, code uint8, word uint32) []byte {
	v6 := p.proto == header.IPv6ProtocolNumber
	limit := 576 - header.IPv4MinimumSize
	if v6 {
		limit = header.IPv6MinimumMTU - header.IPv6MinimumSize
	}
	msg := make([]byte, 8, limit)
	msg[0], msg[1] = typ, code
	binary.BigEndian.PutUint32(msg[4:], word)
	msg = append(msg, p.b[:min(len(p.b), limit-len(msg))]...)
	if v6 {
		icmp6.SetChecksum(convert.NetAddr(way.LocalAddress()), convert.NetAddr(way.RemoteAddress()), msg)
	} else {
		binary.BigEndian.PutUint16(msg[2:], ^checksum.Sum(msg, 0))
	}
	return msg
}

// answerable reports whether an error may be sent about p, whose addresses are unicast.
func answerable(p packet) bool {
	if p.proto == header.IPv4ProtocolNumber {
		return answerable4(p)
	}
	// RFC 4443 section 2.4 (e): "An ICMPv6 error message MUST NOT be originated as a result of receiving
	// the following: (e.1) An ICMPv6 error message. (e.2) An ICMPv6 redirect message".
	typ, ok := icmp6Type(p.b)
	return !ok || typ >= 128 && typ != 137
}

// icmp6Type returns the type of an ICMPv6 message behind any extension headers, whose contents are no
// matter of a router's.
func icmp6Type(b []byte) (typ uint8, ok bool) {
	for next, at := b[6], header.IPv6MinimumSize; at < len(b); {
		if next == uint8(header.ICMPv6ProtocolNumber) {
			return b[at], true
		}
		if at+8 > len(b) {
			break
		}
		size := 8 + 8*int(b[at+1])
		switch next {
		case fragmentHeader:
			if binary.BigEndian.Uint16(b[at+2:])&^7 != 0 {
				return 0, false // not the first
			}
			size = 8
		case authentication:
			size = 4 * (int(b[at+1]) + 2) // RFC 4302 section 2.2
		default:
			if !isExtension(next) {
				return 0, false
			}
		}
		next, at = b[at], at+size
	}
	return 0, false
}

const authentication = 51

// RFC 1812 section 4.3.2.7: "An ICMP error message MUST NOT be sent as the result of receiving: An ICMP
// error message, or [...] Any fragment of a datagram other then the first fragment".
func answerable4(p packet) bool {
	if binary.BigEndian.Uint16(p.b[6:])&offsetMask != 0 {
		return false
	}
	if p.b[9] != uint8(header.ICMPv4ProtocolNumber) || p.header >= len(p.b) {
		return true
	}
	switch p.b[p.header] {
	case 0, 8, 13, 14, 15, 16, 17, 18: // the queries of RFC 792 and RFC 950, and their answers
		return true
	}
	return false
}
