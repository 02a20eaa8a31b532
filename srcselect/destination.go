package srcselect

import (
	"fmt"
	"slices"
)

// A DestinationResult is a destination in its place.
type DestinationResult struct {
	// Query is the destination, as it was given.
	Query Query

	// Source is its source address, by Select. Zero if Err is not nil. Its Routers
	// belong to the Selector: they must not be changed.
	Source Address

	// Rule is what put the destination after the one before it.
	Rule DestinationRule

	// Err is Select's error. A destination with one, or whose Query says that it is
	// unreachable, is unusable and stands at the end.
	Err error
}

// A DestinationRule is the number of a rule of RFC 6724 section 6, from 1 to 10. 0
// is for the first destination, which no rule put after another.
type DestinationRule uint8

var destinationRuleNames = [...]string{
	"first",
	"rule 1 (avoid unusable)",
	"rule 2 (matching scope)",
	"rule 3 (avoid deprecated)",
	"rule 4 (home address)",
	"rule 5 (matching label)",
	"rule 6 (higher precedence)",
	"rule 7 (native transport)",
	"rule 8 (smaller scope)",
	"rule 9 (longest matching prefix)",
	"rule 10 (order unchanged)",
}

// String returns the number and the subject of the rule, as in
// "rule 6 (higher precedence)".
func (r DestinationRule) String() string {
	if int(r) < len(destinationRuleNames) {
		return destinationRuleNames[r]
	}
	return fmt.Sprintf("unknown rule %d", uint8(r))
}

// SortDestinations orders destinations by RFC 6724 section 6, the best first, and
// returns them with their sources, each chosen by Select for its query (so that
// Query.Source is honoured here too). All sources come from one moment. dsts is not
// changed. Within a family the order is stable and does not depend on what there is
// of the other. Destinations of two families that rules 1 to 8 tie keep their order
// as far as rule 9 leaves it, which compares within a family only.
func (s *Selector) SortDestinations(dsts []Query) []DestinationResult {
	snap := s.load()
	var ipv6, ipv4 []*rankedDestination
	for i, q := range dsts {
		D := snap.rankDestination(q)
		D.position = i
		if D.ipv4 {
			ipv4 = append(ipv4, D)
		} else {
			ipv6 = append(ipv6, D)
		}
	}
	// Rule 9 makes the rules intransitive over both families: two destinations that
	// it orders may both tie with one of the other family between them. Within a
	// family they are transitive, so each is sorted by itself.
	ranked := mergeDestinations(sortFamily(ipv6), sortFamily(ipv4))
	results := make([]DestinationResult, len(ranked))
	for i, D := range ranked {
		if i > 0 {
			_, D.Rule = compareDestinations(ranked[i-1], D)
		}
		results[i] = D.DestinationResult
	}
	return results
}

// sortFamily sorts destinations of one family, the best first, and returns them.
func sortFamily(Ds []*rankedDestination) []*rankedDestination {
	slices.SortStableFunc(Ds, func(DA, DB *rankedDestination) int {
		order, _ := compareDestinations(DA, DB)
		return -order
	})
	return Ds
}

// mergeDestinations merges two sorted families.
func mergeDestinations(as, bs []*rankedDestination) []*rankedDestination {
	merged := make([]*rankedDestination, 0, len(as)+len(bs))
	for len(as) > 0 && len(bs) > 0 {
		order, _ := compareDestinations(as[0], bs[0])
		if order > 0 || order == 0 && as[0].position < bs[0].position {
			merged, as = append(merged, as[0]), as[1:]
		} else {
			merged, bs = append(merged, bs[0]), bs[1:]
		}
	}
	return append(append(merged, as...), bs...)
}

// A rankedDestination is D with what the rules of section 6 need of it and of
// Source(D).
type rankedDestination struct {
	DestinationResult
	position      int // in the original list
	usable        bool
	matchingScope bool // Scope(D) = Scope(Source(D))
	deprecated    bool // Source(D)
	home          uint32
	matchingLabel bool // Label(Source(D)) = Label(D)
	precedence    uint8
	scope         Scope
	ipv4          bool
	commonPrefix  int // CommonPrefixLen(Source(D), D)
}

func (snap *snapshot) rankDestination(q Query) *rankedDestination {
	ranked := &rankedDestination{DestinationResult: DestinationResult{Query: q}}
	var D destination
	if err := D.resolve(snap.cfg, &q); err != nil {
		ranked.Err = err
		return ranked
	}
	ranked.precedence, ranked.scope, ranked.ipv4 = D.precedence, D.scope, D.flags&flagIPv4 != 0
	S := snap.choose(&q, &D).source
	if S == nil {
		ranked.Err = snap.noSource(&q, &D)
		return ranked
	}
	ranked.Source = S.address
	ranked.usable = !q.Unreachable
	ranked.matchingScope = S.scope == D.scope
	ranked.deprecated = S.flags&flagDeprecated != 0
	ranked.home = rule4(S.flags)
	ranked.matchingLabel = S.label == D.label
	ranked.commonPrefix = CommonPrefixLen(S.address.Prefix, q.Destination)
	return ranked
}
