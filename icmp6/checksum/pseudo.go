package checksum

import (
	"encoding/binary"
	"net/netip"
)

// PseudoHeader returns the sum of the pseudo-header that transport checksums
// include, ready to be the initial value of [Sum].
//
// proto is the number of the upper-layer protocol, not of an extension header
// before it. length is that of its header and data, in bytes. src and dst are
// both IPv6 (RFC 8200 section 8.1) or both IPv4 (RFC 768); a zone is no part of
// an address on the wire and changes nothing. A 4-in-6 address such as
// ::ffff:192.0.2.1 is IPv6: all its 16 bytes count.
//
// If packets travel through a Routing header:
//
// RFC 8200 section 8.1: "If the IPv6 packet contains a Routing header, the
// Destination Address used in the pseudo-header is that of the final
// destination."
//
// No packet has addresses of two families, or invalid ones. Callers check that;
// here each address adds the bytes that it has, and the result means nothing.
func PseudoHeader(src, dst netip.Addr, proto uint8, length uint32) uint16 {
	// The two layouts differ in zero bytes only, apart from the addresses.
	sum := add64(addrSum(src), addrSum(dst))
	return fold(add64(sum, uint64(length)+uint64(proto)))
}

// addrSum returns the sum of an address's bytes, not folded.
func addrSum(addr netip.Addr) uint64 {
	// The slice stays on the stack. As16 would be copied by a load that is wider
	// than the stores just before it, which stalls.
	switch b := addr.AsSlice(); len(b) {
	case 16:
		return add64(binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:]))
	case 4:
		return uint64(binary.BigEndian.Uint32(b))
	}
	return 0
}
