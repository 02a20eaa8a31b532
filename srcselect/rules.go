package srcselect

import "slices"

// The rules of RFC 6724 section 5, in its order and with its names: S stands for
// SA and SB in turn, D for the destination. Each returns the rank of S for D: the
// rule prefers SA if SA's rank is higher, SB if SB's is, and is silent if they are
// equal. Rules 3, 4 and 7 look at flags of S only; where D reverses rule 4 or 7, it
// does so by flipping the bits of the rank.

// RFC 6724 section 5, rule 1:
// "Prefer same address. If SA = D, then prefer SA. Similarly, if SB = D, then
// prefer SB."
func rule1(S *candidate, D *destination) uint32 {
	return bit(S.addr == D.addr)
}

// RFC 6724 section 5, rule 2:
// "Prefer appropriate scope. If Scope(SA) < Scope(SB): If Scope(SA) < Scope(D),
// then prefer SB and otherwise prefer SA. Similarly, if Scope(SB) < Scope(SA): If
// Scope(SB) < Scope(D), then prefer SA and otherwise prefer SB."
//
// That is: the smallest scope that reaches D, and if none does the largest. So
// scopes that reach D rank above those that don't, from 31 down to 16.
func rule2(S *class, D *destination) uint32 {
	if S.scope >= D.scope {
		return 31 - uint32(S.scope)
	}
	return uint32(S.scope)
}

// RFC 6724 section 5, rule 3:
// "Avoid deprecated addresses. If one of the two source addresses is "preferred"
// and one of them is "deprecated" (in the RFC 4862 sense), then prefer the one
// that is "preferred"."
func rule3(S flags) uint32 {
	return bit(S&flagDeprecated == 0)
}

// RFC 6724 section 5, rule 4:
// "Prefer home addresses. If SA is simultaneously a home address and care-of
// address and SB is not, then prefer SA. Similarly, if SB is simultaneously a home
// address and care-of address and SA is not, then prefer SB. If SA is just a home
// address and SB is just a care-of address, then prefer SA. Similarly, if SB is
// just a home address and SA is just a care-of address, then prefer SB.
//
// Implementations supporting home addresses MUST provide a mechanism allowing an
// application to reverse the sense of this preference and prefer care-of addresses
// over home addresses (e.g., via appropriate API extensions such as [RFC5014])."
//
// The text leaves open where an address that is neither stands, which would make
// "equal" intransitive: here it stands with the care-of addresses.
func rule4(S flags) uint32 {
	switch S & (flagHome | flagCareOf) {
	case flagHome | flagCareOf:
		return 3 // so that flipping two bits reverses the order
	case flagHome:
		return 1
	}
	return 0
}

// RFC 6724 section 5, rule 5:
// "Prefer outgoing interface. If SA is assigned to the interface that will be used
// to send to D and SB is assigned to a different interface, then prefer SA.
// Similarly, if SB is assigned to the interface that will be used to send to D and
// SA is assigned to a different interface, then prefer SB."
func rule5(S *class, D *destination) uint32 {
	return bit(S.iface == D.iface)
}

// RFC 6724 section 5, rule 5.5:
// "Prefer addresses in a prefix advertised by the next-hop. If SA or SA's prefix
// is assigned by the selected next-hop that will be used to send to D and SB or
// SB's prefix is assigned by a different next-hop, then prefer SA. Similarly, if
// SB or SB's prefix is assigned by the next-hop that will be used to send to D and
// SA or SA's prefix is assigned by a different next-hop, then prefer SB."
//
// An address of which no router is known ranks with those of other next hops. The
// routers of S are those of Address.
func rule5_5(S *class, Address *Address, D *destination) uint32 {
	if S.flags&D.routers == 0 {
		return 0 // no routers known of S, or no next hop of D
	}
	return bit(slices.Contains(Address.Routers, D.nextHop))
}

// RFC 6724 section 5, rule 6:
// "Prefer matching label. If Label(SA) = Label(D) and Label(SB) <> Label(D), then
// prefer SA. Similarly, if Label(SB) = Label(D) and Label(SA) <> Label(D), then
// prefer SB."
func rule6(S *class, D *destination) uint32 {
	return bit(S.label == D.label)
}

// RFC 6724 section 5, rule 7:
// "Prefer temporary addresses. If SA is a temporary address and SB is a public
// address, then prefer SA. Similarly, if SB is a temporary address and SA is a
// public address, then prefer SB.
//
// Implementations MUST provide a mechanism allowing an application to reverse the
// sense of this preference and prefer public addresses over temporary addresses
// (e.g., via appropriate API extensions such as [RFC5014])."
func rule7(S flags) uint32 {
	return bit(S&flagTemporary != 0)
}

// A rule of our own, where FreeBSD has it: prefer a preferred source.
func rulePreferred(S flags) uint32 {
	return bit(S&flagPreferred != 0)
}

