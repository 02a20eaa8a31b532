package srcselect

import "cmp"

// The rules of RFC 6724 section 6, in its order and with its names. Each returns a
// positive number to prefer DA, a negative one to prefer DB, and 0 for a tie. Rule
// 10 is what the sort does when all return 0: "Otherwise, leave the order
// unchanged. If DA preceded DB in the original list, prefer DA. Otherwise, prefer
// DB."
var destinationRules = [...]func(DA, DB *rankedDestination) int{
	destinationRule1,
	destinationRule2,
	destinationRule3,
	destinationRule4,
	destinationRule5,
	destinationRule6,
	destinationRule7,
	destinationRule8,
	destinationRule9,
}

// compareDestinations returns which one is preferred, as the rules do, and the
// first rule that said so: 10 if none did.
func compareDestinations(DA, DB *rankedDestination) (int, DestinationRule) {
	for i, rule := range destinationRules {
		if order := rule(DA, DB); order != 0 {
			return order, DestinationRule(i + 1)
		}
	}
	return 0, DestinationRule(len(destinationRules) + 1)
}

// RFC 6724 section 6, rule 1:
// "Avoid unusable destinations. If DB is known to be unreachable or if Source(DB)
// is undefined, then prefer DA. Similarly, if DA is known to be unreachable or if
// Source(DA) is undefined, then prefer DB."
func destinationRule1(DA, DB *rankedDestination) int {
	return prefer(DA.usable, DB.usable)
}

// RFC 6724 section 6, rule 2:
// "Prefer matching scope. If Scope(DA) = Scope(Source(DA)) and Scope(DB) <>
// Scope(Source(DB)), then prefer DA. Similarly, if Scope(DA) <> Scope(Source(DA))
// and Scope(DB) = Scope(Source(DB)), then prefer DB."
func destinationRule2(DA, DB *rankedDestination) int {
	return prefer(DA.matchingScope, DB.matchingScope)
}

// RFC 6724 section 6, rule 3:
// "Avoid deprecated addresses. If Source(DA) is deprecated and Source(DB) is not,
// then prefer DB. Similarly, if Source(DA) is not deprecated and Source(DB) is
// deprecated, then prefer DA."
func destinationRule3(DA, DB *rankedDestination) int {
	return prefer(!DA.deprecated, !DB.deprecated)
}

// RFC 6724 section 6, rule 4:
// "Prefer home addresses. If Source(DA) is simultaneously a home address and
// care-of address and Source(DB) is not, then prefer DA. Similarly, if Source(DB)
// is simultaneously a home address and care-of address and Source(DA) is not, then
// prefer DB. If Source(DA) is just a home address and Source(DB) is just a care-of
// address, then prefer DA. Similarly, if Source(DA) is just a care-of address and
// Source(DB) is just a home address, then prefer DB."
//
// An address that is neither stands with the care-of addresses, as in section 5.
func destinationRule4(DA, DB *rankedDestination) int {
	return cmp.Compare(DA.home, DB.home)
}

// RFC 6724 section 6, rule 5:
// "Prefer matching label. If Label(Source(DA)) = Label(DA) and Label(Source(DB))
// <> Label(DB), then prefer DA. Similarly, if Label(Source(DA)) <> Label(DA) and
// Label(Source(DB)) = Label(DB), then prefer DB."
func destinationRule5(DA, DB *rankedDestination) int {
	return prefer(DA.matchingLabel, DB.matchingLabel)
}

// RFC 6724 section 6, rule 6:
// "Prefer higher precedence. If Precedence(DA) > Precedence(DB), then prefer DA.
// Similarly, if Precedence(DA) < Precedence(DB), then prefer DB."
func destinationRule6(DA, DB *rankedDestination) int {
	return cmp.Compare(DA.precedence, DB.precedence)
}

// RFC 6724 section 6, rule 7:
// "Prefer native transport. If DA is reached via an encapsulating transition
// mechanism (e.g., IPv6 in IPv4) and DB is not, then prefer DB. Similarly, if DB is
// reached via encapsulation and DA is not, then prefer DA."
func destinationRule7(DA, DB *rankedDestination) int {
	return prefer(!DA.Query.Encapsulated, !DB.Query.Encapsulated)
}

// RFC 6724 section 6, rule 8:
// "Prefer smaller scope. If Scope(DA) < Scope(DB), then prefer DA. Similarly, if
// Scope(DA) > Scope(DB), then prefer DB."
func destinationRule8(DA, DB *rankedDestination) int {
	return cmp.Compare(DB.scope, DA.scope)
}

// RFC 6724 section 6, rule 9:
// "Use longest matching prefix. When DA and DB belong to the same address family
// (both are IPv6 or both are IPv4): If CommonPrefixLen(Source(DA), DA) >
// CommonPrefixLen(Source(DB), DB), then prefer DA. Similarly, if
// CommonPrefixLen(Source(DA), DA) < CommonPrefixLen(Source(DB), DB), then prefer
// DB."
func destinationRule9(DA, DB *rankedDestination) int {
	if DA.ipv4 != DB.ipv4 {
		return 0
	}
	return cmp.Compare(DA.commonPrefix, DB.commonPrefix)
}

// prefer returns the preference for the one of a and b that is true.
func prefer(a, b bool) int { return int(bit(a)) - int(bit(b)) }
