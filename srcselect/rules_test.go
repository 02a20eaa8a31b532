package srcselect

import (
	"net/netip"
	"testing"
)

// Each rule alone: the addresses of a pair differ in what the rule looks at, and in
// later rules at most against the winner.
var ruleCases = []struct {
	name   string
	rule   Rule
	cfg    Config
	query  Query
	winner string
	loser  string
}{
	{name: "same address", rule: RuleSameAddress, query: to("2001:db8:1::1"),
		winner: "2001:db8:1::1/48 deprecated", loser: "2001:db8:1::2/128"},
	{name: "same IPv4 address", rule: RuleSameAddress, query: to("192.0.2.1"),
		winner: "192.0.2.1/8", loser: "192.0.2.2/24"},
	{name: "same address, destination mapped", rule: RuleSameAddress, query: to("::ffff:192.0.2.1"),
		winner: "192.0.2.1/8", loser: "192.0.2.2/24"},

	{name: "both scopes reach: the smaller", rule: RuleScope, query: to("fe80::9"),
		winner: "fe80::1 deprecated", loser: "fec0::1"},
	{name: "exact scope", rule: RuleScope, query: to("ff05::9"),
		winner: "fec0::1 deprecated", loser: "2001:db8::1"},
	{name: "only one scope reaches", rule: RuleScope, query: to("2001:db8::9"),
		winner: "2001:db8::1 deprecated", loser: "fe80::1"},
	{name: "no scope reaches: the larger", rule: RuleScope, query: to("2001:db8::9"),
		winner: "fec0::1 deprecated", loser: "fe80::1"},
	{name: "scope between two", rule: RuleScope, query: to("ff04::9"),
		winner: "fec0::1 deprecated", loser: "fe80::1"},
	{name: "a unique local address is global", rule: RuleScope, query: to("2001:db8::9"),
		winner: "fd00::1 deprecated", loser: "fec0::1"},
	{name: "IPv4 link-local", rule: RuleScope, query: to("198.51.100.9"),
		winner: "10.0.0.1", loser: "169.254.0.1"},

	{name: "deprecated", rule: RuleDeprecated, query: to("2001:db8:1::9"),
		winner: "2001:db8:2::1", loser: "2001:db8:1::1 deprecated home coa"},
	{name: "optimistic", rule: RuleDeprecated, query: to("2001:db8:1::9"),
		winner: "2001:db8:2::1", loser: "2001:db8:1::1 optimistic tentative home coa"},

	{name: "home and care-of, against home", rule: RuleHome, query: to("2001:db8:1::9"),
		winner: "2001:db8:2::1 home coa", loser: "2001:db8:1::1 home temporary"},
	{name: "home and care-of, against care-of", rule: RuleHome, query: to("2001:db8:1::9"),
		winner: "2001:db8:2::1 home coa", loser: "2001:db8:1::1 coa temporary"},
	{name: "home, against care-of", rule: RuleHome, query: to("2001:db8:1::9"),
		winner: "2001:db8:2::1 home", loser: "2001:db8:1::1 coa temporary"},
	{name: "home, against neither", rule: RuleHome, query: to("2001:db8:1::9"),
		winner: "2001:db8:2::1 home", loser: "2001:db8:1::1 temporary"},
	{name: "care-of preferred", rule: RuleHome, query: preferring(to("2001:db8:1::9"), PreferCareOf),
		winner: "2001:db8:2::1 coa", loser: "2001:db8:1::1 home temporary"},
	{name: "home preferred", rule: RuleHome, query: preferring(to("2001:db8:1::9"), PreferHome),
		winner: "2001:db8:2::1 home", loser: "2001:db8:1::1 coa temporary"},

	{name: "outgoing interface", rule: RuleInterface, cfg: Config{AnyInterface: true}, query: to("2001:db8:1::9"),
		winner: "2001:db8:2::1 if1", loser: "2001:db8:1::1 temporary if2"},

	{name: "next hop", rule: RuleNextHop, query: through(to("2001:db8:1::9"), "fe80::a%eth0"),
		winner: "2002:1::1 via=fe80::b via=fe80::a", loser: "2001:db8:1::1 temporary via=fe80::b"},
	{name: "next hop, against none known", rule: RuleNextHop, query: through(to("2001:db8:1::9"), "fe80::a"),
		winner: "2002:1::1 via=fe80::a%2", loser: "2001:db8:1::1 temporary"},

	{name: "label", rule: RuleLabel, query: to("2002:1::9"),
		winner: "2002:ffff::1", loser: "2001:db8::1 temporary"},
	{name: "no row has the label of what no row matches", rule: RuleLabel,
		cfg:    Config{Policy: policyOf(PolicyEntry{Prefix: netip.MustParsePrefix("2001:db8:1::/48"), Label: 0})},
		query:  to("2001:db8:9::9"),
		winner: "2001:db8::1", loser: "2001:db8:1::1 temporary"},

	{name: "temporary", rule: RuleTemporary, query: to("2001:db8:1::9"),
		winner: "2001:db8:2::1 temporary", loser: "2001:db8:1::1"},
	{name: "public by the query", rule: RuleTemporary, query: preferring(to("2001:db8:1::9"), PreferPublic),
		winner: "2001:db8:2::1", loser: "2001:db8:1::1 temporary"},
	{name: "public by the configuration", rule: RuleTemporary, cfg: Config{PreferPublic: true}, query: to("2001:db8:1::9"),
		winner: "2001:db8:2::1", loser: "2001:db8:1::1 temporary"},
	{name: "temporary by the query, against the configuration", rule: RuleTemporary,
		cfg: Config{PreferPublic: true}, query: preferring(to("2001:db8:1::9"), PreferTemporary),
		winner: "2001:db8:2::1 temporary", loser: "2001:db8:1::1"},

	{name: "longest prefix", rule: RulePrefix, query: to("2001:db8:1::9"),
		winner: "2001:db8:1::1", loser: "2001:db8:2::1"},
	{name: "capped by the own prefix", rule: RulePrefix, query: to("2001:db8:1::9"),
		winner: "2001:db8:1:1::1/64", loser: "2001:db8:1::1/47"},
	{name: "not capped at 64", rule: RulePrefix, query: to("2001:db8:1::9"),
		winner: "2001:db8:1::8/128", loser: "2001:db8:1::7/96"},
	{name: "preferred", rule: RulePreferred, cfg: Config{HonorPreferred: true}, query: to("2001:db8:1::9"),
		winner: "2001:db8:2::1 preferred", loser: "2001:db8:1::1"},
	{name: "preferred means nothing by default", rule: RulePrefix, query: to("2001:db8:1::9"),
		winner: "2001:db8:1::1", loser: "2001:db8:2::1 preferred"},
	{name: "preferred, but not temporary", rule: RuleTemporary, cfg: Config{HonorPreferred: true}, query: to("2001:db8:1::9"),
		winner: "2001:db8:2::1 temporary", loser: "2001:db8:1::1 preferred"},

	{name: "next hop match", rule: RuleNextHopPrefix, cfg: Config{IPv4: IPv4NextHop}, query: through(to("192.0.2.9"), "10.0.0.1"),
		winner: "10.0.0.7/8", loser: "192.0.2.1"},
	{name: "next hop match, not capped", rule: RuleNextHopPrefix, cfg: Config{IPv4: IPv4NextHop}, query: through(to("192.0.2.9"), "10.0.0.1"),
		winner: "10.0.0.7/8", loser: "10.0.1.7/24"},
	{name: "next hop match, but not the same address", rule: RuleSameAddress, cfg: Config{IPv4: IPv4NextHop}, query: through(to("192.0.2.9"), "10.0.0.1"),
		winner: "192.0.2.9", loser: "10.0.0.7"},
	{name: "next hop match, but not on the outgoing interface", rule: RuleInterface, cfg: Config{IPv4: IPv4NextHop, AnyInterface: true},
		query: through(to("192.0.2.9"), "10.0.0.1"), winner: "192.0.2.1", loser: "10.0.0.7 if2"},
	{name: "destination match, not capped, without regard to scope", rule: RulePrefix, cfg: Config{IPv4: IPv4NextHop}, query: to("169.253.2.9"),
		winner: "169.254.2.1/8", loser: "10.0.0.7"},
	{name: "destination match among those that match the next hop", rule: RulePrefix, cfg: Config{IPv4: IPv4NextHop},
		query: through(to("10.0.0.200"), "10.0.0.1"), winner: "10.0.0.192", loser: "10.0.0.128"},
	{name: "on the next hop's link", rule: RuleNextHopPrefix, cfg: Config{IPv4: IPv4OnLink}, query: through(to("192.0.2.9"), "10.0.0.1"),
		winner: "10.0.0.2/8 deprecated", loser: "192.0.2.1/24"},
	{name: "on the destination's link, by the longest prefix", rule: RuleNextHopPrefix, cfg: Config{IPv4: IPv4OnLink}, query: to("192.0.2.9"),
		winner: "192.0.2.1/24", loser: "192.0.2.8/16"},
	{name: "on the next hop's link, but not on the outgoing interface", rule: RuleInterface, cfg: Config{IPv4: IPv4OnLink, AnyInterface: true},
		query: to("192.0.2.9"), winner: "10.0.0.2", loser: "192.0.2.1 if2"},
	{name: "first IPv4, on the outgoing interface", rule: RuleInterface, cfg: Config{IPv4: IPv4First, AnyInterface: true}, query: to("192.0.2.9"),
		winner: "169.254.0.1", loser: "192.0.2.9 if2"},

	{name: "IPv4 prefix", rule: RulePrefix, query: to("192.0.2.9"),
		winner: "192.0.3.1/23", loser: "192.0.2.1/22"},
}

