package choices

import (
	"encoding/binary"
	"math/bits"
	"net/netip"

	"github.com/hextet/hextet/srcselect"
)

// A scan chooses among IPv6 addresses by looking at each: RFC 6724 section 5 for a
// strong host whose outgoing interface is known, so that rule 5 never decides, and
// without rules 4 and 5.5, for which the mixes have no data. It shares no code with
// srcselect, and does what can be done ahead: 24 bytes for an address, in one array.
type scan struct {
	list      []scanned
	addresses []srcselect.Address
}

// A scanned address holds what the rules see of it.
type scanned struct {
	hi, lo uint64
	plen   uint8
	scope  uint8
	label  uint8
	rules  uint8 // rules 3 and 7 as bits of the key
	iface  int32 // 0: never a candidate
}

// The rules as bits of a key; rule 2 is a rank of five bits, rule 8 a length of eight.
const (
	rule7bit, rule6bit, rule3bit = 1 << 8, 1 << 9, 1 << 10
	rule2shift                   = 11
	rule1bit                     = 1 << 16
)

func newScan(as []srcselect.Address) *scan {
	s := &scan{addresses: as}
	for _, a := range as {
		hi, lo := words(a.Prefix.Addr())
		e := scanned{hi: hi, lo: lo, plen: uint8(a.Prefix.Bits()), scope: scopeOf(hi, lo), label: labelOf(hi, lo)}
		if !a.SkipAsSource && !a.Tentative {
			e.iface = int32(a.Interface)
		}
		if !a.Deprecated && !a.Optimistic {
			e.rules |= rule3bit >> 8
		}
		if a.Temporary {
			e.rules |= rule7bit >> 8
		}
		s.list = append(s.list, e)
	}
	return s
}

// choose returns the address that the rules choose, the oldest of several, and what
// decided between it and the next one; nil if there is none.
func (s *scan) choose(q *srcselect.Query) (*srcselect.Address, srcselect.Rule) {
	dhi, dlo := words(q.Destination)
	iface, label, ranks := int32(q.Interface), labelOf(dhi, dlo), scopeRanks(scopeOf(dhi, dlo))
	at, best, second := -1, uint32(0), uint32(0)
	for i := range s.list {
		e := &s.list[i]
		if e.iface != iface {
			continue
		}
		key := 1 + ranks[e.scope&15] + uint32(e.rules)<<8 // 1: not 0, whatever the rules say
		if e.label == label {
			key += rule6bit
		}
		switch x := e.hi ^ dhi; {
		case x != 0:
			key += uint32(min(uint8(bits.LeadingZeros64(x)), e.plen))
		case e.lo == dlo:
			key += rule1bit + uint32(e.plen)
		default:
			key += uint32(min(uint8(64+bits.LeadingZeros64(e.lo^dlo)), e.plen))
		}
		switch {
		case key > best:
			at, best, second = i, key, best
		case key > second:
			second = key
		}
	}
	if at < 0 {
		return nil, srcselect.RuleNone
	}
	return &s.addresses[at], deciding(best, second)
}

// deciding names the highest bit in which two keys differ.
func deciding(best, second uint32) srcselect.Rule {
	switch differ := best ^ second; {
	case second == 0:
		return srcselect.RuleOnly
	case differ == 0:
		return srcselect.RuleOldest
	case differ >= rule1bit:
		return srcselect.RuleSameAddress
	case differ >= 1<<rule2shift:
		return srcselect.RuleScope
	case differ >= rule3bit:
		return srcselect.RuleDeprecated
	case differ >= rule6bit:
		return srcselect.RuleLabel
	case differ >= rule7bit:
		return srcselect.RuleTemporary
	}
	return srcselect.RulePrefix
}

// scopeRanks returns rule 2's part of the key by the source's scope.
//
// RFC 6724 section 5, rule 2: "If Scope(SA) < Scope(SB): If Scope(SA) < Scope(D), then
// prefer SB and otherwise prefer SA."
func scopeRanks(D uint8) (ranks [16]uint32) {
	for S := range uint8(16) {
		rank := uint32(S)
		if S >= D {
			rank = 16 + uint32(15-S)
		}
		ranks[S] = rank << rule2shift
	}
	return ranks
}

// scopeOf is RFC 6724 section 3.1 for IPv6 addresses.
func scopeOf(hi, lo uint64) uint8 {
	switch {
	case hi>>56 == 0xff:
		return uint8(hi >> 48 & 15)
	case hi>>54 == 0xfe80>>6, hi == 0 && lo == 1:
		return 2
	case hi>>54 == 0xfec0>>6:
		return 5
	}
	return 14
}

// labelOf is the label in the table of RFC 6724 section 2.1: the first that matches
// here is the longest that matches there.
func labelOf(hi, lo uint64) uint8 {
	switch {
	case hi == 0 && lo == 1:
		return 0 // ::1/128
	case hi == 0 && lo>>32 == 0xffff:
		return 4 // ::ffff:0:0/96
	case hi == 0 && lo>>32 == 0:
		return 3 // ::/96
	case hi>>32 == 0x2001_0000:
		return 5 // 2001::/32
	case hi>>48 == 0x2002:
		return 2 // 2002::/16
	case hi>>48 == 0x3ffe:
		return 12 // 3ffe::/16
	case hi>>54 == 0xfec0>>6:
		return 11 // fec0::/10
	case hi>>57 == 0xfc00>>9:
		return 13 // fc00::/7
	}
	return 1 // ::/0
}

func words(a netip.Addr) (hi, lo uint64) {
	b := a.As16()
	return binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
}
