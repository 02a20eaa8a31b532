package srcselect

// A Rule says what made a choice among source addresses, or put an address out of
// it. The values are in the order in which the rules apply.
type Rule uint8

const (
	RuleNone          Rule = iota // nothing was chosen
	RuleExplicit                  // Query.Source
	RuleOnly                      // there was one candidate only
	RuleSameAddress               // RFC 6724 section 5, rule 1
	RuleScope                     // RFC 6724 section 5, rule 2
	RuleDeprecated                // RFC 6724 section 5, rule 3
	RuleHome                      // RFC 6724 section 5, rule 4
	RuleInterface                 // RFC 6724 section 5, rule 5
	RuleNextHopPrefix             // IPv4NextHop and IPv4OnLink: the longest match with the next hop
	RuleNextHop                   // RFC 6724 section 5, rule 5.5
	RuleLabel                     // RFC 6724 section 5, rule 6
	RuleTemporary                 // RFC 6724 section 5, rule 7
	RulePreferred                 // Config.HonorPreferred: Address.Preferred
	RulePrefix                    // RFC 6724 section 5, rule 8
	RuleOldest                    // TieOldest: no rule decided
	RuleNewest                    // TieNewest: no rule decided
	RuleLowest                    // TieLowest: no rule decided
)

var ruleNames = [...]string{
	RuleNone:          "none",
	RuleExplicit:      "explicit source",
	RuleOnly:          "only candidate",
	RuleSameAddress:   "rule 1 (same address)",
	RuleScope:         "rule 2 (appropriate scope)",
	RuleDeprecated:    "rule 3 (avoid deprecated)",
	RuleHome:          "rule 4 (home address)",
	RuleInterface:     "rule 5 (outgoing interface)",
	RuleNextHopPrefix: "longest match with next hop",
	RuleNextHop:       "rule 5.5 (advertised by next hop)",
	RuleLabel:         "rule 6 (matching label)",
	RuleTemporary:     "rule 7 (temporary or public)",
	RulePreferred:     "preferred source",
	RulePrefix:        "rule 8 (longest matching prefix)",
	RuleOldest:        "tie (oldest address)",
	RuleNewest:        "tie (newest address)",
	RuleLowest:        "tie (lowest address)",
}

// tie says whether r is a tie-break, so that no rule decided.
func (r Rule) tie() bool { return r >= RuleOldest }

// String returns the RFC's number of the rule and its subject, as in
// "rule 8 (longest matching prefix)", or what decided in place of a rule.
func (r Rule) String() string {
	if int(r) < len(ruleNames) {
		return ruleNames[r]
	}
	return "unknown rule"
}