func preferring(q Query, p Preferences) Query {
	q.Prefer = p
	return q
}

func through(q Query, nextHop string) Query {
	q.NextHop = netip.MustParseAddr(nextHop)
	return q
}

func policyOf(rows ...PolicyEntry) Policy {
	p, err := NewPolicy(rows)
	if err != nil {
		panic(err)
	}
	return p
}

func TestEachRule(t *testing.T) {
	seen := make(map[Rule]bool)
	for _, c := range ruleCases {
		seen[c.rule] = true
		t.Run(c.name, func(t *testing.T) {
			for _, order := range [][]string{{c.winner, c.loser}, {c.loser, c.winner}} {
				s := selectorWith(t, c.cfg, order...)
				_, r := mustSelect(t, s, c.query)
				if want := addresses(t, c.winner)[0].Prefix; r.Address.Prefix != want || r.Rule != c.rule || r.Tied {
					t.Errorf("of %q: %v by %v (tied %v), want %v by %v", order, r.Address.Prefix, r.Rule, r.Tied, want, c.rule)
				}
			}
		})
	}
	for r := RuleSameAddress; !r.tie(); r++ {
		if !seen[r] {
			t.Errorf("no case for %v", r)
		}
	}
}

// Pairs that differ only in what no rule may look at: the older one is chosen, in
// both orders.
func TestNoRuleDecides(t *testing.T) {
	for _, c := range []struct {
		name  string
		cfg   Config
		query Query
		pair  [2]string
	}{
		{"both are the destination", Config{AnyInterface: true}, Query{Destination: netip.MustParseAddr("2001:db8::1")},
			[2]string{"2001:db8::1 if1", "2001:db8::1 if2"}},
		{"same scope", Config{}, to("fec0::9"), [2]string{"2001:db8:1::1", "2001:db8:1::2"}},
		{"both deprecated, one of them optimistic", Config{}, to("2001:db8::9"),
			[2]string{"2001:db8:1::1 deprecated", "2001:db8:1::2 optimistic"}},
		{"IPv4 is always preferred", Config{}, to("192.0.2.9"), [2]string{"192.0.2.1 deprecated", "192.0.2.2"}},
		{"an IPv4-converted address is always preferred", Config{}, to("64:ff9b::9"),
			[2]string{"64:ff9b::192.0.2.1 deprecated", "64:ff9b::2"}},
		{"an IPv4-compatible address is always preferred", Config{}, to("2001:db8::9"), [2]string{"::1:1 optimistic", "::1:2"}},
		{"care-of and neither", Config{}, to("2001:db8::9"), [2]string{"2001:db8:1::1 coa", "2001:db8:1::2"}},
		{"interface not known", Config{}, Query{Destination: netip.MustParseAddr("2001:db8::9")},
			[2]string{"2001:db8:1::1 if1", "2001:db8:1::2 if2"}},
		{"next hop not known", Config{}, to("2001:db8::9"), [2]string{"2001:db8:1::1 via=fe80::a", "2001:db8:1::2 via=fe80::b"}},
		{"other next hops", Config{}, through(to("2001:db8::9"), "fe80::c"),
			[2]string{"2001:db8:1::1 via=fe80::a", "2001:db8:1::2"}},
		{"other labels", Config{}, to("2002:1::9"), [2]string{"2001:db8::1/3", "3ffe::1/3"}},
		{"no labels", Config{Policy: policyOf()}, to("2002::9"), [2]string{"3ffe::1/2", "2001:db8::1/2"}},
		{"same own prefix", Config{}, to("2001:db8::9"), [2]string{"2001:db8::1", "2001:db8::8"}},
		{"all differing bits beyond the own prefix", Config{}, to("2001:db8::9"), [2]string{"2001:db8::1/32", "2001:db8:ffff::8/32"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, order := range [][]string{{c.pair[0], c.pair[1]}, {c.pair[1], c.pair[0]}} {
				_, r := mustSelect(t, selectorWith(t, c.cfg, order...), c.query)
				oldest := addresses(t, order[0])[0]
				if r.Address.Prefix != oldest.Prefix || r.Address.Interface != oldest.Interface || r.Rule != RuleOldest || !r.Tied {
					t.Errorf("of %q: %v by %v (tied %v), want the first by age", order, r.Address.Prefix, r.Rule, r.Tied)
				}
			}
		})
	}
}

