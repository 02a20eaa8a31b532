package engine

import (
	"encoding/binary"

	"gvisor.dev/gvisor/pkg/tcpip/header"
)

// Next header values of RFC 8200 section 4.
const (
	hopByHop           = 0
	routing            = 43
	fragmentHeader     = 44
	noNextHeader       = 59
	destinationOptions = 60
)

func isExtension(next uint8) bool {
	switch next {
	case hopByHop, routing, fragmentHeader, destinationOptions:
		return true
	}
	return false
}

// headerEnd is where the extension headers of a packet end: at the upper layer, or at a fragment of
// one.
type headerEnd struct {
	next   uint8 // what is at offset; in a fragment, what the whole begins with
	offset int
	named  int // where the Next Header field is that says next

	fragment bool
	id       uint32
	at       int // offset of the fragment's data in the whole
	more     bool
}

// walk follows the extension headers of an IPv6 packet as its destination does. It reports false if
// no upper layer is to be had: the packet is malformed, must be discarded or has no next header.
func walk(packet []byte) (headerEnd, bool) {
	return walkFrom(header.IPv6(packet).NextHeader(), packet, header.IPv6MinimumSize)
}

// walkFrom is walk from offset on, where there is what next says.
func walkFrom(next uint8, packet []byte, offset int) (headerEnd, bool) {
	named := header.IPv6NextHeaderOffset
	for first := offset == header.IPv6MinimumSize; ; first = false {
		b := packet[offset:]
		size := 8 // RFC 8200 section 4.3: "in 8-octet units, not including the first 8 octets."
		if isExtension(next) && next != fragmentHeader && len(b) >= size {
			size += 8 * int(b[1])
		}
		if isExtension(next) && len(b) < size {
			return headerEnd{}, false
		}
		switch next {
		case hopByHop, destinationOptions:
			// RFC 8200 section 4.1: "... except for the Hop-by-Hop Options header, which is
			// restricted to appear immediately after an IPv6 header only."
			if next == hopByHop && !first || !optionsPass(b[2:size]) {
				return headerEnd{}, false
			}
		case routing:
			// RFC 8200 section 4.4: "If Segments Left is zero, the node must ignore the Routing
			// header"; with others this host is no final destination.
			if b[3] != 0 {
				return headerEnd{}, false
			}
		case fragmentHeader:
			bits := binary.BigEndian.Uint16(b[2:])
			at, more := int(bits&^7), bits&1 != 0
			if at != 0 || more { // else an atomic fragment (RFC 6946) hides nothing
				return headerEnd{
					next: b[0], offset: offset + size, named: offset,
					fragment: true, id: binary.BigEndian.Uint32(b[4:]), at: at, more: more,
				}, true
			}
		case noNextHeader:
			return headerEnd{}, false
		default:
			return headerEnd{next: next, offset: offset, named: named}, true
		}
		next, named, offset = b[0], offset, offset+size
	}
}

// optionsPass reports whether a host that knows no option but padding and Router Alert goes on to the
// next header.
//
// RFC 8200 section 4.2: "The Option Type identifiers are internally encoded such that their
// highest-order 2 bits specify the action that must be taken if the processing IPv6 node does not
// recognize the Option Type: 00 - skip over this option and continue processing the header."
func optionsPass(opts []byte) bool {
	const pad1 = 0
	for len(opts) > 0 {
		if opts[0] == pad1 {
			opts = opts[1:]
			continue
		}
		if len(opts) < 2 || len(opts) < 2+int(opts[1]) || opts[0]>>6 != 0 {
			return false
		}
		opts = opts[2+int(opts[1]):]
	}
	return true
}
