package srcselect

import "net/netip"

// A candidate is an address as the rules see it: S, with all that depends on S
// alone worked out when it is added.
type candidate struct {
	addr uint128
	class
	limit uint8 // how many leading bits rule 8 may count
}

// A class is all that the rules see of an address but for its bits and its routers.
type class struct {
	fixed uint32 // the ranks that are the same for every destination
	iface int32
	label label
	flags flags
	scope Scope
}

type flags uint16

const (
	flagIPv4       flags = 1 << iota
	flagTentative        // and not optimistic
	flagSkip             // skip-as-source
	flagDeprecated       // or optimistic; never on addresses that always count as preferred
	flagTemporary
	flagHome
	flagCareOf
	flagRouters      // Routers is not empty
	flagPreferred    // and Config.HonorPreferred
	flagTranslatable // within Config.SIIT
)

// candidateOf works out what the rules need of a, which is normalized.
func (cfg *Config) candidateOf(a *Address) candidate {
	addr := a.Prefix.Addr()
	S := candidate{addr: word128(addr), limit: uint8(mappedLen(a.Prefix))}
	S.iface = int32(a.Interface)
	S.scope = S.addr.scope()
	S.label, _ = cfg.Policy.classify(S.addr, S.iface)
	set := func(f flags, on bool) {
		if on {
			S.flags |= f
		}
	}
	if addr.Is4() {
		S.flags |= flagIPv4
		if cfg.IPv4 == IPv4NextHop {
			S.limit = 128
		}
	}
	set(flagTentative, a.Tentative && !a.Optimistic)
	set(flagSkip, a.SkipAsSource)
	set(flagDeprecated, (a.Deprecated || a.Optimistic) && !alwaysPreferred(addr))
	set(flagTemporary, a.Temporary)
	set(flagHome, a.HomeAddress)
	set(flagCareOf, a.CareOf)
	set(flagRouters, len(a.Routers) > 0)
	set(flagPreferred, a.Preferred && cfg.HonorPreferred)
	set(flagTranslatable, cfg.translates(addr))
	S.fixed = fixedRanks(S.flags)
	return S
}

// RFC 6724 section 4:
//
// "It is RECOMMENDED that the candidate source addresses be the set of unicast
// addresses assigned to the interface that will be used to send to the
// destination (the "outgoing" interface)."
//
// "For all multicast and link-local destination addresses, the set of candidate
// source addresses MUST only include addresses assigned to interfaces belonging
// to the same link as the outgoing interface."
//
// On an IPv6-only node behind a stateless translator only IPv4-translatable addresses
// are candidates for an IPv4-converted destination.
//
// "In any case, multicast addresses and the unspecified address MUST NOT be
// included in a candidate set." (Selector.Add refuses those.)

// translates says whether a is in one of the prefixes of the translator.
func (cfg *Config) translates(a netip.Addr) bool {
	for _, p := range cfg.SIIT {
		if a.Is6() && p.Contains(a) {
			return true
		}
	}
	return false
}

// admits says whether S is a candidate for D. It is exclusion without the reason.
func (D *destination) admits(S *class) bool {
	return S.flags&D.mask == D.flags && (D.only == 0 || S.iface == D.only)
}

// exclusion returns why S is no candidate for D. Where there are several reasons
// it is the first one below: so a skipped address is said to be skipped only when
// it is the flag alone that keeps it out.
func (D *destination) exclusion(S *class) Exclusion {
	switch {
	case S.flags&flagIPv4 != D.flags&flagIPv4:
		return ExcludedOtherFamily
	case D.only != 0 && S.iface != D.only && D.sameLink:
		return ExcludedOtherLink
	case D.only != 0 && S.iface != D.only:
		return ExcludedOtherInterface
	case (S.flags^D.flags)&D.mask&flagTranslatable != 0:
		return ExcludedNotTranslatable
	case S.flags&D.mask&flagTentative != 0:
		return ExcludedTentative
	case S.flags&D.mask&flagSkip != 0:
		return ExcludedSkipAsSource
	}
	return NotExcluded
}

// An Exclusion is the reason for which an address is no candidate (RFC 6724
// section 4), so that no rule ever looks at it.
type Exclusion uint8

const (
	NotExcluded             Exclusion = iota // it is a candidate
	ExcludedOtherFamily                      // not of the destination's family
	ExcludedOtherLink                        // not on the link of a multicast or link-local destination
	ExcludedOtherInterface                   // not on the outgoing interface
	ExcludedNotTranslatable                  // not IPv4-translatable, for an IPv4-converted destination
	ExcludedTentative                        // not assigned yet
	ExcludedSkipAsSource                     // skip-as-source

	exclusions = iota // how many there are
)

// String returns the reason in words, "skip-as-source" say.
func (e Exclusion) String() string {
	switch e {
	case NotExcluded:
		return "candidate"
	case ExcludedOtherFamily:
		return "other family"
	case ExcludedOtherLink:
		return "other link"
	case ExcludedOtherInterface:
		return "other interface"
	case ExcludedNotTranslatable:
		return "not IPv4-translatable"
	case ExcludedTentative:
		return "tentative"
	case ExcludedSkipAsSource:
		return "skip-as-source"
	}
	return "unknown exclusion"
}

// place says where n addresses are that are not where they should be.
func (e Exclusion) place(n int) string {
	switch {
	case e == ExcludedOtherLink && n == 1:
		return "another link"
	case e == ExcludedOtherLink:
		return "other links"
	case n == 1:
		return "another interface"
	}
	return "other interfaces"
}
