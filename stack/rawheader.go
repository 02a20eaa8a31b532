package stack

import (
	"fmt"
	"net/netip"
	"syscall"
)

// The extension headers of RFC 8200 section 4 that a program may send.
const (
	hopByHopNumber    = 0
	routingNumber     = 43
	destinationNumber = 60
)

// Routing types whose last segment is known, which the checksum is over. Type 0 is deprecated (RFC
// 5095).
const (
	routingType2 = 2 // RFC 6275 section 6.4: mobility
	routingType4 = 4 // RFC 8754 section 2: segment routing
)

// rawExtensions are extension headers as on the wire, in the order in which RFC 8200 section 4.1 puts
// them. nil: none is wanted, or the socket's; empty: none.
type rawExtensions struct {
	hopByHop, first, routing, last []byte
}

// newRawExtensions checks the headers of a control message. It keeps the slices.
func newRawExtensions(cm *ControlMessage) (rawExtensions, error) {
	e := rawExtensions{cm.HopByHop, cm.DestinationFirst, cm.Routing, cm.DestinationOptions}
	for _, h := range []struct {
		what string
		b    []byte
	}{{"hop-by-hop options", e.hopByHop}, {"first destination options", e.first}, {"destination options", e.last}} {
		if err := checkOptions(h.b); err != nil {
			return e, fmt.Errorf("control message: %s: %w", h.what, err)
		}
	}
	if err := checkRouting(e.routing); err != nil {
		return e, fmt.Errorf("control message: routing header: %w", err)
	}
	return e, nil
}

// checkLength: RFC 8200 section 4.3: Hdr Ext Len is the length "in 8-octet units, not including the
// first 8 octets."
func checkLength(b []byte) error {
	if len(b) < 8 || len(b) != 8+8*int(b[1]) {
		said := "with no length in it"
		if len(b) > 1 {
			said = fmt.Sprintf("whose Hdr Ext Len says %d", 8+8*int(b[1]))
		}
		return fmt.Errorf("a header of %d bytes, %s (RFC 8200 section 4): %w", len(b), said, syscall.EINVAL)
	}
	return nil
}

// checkOptions: the options fill the header, each of them as long as it says (RFC 8200 section 4.2).
func checkOptions(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if err := checkLength(b); err != nil {
		return err
	}
	const pad1 = 0
	for at := 2; at < len(b); {
		if b[at] == pad1 {
			at++
			continue
		}
		if at+2 > len(b) || at+2+int(b[at+1]) > len(b) {
			return fmt.Errorf("option %#x at offset %d is longer than its header (RFC 8200 section 4.2): %w", b[at], at, syscall.EINVAL)
		}
		at += 2 + int(b[at+1])
	}
	return nil
}

func checkRouting(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if err := checkLength(b); err != nil {
		return err
	}
	segments, left := (len(b)-8)/16, int(b[3])
	switch typ := b[2]; {
	case typ == 0:
		return fmt.Errorf("type 0 is deprecated (RFC 5095): %w", syscall.EINVAL)
	case typ == routingType2 && (len(b) != 24 || left != 1):
		return fmt.Errorf("type 2 has one address and one segment left (RFC 6275 section 6.4.1), not %d bytes and %d: %w", len(b), left, syscall.EINVAL)
	case typ == routingType2:
	case typ != routingType4:
		return fmt.Errorf("type %d is none whose last segment is known: %w", typ, syscall.EOPNOTSUPP)
	case int(b[4]) >= segments || left > int(b[4]):
		return fmt.Errorf("%d segments left, last entry %d, room for %d segments (RFC 8754 section 2): %w", left, b[4], segments, syscall.EINVAL)
	}
	// Segment 0 of type 4 is the destination, which is not there yet.
	for n := range segments {
		if b[2] == routingType4 && (n == 0 || n > int(b[4])) {
			continue
		}
		if a := segment(b, n); a.IsMulticast() || a.IsUnspecified() || a.IsLoopback() || a.Is4In6() {
			return fmt.Errorf("segment %d is %v, which no packet can visit: %w", n, a, syscall.EINVAL)
		}
	}
	return nil
}

func segment(b []byte, n int) netip.Addr { return netip.AddrFrom16([16]byte(b[8+16*n:])) }

// inherit fills in the socket's headers in place of those that e says nothing about.
func (e *rawExtensions) inherit(sticky *rawExtensions) {
	for _, h := range []struct{ own, sticky *[]byte }{
		{&e.hopByHop, &sticky.hopByHop}, {&e.first, &sticky.first}, {&e.routing, &sticky.routing}, {&e.last, &sticky.last},
	} {
		if *h.own == nil {
			*h.own = *h.sticky
		}
	}
}

// goes returns the headers that are sent. Those of options for the first destinations mean nothing
// without a Routing header (RFC 3542 section 9).
func (e *rawExtensions) goes() [4][]byte {
	return [4][]byte{e.hopByHop, e.first[:e.firstSize()], e.routing, e.last}
}

func (e *rawExtensions) firstSize() int {
	if len(e.routing) == 0 {
		return 0
	}
	return len(e.first)
}

// size returns how long the headers are together.
func (e *rawExtensions) size() int {
	return len(e.hopByHop) + e.firstSize() + len(e.routing) + len(e.last)
}

// firstSegment returns where a packet to final goes first, by a Routing header.
func (e *rawExtensions) firstSegment(final netip.Addr) (netip.Addr, error) {
	switch {
	case len(e.routing) == 0:
		return final, nil
	case final.IsMulticast():
		return final, fmt.Errorf("a routing header can't lead to the group %v: %w", final, syscall.EINVAL)
	case e.routing[2] == routingType2:
		return segment(e.routing, 0), nil
	case e.routing[3] == 0: // segments left
		return final, nil
	}
	return segment(e.routing, int(e.routing[3])), nil
}

// put writes the headers behind the IPv6 header in b, with their Next Header fields, of which the last
// says proto, and the final destination in the last segment. It returns how much each fragment begins
// with, and where the type of what follows stands.
func (e *rawExtensions) put(b []byte, proto uint8, final netip.Addr) (fixed, next int) {
	const nextHeader = 6 // in the IPv6 header
	fixed, next = header6, nextHeader
	if e.size() == 0 {
		b[nextHeader] = proto
		return fixed, next
	}
	at, field := header6, nextHeader
	for n, h := range e.goes() {
		if len(h) == 0 {
			continue
		}
		b[field] = [...]uint8{hopByHopNumber, destinationNumber, routingNumber, destinationNumber}[n]
		copy(b[at:], h)
		field = at
		at += len(h)
		if n == 2 {
			last := final.As16()
			copy(b[field+8:], last[:])
		}
		if n < 3 {
			fixed, next = at, field
		}
	}
	b[field] = proto
	return fixed, next
}

// splitExtensions tells the extension headers of a received packet apart, and leaves out what was of
// use on the way only: padding of fragments, and headers that RFC 8200 does not know. A header that
// comes twice counts where it comes last.
func splitExtensions(first uint8, b []byte) (e rawExtensions) {
	next, routed := first, false
	for len(b) >= 8 {
		size := 8
		if next != fragmentNumber {
			size += 8 * int(b[1])
		}
		if len(b) < size {
			return e
		}
		h := b[:size:size]
		switch next {
		case hopByHopNumber:
			e.hopByHop = h
		case destinationNumber:
			e.last = h
		case routingNumber:
			e.routing = h
			if !routed { // what came before were options for the first destinations
				e.first, e.last, routed = e.last, nil, true
			}
		case fragmentNumber:
		default:
			return e
		}
		next, b = h[0], b[size:]
	}
	return e
}
