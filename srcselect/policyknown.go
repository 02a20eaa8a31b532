package srcselect

import (
	"cmp"
	"net/netip"
	"slices"
)

// The row that draft-ietf-6man-rfc6724-update gives a known-local unique local
// prefix: "When inserting known-local ULA entries into the policy table, they MUST
// have a label of 14 (rather than the default ULA label of 13) and a precedence of
// 45."
const (
	knownLocalPrecedence = 45
	knownLocalLabel      = 14
)

var locallyAssigned = netip.MustParsePrefix("fd00::/8") // RFC 4193 section 3.1

// WithKnownLocal returns a table with an automatic row, of precedence 45 and label
// 14, for each of these unique local prefixes, and without the automatic rows that
// p has: prefixes is the whole list at this moment, none to withdraw them all.
// Selector.SetPolicy puts the table in force. An automatic row never takes the place
// of a configured one: a prefix that has a row of its own for every interface keeps
// that. Rows, Lookup and String show automatic rows like all others.
//
// Prefixes that are not in fd00::/8, are shorter than /40 or have host bits are
// errors that are ErrInvalid.
func (p Policy) WithKnownLocal(prefixes ...netip.Prefix) (Policy, error) {
	old := p.load()
	var rows []PolicyEntry
	configured := make(map[policyKey]bool, len(old.entries))
	for _, e := range old.entries {
		if !old.automatic[e.key()] {
			rows = append(rows, e)
			configured[e.key()] = true
		}
	}
	automatic := make(map[policyKey]bool, len(prefixes))
	for _, prefix := range prefixes {
		if why := notKnownLocal(prefix); why != "" {
			return Policy{}, invalidf("known-local prefix %v: %s", prefix, why)
		}
		e := PolicyEntry{Prefix: prefix, Precedence: knownLocalPrecedence, Label: knownLocalLabel}
		if k := e.key(); !configured[k] && !automatic[k] {
			rows = append(rows, e)
			automatic[k] = true
		}
	}
	return Policy{tableOf(rows, automatic)}, nil
}

// notKnownLocal says why a prefix can't have an automatic row, "" if it can.
func notKnownLocal(p netip.Prefix) string {
	switch {
	case !isLocallyAssigned(p):
		return "not in fd00::/8"
	case p.Bits() < minKnownLocalBits:
		return "shorter than /40"
	case p != p.Masked():
		return "has host bits: want " + p.Masked().String()
	}
	return ""
}

const minKnownLocalBits = 40

func isLocallyAssigned(p netip.Prefix) bool {
	return p.IsValid() && p.Bits() >= locallyAssigned.Bits() && locallyAssigned.Contains(p.Addr().WithZone(""))
}

// KnownLocal returns the prefixes of the automatic rows.
func (p Policy) KnownLocal() []netip.Prefix {
	var known []netip.Prefix
	for _, e := range p.load().entries {
		if p.load().automatic[e.key()] {
			known = append(known, e.Prefix)
		}
	}
	return known
}

// KnownLocalPrefixes works out the list of known-local prefixes, for WithKnownLocal,
// by the rules of draft-ietf-6man-rfc6724-update: the unique local prefixes of Route
// Information Options (RFC 4191) as they are, if they are /40 or longer; and the /48s
// of those Prefix Information Options and addresses of the host that these don't
// cover. Everything outside fd00::/8 is ignored. The caller leaves out what the draft
// wants ignored: options of Router Advertisements with the SNAC flag and addresses
// that owe to those alone, and what is deprecated or gone.
func KnownLocalPrefixes(routes, onLink []netip.Prefix) []netip.Prefix {
	var known []netip.Prefix
	for _, p := range routes {
		if p = p.Masked(); notKnownLocal(p) == "" && !slices.Contains(known, p) {
			known = append(known, p)
		}
	}
	for _, p := range onLink {
		if !isLocallyAssigned(p) {
			continue
		}
		addr := p.Addr().WithZone("")
		if slices.ContainsFunc(known, func(k netip.Prefix) bool { return k.Contains(addr) }) {
			continue
		}
		known = append(known, netip.PrefixFrom(addr, 48).Masked())
	}
	slices.SortFunc(known, func(a, b netip.Prefix) int {
		return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
	})
	return known
}
