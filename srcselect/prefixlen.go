package srcselect

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// CommonPrefixLen returns the number of leading bits that src's address and dst
// have in common, at most the length of src's own prefix, as RFC 6724 section 2.2
// has it:
//
// "We define the common prefix length CommonPrefixLen(S, D) of a source address S
// and a destination address D as the length of the longest prefix (looking at the
// most significant, or leftmost, bits) that the two addresses have in common, up
// to the length of S's prefix (i.e., the portion of the address not including the
// interface ID)."
//
// So two addresses of one /64 both have at most 64 bits in common with any
// destination, and a /128 up to 128. IPv4-mapped addresses count as IPv4, where
// the result is at most 32. It is 0 for addresses of different families and for
// invalid ones; a zone changes nothing.
func CommonPrefixLen(src netip.Prefix, dst netip.Addr) int {
	src, dst = unmapPrefix(src), dst.Unmap()
	if !src.IsValid() || !dst.IsValid() || src.Addr().Is4() != dst.Is4() {
		return 0
	}
	n := commonBits(word128(src.Addr()), word128(dst))
	if dst.Is4() {
		n -= mappedBits
	}
	return min(n, src.Bits())
}

// mappedBits is the length of ::ffff:0:0/96, which holds the IPv4 addresses.
const mappedBits = 96

// unmapPrefix turns a prefix inside ::ffff:0:0/96 into the IPv4 prefix it stands
// for. A shorter one of an IPv4-mapped address stands for nothing: it is invalid.
func unmapPrefix(p netip.Prefix) netip.Prefix {
	if !p.Addr().Is4In6() {
		return p
	}
	return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-mappedBits)
}

// uint128 is an address as a number: IPv6 as it is, IPv4 in its mapped form.
type uint128 struct{ hi, lo uint64 }

func word128(a netip.Addr) uint128 {
	b := a.As16()
	return uint128{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

// isIPv4 says whether a is in ::ffff:0:0/96.
func (a uint128) isIPv4() bool { return a.hi == 0 && a.lo>>32 == 0xffff }

// mask128 returns a number whose first n bits are ones, for n from 0 to 128.
func mask128(n int) uint128 {
	return uint128{^uint64(0) << max(64-n, 0), ^uint64(0) << min(128-n, 64)}
}

func (a uint128) and(b uint128) uint128 { return uint128{a.hi & b.hi, a.lo & b.lo} }

func (a uint128) less(b uint128) bool { return a.hi < b.hi || a.hi == b.hi && a.lo < b.lo }

// commonBits returns the number of leading bits that a and b share.
func commonBits(a, b uint128) int {
	if x := a.hi ^ b.hi; x != 0 {
		return bits.LeadingZeros64(x)
	}
	return 64 + bits.LeadingZeros64(a.lo^b.lo)
}
