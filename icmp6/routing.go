package icmp6

import (
	"fmt"
	"net/netip"
)

// Extension headers, by their number in the Next Header field before them.
const (
	hopByHop           = 0
	routingHeader      = 43
	fragmentHeader     = 44
	authentication     = 51
	destinationOptions = 60
)

// FinalDestination returns the destination for the pseudo-header of a packet with
// extension headers. dst is the Destination Address field of the IPv6 header, next
// its Next Header field, and headers what follows it; upper-layer data may follow
// the extension headers and is not looked at, nor is what encryption or a later
// fragment hides. Without a Routing header with segments left that is dst itself.
//
// Routing types are 2 (RFC 6275), 3 (RFC 6554, with compressed addresses) and 4
// (RFC 8754, with its segments in reverse). Any other, the deprecated type 0 (RFC
// 5095) among them, is only good with no segments left. Errors are ErrFamily, and
// ErrHeader for headers that are cut off or contradict themselves.
//
// RFC 8200 section 8.1: "If the IPv6 packet contains a Routing header, the
// Destination Address used in the pseudo-header is that of the final destination."
func FinalDestination(dst netip.Addr, next uint8, headers []byte) (netip.Addr, error) {
	if !dst.Is6() {
		return netip.Addr{}, fmt.Errorf("%w: destination %v", ErrFamily, dst)
	}
	for {
		n, err := headerLength(next, headers)
		if err != nil {
			return netip.Addr{}, err
		}
		if n == 0 {
			return dst, nil
		}
		switch next {
		case routingHeader:
			if dst, err = routedTo(dst, headers[:n]); err != nil {
				return netip.Addr{}, err
			}
		case fragmentHeader:
			if headers[2] != 0 || headers[3]&^7 != 0 {
				return dst, nil // what follows continues something else
			}
		}
		next, headers = headers[0], headers[n:]
	}
}

// headerLength returns the length of the extension header at the beginning of b, or
// 0 if next is none whose end can be seen.
func headerLength(next uint8, b []byte) (n int, err error) {
	switch next {
	case hopByHop, routingHeader, fragmentHeader, authentication, destinationOptions:
	default:
		return 0, nil
	}
	n = 8
	if len(b) >= n {
		switch next {
		case fragmentHeader:
		case authentication:
			// RFC 4302 section 2.2: "the length of AH in 32-bit words (4-byte
			// units), minus '2'"
			n = 4 * (int(b[1]) + 2)
		default:
			// RFC 8200 section 4.4: "Length of the Routing header in 8-octet
			// units, not including the first 8 octets." The others say the same.
			n = 8 * (int(b[1]) + 1)
		}
	}
	if len(b) < n {
		return 0, fmt.Errorf("%w: type %d: %d bytes, of at least %d", ErrHeader, next, len(b), n)
	}
	return n, nil
}

// routedTo returns where a Routing header takes a packet in the end that is on its
// way to dst.
func routedTo(dst netip.Addr, header []byte) (netip.Addr, error) {
	routingType, segmentsLeft := header[2], int(header[3])
	if segmentsLeft == 0 {
		// RFC 8200 section 4.4: "If Segments Left is zero, the node must ignore
		// the Routing header"
		return dst, nil
	}
	var final netip.Addr
	ok := false
	switch routingType {
	case 2:
		final, ok = homeAddress(segmentsLeft, header)
	case 3:
		final, ok = lastSourceRouted(dst, segmentsLeft, header)
	case 4:
		final, ok = lastSegment(segmentsLeft, header)
	default:
		return netip.Addr{}, fmt.Errorf("%w: Routing header of type %d with %d segments left", ErrHeader, routingType, segmentsLeft)
	}
	// RFC 4291 section 2.5.2: "The unspecified address must not be used as the
	// destination address of IPv6 packets or in IPv6 Routing headers."
	if !ok || final.IsUnspecified() {
		return netip.Addr{}, fmt.Errorf("%w: Routing header of type %d, %d bytes, %d segments left: no room for its segments, or no unicast address",
			ErrHeader, routingType, len(header), segmentsLeft)
	}
	return final, nil
}

// homeAddress returns the segment of a type 2 Routing header.
//
// RFC 6275 section 6.4.1: Hdr Ext Len is 2, Segments Left is 1, and four reserved
// bytes come before the home address of the mobile node, which is unicast.
func homeAddress(segmentsLeft int, header []byte) (netip.Addr, bool) {
	if len(header) != 24 || segmentsLeft != 1 {
		return netip.Addr{}, false
	}
	a := netip.AddrFrom16([16]byte(header[8:]))
	return a, !a.IsMulticast()
}

// lastSourceRouted returns the last segment of an RPL source route.
//
// RFC 6554 section 3: "n = (((Hdr Ext Len * 8) - Pad - (16 - CmprE)) / (16 - CmprI))
// + 1". CmprI and CmprE are how many bytes Addresses[1..n-1] and Addresses[n] lack,
// Pad bytes follow Addresses[n]. What an address lacks, a node on the way takes from
// the Destination Address, where the segment before it then is; it discards the
// packet if there is a multicast address (section 4.2).
func lastSourceRouted(dst netip.Addr, segmentsLeft int, header []byte) (netip.Addr, bool) {
	cmprI, cmprE, pad := int(header[4]>>4), int(header[4]&15), int(header[5]>>4)
	end := len(header) - pad
	last := end - (16 - cmprE) // where Addresses[n] begins
	if last < 8 || (last-8)%(16-cmprI) != 0 {
		return netip.Addr{}, false
	}
	if n := (last-8)/(16-cmprI) + 1; segmentsLeft > n {
		return netip.Addr{}, false
	}
	b := dst.As16()
	if segmentsLeft > 1 {
		copy(b[cmprI:], header[last-(16-cmprI):last])
	}
	copy(b[cmprE:], header[last:end])
	a := netip.AddrFrom16(b)
	return a, !a.IsMulticast()
}

// lastSegment returns the last segment of a Segment Routing Header.
//
// RFC 8754 section 2: "the first element of the Segment List (Segment List[0])
// contains the last segment of the SR Policy". Last Entry is the index of its last
// element; with a reduced list, Segments Left is one more (section 4.1.1).
func lastSegment(segmentsLeft int, header []byte) (netip.Addr, bool) {
	n := int(header[4]) + 1 // of Last Entry
	if len(header) < 8+16*n || segmentsLeft > n {
		return netip.Addr{}, false
	}
	return netip.AddrFrom16([16]byte(header[8:])), true
}