// The rule is the one against the runner-up, not against the first or last loser.
func TestRuleIsAgainstTheRunnerUp(t *testing.T) {
	orders([]string{"2001:db8:1::1", "2001:db8:2::1", "2001:db8:1::2 deprecated", "fe80::1"}, func(src []string) {
		got, r := mustSelect(t, selectorWith(t, Config{}, src...), to("2001:db8:1::9"))
		if got != "2001:db8:1::1" || r.Rule != RulePrefix {
			t.Errorf("of %q: %v by %v, want 2001:db8:1::1 by %v", src, got, r.Rule, RulePrefix)
		}
	})
	orders([]string{"2001:db8:1::1", "2001:db8:1::2 deprecated", "fe80::1"}, func(src []string) {
		if _, r := mustSelect(t, selectorWith(t, Config{}, src...), to("2001:db8:1::9")); r.Rule != RuleDeprecated {
			t.Errorf("of %q: by %v, want %v", src, r.Rule, RuleDeprecated)
		}
	})
	if _, r := mustSelect(t, selectorWith(t, Config{}, "fe80::1", "10.0.0.1"), to("2001:db8:1::9")); r.Rule != RuleOnly {
		t.Errorf("by %v, want %v", r.Rule, RuleOnly)
	}
}

func TestRuleString(t *testing.T) {
	for r, want := range map[Rule]string{
		RuleNone: "none", RuleNextHop: "rule 5.5 (advertised by next hop)", RulePrefix: "rule 8 (longest matching prefix)", RulePreferred: "preferred source", RuleNextHopPrefix: "longest match with next hop",
		RuleOldest: "tie (oldest address)", RuleNewest: "tie (newest address)", RuleLowest: "tie (lowest address)",
		RuleLowest + 1: "unknown rule",
	} {
		if r.String() != want {
			t.Errorf("Rule(%d) is %q, want %q", r, r, want)
		}
	}
}
