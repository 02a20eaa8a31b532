package srcselect

import "fmt"

// A DestinationResult is a destination in its place.
type DestinationResult struct {
	// Query is the destination, as it was given.
	Query Query

	// Source is its source address, by Select. Zero if Err is not nil. Its Routers
	// belong to the Selector: they must not be changed.
	Source Address

	// Rule is what put the destination after the one before it.
	Rule DestinationRule

	// Err is Select's error: the destination is unusable and stands at the end.
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
// changed. The order is stable, but where rules 1 to 8 tie destinations of both
// families, it depends on the given one: rule 9 compares only within a family,
// which is not transitive. The time is quadratic in len(dsts), which is the length
// of a DNS answer.
func (s *Selector) SortDestinations(dsts []Query) []DestinationResult {
	snap := s.load()
	ranked := make([]rankedDestination, 0, len(dsts))
	for _, q := range dsts {
		DA := s.rankDestination(snap, q)
		// An insertion sort, because it makes no use of transitivity: every
		// destination ends up right after one that is not worse.
		at := len(ranked)
		for at > 0 {
			if order, _ := compareDestinations(&DA, &ranked[at-1]); order <= 0 {
				break
			}
			at--
		}
		ranked = append(ranked, rankedDestination{})
		copy(ranked[at+1:], ranked[at:])
		ranked[at] = DA
	}
	results := make([]DestinationResult, len(ranked))
	for i := range ranked {
		if i > 0 {
			_, ranked[i].Rule = compareDestinations(&ranked[i-1], &ranked[i])
		}
		results[i] = ranked[i].DestinationResult
	}
	return results
}

// A rankedDestination is D with what the rules of section 6 need of it and of
// Source(D).
type rankedDestination struct {
	DestinationResult
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

func (s *Selector) rankDestination(snap *snapshot, q Query) rankedDestination {
	ranked := rankedDestination{DestinationResult: DestinationResult{Query: q}}
	D, err := s.cfg.resolve(&q)
	if err != nil {
		ranked.Err = err
		return ranked
	}
	ranked.precedence, ranked.scope, ranked.ipv4 = D.precedence, D.scope, D.flags&flagIPv4 != 0
	c := s.choose(snap, &q, &D)
	if c.at < 0 {
		ranked.Err = snap.noSource(&q, &D)
		return ranked
	}
	S := &snap.candidates[c.at]
	ranked.Source = snap.addresses[c.at]
	ranked.usable = true
	ranked.matchingScope = S.scope == D.scope
	ranked.deprecated = S.flags&flagDeprecated != 0
	ranked.home = rule4(S.flags)
	ranked.matchingLabel = S.label == D.label
	ranked.commonPrefix = int(rule8(S, &D))
	return ranked
}