// RFC 6724 section 5, rule 8:
// "Use longest matching prefix. If CommonPrefixLen(SA, D) > CommonPrefixLen(SB,
// D), then prefer SA. Similarly, if CommonPrefixLen(SB, D) > CommonPrefixLen(SA,
// D), then prefer SB."
//
// For IPv4 both addresses are mapped, which adds the same 96 bits to both lengths.
func rule8(S *candidate, D *destination) uint32 {
	return uint32(min(commonBits(S.addr, D.addr), int(S.limit)))
}

// The third step of IPv4NextHop: the longest match with the next hop; and the second
// of IPv4OnLink: the longest prefix that holds it. It is silent for all other
// destinations.
func ruleNextHopPrefix(S *candidate, D *destination) uint32 {
	common := uint32(0)
	if D.matchVia || D.holdsVia {
		common = uint32(commonBits(S.addr, D.via))
	}
	if !D.holdsVia {
		return common
	}
	if common < uint32(S.limit) {
		return 0
	}
	return uint32(S.limit)
}

// Where the ranks sit in a key. Rule 1 is on top; common prefixes take 0 to 128.
const (
	shift8         = 0
	shiftPreferred = shift8 + 8
	shift7         = shiftPreferred + 1
	shift6         = shift7 + 1
	shift5_5       = shift6 + 1
	shiftVia       = shift5_5 + 1
	shift5         = shiftVia + 8
	shift4         = shift5 + 1
	shift3         = shift4 + 2
	shift2         = shift3 + 1
	shift1         = shift2 + 5
	shiftKey       = shift1 + 1 // one more bit, so that no key is 0, and another one is free
)

// The ranks that count, by Config.IPv4 for IPv4 and all of them for IPv6.
const (
	ranksRFC6724 = ^uint32(0)
	ranksNextHop = 1<<shiftKey | 1<<shift1 | 1<<shift5 | 0xff<<shiftVia | 0xff<<shift8
	ranksFirst   = 1<<shiftKey | 1<<shift5
	ranksOnLink  = 1<<shiftKey | 1<<shift5 | 0xff<<shiftVia
)

// fixedRanks packs the ranks that depend on S alone.
func fixedRanks(S flags) uint32 {
	return 1<<shiftKey | rule3(S)<<shift3 | rule4(S)<<shift4 | rule7(S)<<shift7 | rulePreferred(S)<<shiftPreferred
}

// What D flips in those to reverse rule 4 and rule 7.
const (
	reverse4 = 3 << shift4
	reverse7 = 1 << shift7
)

// key packs the ranks of S, so that keys compare as the rules in their order do.
// Address is S's.
//
// RFC 6724 section 5: "In the case that a given rule produces a tie, i.e., provides
// an "equal to" result for the two addresses, the remaining rules MUST be applied
// (in order) to just those addresses that are tied to break the tie."
func (D *destination) key(S *candidate, Address *Address) uint32 {
	return D.rank(&S.class) | (rule1(S, D)<<shift1|
		ruleNextHopPrefix(S, D)<<shiftVia|
		rule5_5(&S.class, Address, D)<<shift5_5|
		rule8(S, D)<<shift8)&D.ranks
}

// rank is the part of key that all addresses of a class have in common.
func (D *destination) rank(S *class) uint32 {
	return (S.fixed ^ D.reverse | rule2(S, D)<<shift2 | rule5(S, D)<<shift5 | rule6(S, D)<<shift6) & D.ranks
}

// partitionRank is the part of key that all addresses of p have in common: the ranks
// of all rules that do not look at the bits of an address.
func (D *destination) partitionRank(p *partition) uint32 {
	rank := D.rank(&p.class)
	if p.flags&D.routers != 0 {
		rank |= rule5_5(&p.class, p.address(), D) << shift5_5 & D.ranks
	}
	return rank
}

// decider returns the rule by which the higher of two keys wins: the first one
// whose ranks differ.
func (D *destination) decider(a, b uint32) Rule {
	switch differ := a ^ b; {
	case differ == 0:
		return D.tie
	case differ >= 1<<shift1:
		return RuleSameAddress
	case differ >= 1<<shift2:
		return RuleScope
	case differ >= 1<<shift3:
		return RuleDeprecated
	case differ >= 1<<shift4:
		return RuleHome
	case differ >= 1<<shift5:
		return RuleInterface
	case differ >= 1<<shiftVia:
		return RuleNextHopPrefix
	case differ >= 1<<shift5_5:
		return RuleNextHop
	case differ >= 1<<shift6:
		return RuleLabel
	case differ >= 1<<shift7:
		return RuleTemporary
	case differ >= 1<<shiftPreferred:
		return RulePreferred
	}
	return RulePrefix
}
