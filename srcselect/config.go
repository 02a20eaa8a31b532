package srcselect

import "net/netip"

// A Config says how a Selector chooses. The zero Config is RFC 6724 with its
// defaults, on a strong host.
type Config struct {
	// Policy is the policy table. Zero: the default one of RFC 6724 section 2.1.
	Policy Policy

	// AnyInterface makes the addresses of all interfaces candidates (weak host),
	// except for multicast and link-local destinations. False: those of the
	// outgoing interface only (strong host).
	AnyInterface bool

	// PreferPublic makes rule 7 prefer public addresses where the query has no
	// preference. False: temporary ones.
	PreferPublic bool

	// SIIT says that the host lives behind a stateless translator (RFC 7915) of these
	// IPv6 prefixes (RFC 6052): a destination in one of them is IPv4-converted, and
	// only addresses in one of them, which are IPv4-translatable, are candidates for
	// it. Empty: it does not.
	SIIT []netip.Prefix

	// HonorPreferred makes Address.Preferred count, as a rule of its own after rule
	// 7 and before rule 8. False: the flag means nothing.
	HonorPreferred bool

	// IPv4 is the way of choosing among IPv4 addresses. Zero: RFC 6724, as for
	// IPv6.
	IPv4 IPv4Choice

	// TieBreak orders candidates that no rule tells apart. Zero: the oldest first.
	TieBreak TieBreak

	// LastResort lets skip-as-source addresses compete, by the same rules, where
	// all candidates carry that flag. False: there is no source then.
	LastResort bool
}

// A TieBreak is the order of candidates that no rule tells apart. RFC 6724 section
// 5 leaves it to the implementation. The age of an address counts from its first
// Add; a change of its flags keeps it.
type TieBreak uint8

const (
	TieOldest TieBreak = iota // the address that was added first
	TieNewest                 // the address that was added last
	TieLowest                 // the lowest address as a number; of equal ones the oldest
)

// rule returns the Rule that says that tb decided.
func (tb TieBreak) rule() Rule {
	switch tb {
	case TieNewest:
		return RuleNewest
	case TieLowest:
		return RuleLowest
	}
	return RuleOldest
}

// An IPv4Choice is a way of choosing among IPv4 addresses, for which RFC 6724
// section 3.2 is only one. The candidate set is the same for all of them, and so
// are Query.Source and the tie-break.
type IPv4Choice uint8

const (
	// IPv4RFC6724 applies the rules of RFC 6724 to the mapped addresses.
	IPv4RFC6724 IPv4Choice = iota

	// IPv4NextHop is the order of Windows, as KB969029 gives it: the same address;
	// then an address on the outgoing interface; then the longest match with the
	// next hop; then the longest match with the destination. The matches are of
	// bits, and not capped by the prefix of the source address. Without a
	// Query.NextHop that is IPv4 the third step is silent.
	IPv4NextHop

	// IPv4First takes the first address by the tie-break, on the outgoing interface
	// if there is one. No rule is looked at, not even rule 1.
	IPv4First

	// IPv4OnLink is IPv4First among those addresses of the outgoing interface whose
	// prefix holds the next hop, the longest prefix that does, if there are any. The
	// next hop is Query.NextHop if that is IPv4, else the destination. Hosts do so
	// whose routes know an address of theirs: that of the prefix by which a router,
	// or the destination, is on the link.
	IPv4OnLink
)
