package conformance

import "encoding/binary"

// private is an ICMPv6 informational type for private experimentation (RFC 4443 section 2.1): no
// host answers it.
const private = 200

// icmp makes an ICMPv6 message with something in its checksum field.
func icmp(typ byte, field uint16, body []byte) []byte {
	return append([]byte{typ, 0, byte(field >> 8), byte(field)}, body...)
}

// text is n bytes that are not all alike.
func text(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8 + 1)
	}
	return b
}

// ones is n bytes of 0xff.
func ones(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = 0xff
	}
	return b
}

// plain is a message of another protocol, n bytes long, with field at offset.
func plain(n, offset int, field uint16) []byte {
	b := text(n)
	binary.BigEndian.PutUint16(b[offset:], field)
	return b
}

// A wrapper puts a payload behind extension headers, and returns the payload of each packet with its
// Next Header value.
type wrapper func(next uint8, payload []byte) []part

type part struct {
	next    uint8
	payload []byte
}

// behind puts extension headers in front; their Next Header fields are filled in.
func behind(hs ...header) wrapper {
	return func(next uint8, payload []byte) []part {
		for i := len(hs) - 1; i >= 0; i-- {
			b := append([]byte{next}, hs[i].bytes[1:]...)
			next, payload = hs[i].typ, append(b, payload...)
		}
		return []part{{next, payload}}
	}
}

// within puts w's packet, which is one, into what outer makes of it.
func within(outer, w wrapper) wrapper {
	return func(next uint8, payload []byte) []part {
		p := w(next, payload)[0]
		return outer(p.next, p.payload)
	}
}

// Extension headers as they arrive or are sent, the Next Header field left open.
var (
	routerAlert   = header{hopByHop, []byte{0, 0, 5, 2, 0, 0, 1, 0}}
	padding       = header{destOption, []byte{0, 0, 1, 4, 0, 0, 0, 0}}
	unknownSkip   = header{destOption, []byte{0, 0, 0x1e, 4, 1, 2, 3, 4}}
	unknownDrop   = header{destOption, []byte{0, 0, 0x5e, 4, 1, 2, 3, 4}}
	routingDone   = header{routing, []byte{0, 0, 253, 0, 0, 0, 0, 0}}
	routingToGo   = header{routing, []byte{0, 0, 253, 1, 0, 0, 0, 0}}
	atomic        = header{fragment, []byte{0, 0, 0, 0, 0, 0, 0, 9}}
	loneFragment  = header{fragment, []byte{0, 0, 0, 1, 0, 0, 0, 10}}
	hopByHopLong  = header{hopByHop, []byte{0, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}}
	segmentRouted = header{routing, segments()}
)

// segments is a Segment Routing Header (RFC 8754 section 2) to be sent: by way of 2001:db8::3 to
// Peer, which therefore stands first.
func segments() []byte {
	via, last := via.As16(), Peer.As16()
	b := []byte{0, 4, 4, 1, 1, 0, 0, 0}
	return append(append(b, last[:]...), via[:]...)
}

// fragments cuts a payload into pieces of at most n bytes, a multiple of 8, in an order: the first
// number is the piece that comes first.
func fragments(n int, order ...int) wrapper {
	return func(next uint8, payload []byte) []part {
		var all []part
		for at := 0; at < len(payload); at += n {
			end := min(at+n, len(payload))
			all = append(all, cut(next, at, payload[at:end], end < len(payload)))
		}
		if len(order) == 0 {
			return all
		}
		out := make([]part, len(order))
		for i, j := range order {
			out[i] = all[j]
		}
		return out
	}
}

// cut makes one fragment.
func cut(next uint8, at int, data []byte, more bool) part {
	b := []byte{next, 0}
	if more {
		at |= 1
	}
	b = binary.BigEndian.AppendUint16(b, uint16(at))
	b = binary.BigEndian.AppendUint32(b, 0x68657874)
	return part{fragment, append(b, data...)}
}

// overlapping is two fragments that hold 8 bytes twice, and differ there.
func overlapping(next uint8, payload []byte) []part {
	middle := len(payload) / 2 &^ 7
	second := append(ones(8), payload[middle:]...)
	return []part{cut(next, 0, payload[:middle], true), cut(next, middle-8, second, false)}
}
