package srcselect

import (
	"net/netip"
	"slices"
	"strconv"
)

// The slow, obvious twin: RFC 6724 sections 4 and 5 pair by pair, from the text,
// with nothing worked out in advance and none of the package's own code. broken
// names one thing that it gets wrong on purpose, "" for nothing: see mutants.
type reference struct {
	cfg    Config
	broken string
	table  []PolicyEntry // cfg.Policy's rows, fetched once
}

// mutants are the mistakes that the random comparison has to notice.
var mutants = []string{
	"no rule 1", "no rule 2", "no rule 3", "no rule 4", "no rule 5", "no rule 5.5", "no rule 6", "no rule 7", "no rule 8",
	"rule 2 reversed", "rule 2 always smaller", "unique local is site-local", "no site-local",
	"IPv4 deprecated counts", "converted deprecated counts", "optimistic is preferred",
	"no home rank", "care-of ignored", "5.5 first router only",
	"label without interface", "no-match label is 0",
	"public ignored", "rule 7 config ignored", "rule 8 uncapped", "rule 8 capped at 64", "rule 8 before rule 7",
	"preferred ignored", "preferred always", "preferred after rule 8", "preferred before rule 7",
	"newest wins", "oldest wins", "lowest ignored", "lowest by prefix",
	"on link by destination", "any prefix that holds", "no rule holding",
	"IPv4 by RFC 6724", "next hop ignored", "next hop before interface", "next hop capped", "next hop match capped by destination",
	"first is by rule 1", "first on any interface",
	"skip is deprecated", "skip after rule 1", "no last resort", "tentative is candidate", "optimistic is tentative",
	"any for IPv4-converted", "strong host always", "weak host always", "multicast on any link", "link-local on any link",
	"explicit skipped refused", "explicit takes the oldest", "explicit tentative taken", "explicit link-local on any link",
}

func (r *reference) is(broken string) bool { return r.broken == broken }

type refAnswer struct {
	ok      bool
	address Address
	rule    Rule
	tied    bool
}

// choose picks the source for q among all, which is in order of age.
func (r *reference) choose(all []Address, q Query) refAnswer {
	zone := 0
	D := q.Destination.Unmap()
	if D.IsMulticast() || D.IsLinkLocalUnicast() {
		zone, _ = strconv.Atoi(D.Zone())
	}
	D = D.WithZone("")
	out := q.Interface
	if out == 0 {
		out = zone
	}
	if q.Source.IsValid() && !q.Source.IsUnspecified() {
		return r.explicit(all, q, D, out)
	}
	var set []Address
	var skipped []Address
	for _, a := range all {
		if !r.eligible(a, D, out) {
			continue
		}
		if a.SkipAsSource && !r.is("skip is deprecated") && !(r.is("skip after rule 1") && a.Prefix.Addr() == D) {
			skipped = append(skipped, a)
			continue
		}
		set = append(set, a)
	}
	if len(set) == 0 && r.cfg.LastResort && !r.is("no last resort") {
		set = skipped
	}
	if len(set) == 0 {
		return refAnswer{}
	}
	best := r.best(set, q, D, out)
	rest := slices.Delete(slices.Clone(set), best, best+1)
	if len(rest) == 0 {
		return refAnswer{true, set[best], RuleOnly, false}
	}
	second := r.best(rest, q, D, out)
	_, rule := r.compare(set[best], rest[second], q, D, out)
	return refAnswer{true, set[best], rule, rule == RuleOldest || rule == RuleNewest || rule == RuleLowest}
}

// best plays a knock-out: set is in order of age, so who is later must be better to
// win, unless ties go to the newest or the lowest.
func (r *reference) best(set []Address, q Query, D netip.Addr, out int) int {
	best := 0
	for i := 1; i < len(set); i++ {
		order, _ := r.compare(set[i], set[best], q, D, out)
		if order > 0 || order == 0 && r.winsTie(set[i].Prefix, set[best].Prefix) {
			best = i
		}
	}
	return best
}

// winsTie says whether the newer of two wins a tie.
func (r *reference) winsTie(newer, older netip.Prefix) bool {
	switch {
	case r.is("newest wins"):
		return true
	case r.is("oldest wins"):
		return false
	case r.cfg.TieBreak == TieNewest:
		return true
	case r.cfg.TieBreak == TieLowest && r.is("lowest by prefix"):
		return newer.Masked().Addr().Less(older.Masked().Addr())
	case r.cfg.TieBreak == TieLowest && !r.is("lowest ignored"):
		return newer.Addr().Less(older.Addr())
	}
	return false
}

func (r *reference) translates(a netip.Addr) bool {
	return slices.ContainsFunc(r.cfg.SIIT, func(p netip.Prefix) bool { return p.Contains(a) })
}

// eligible: section 4, but for the skip-as-source flag.
func (r *reference) eligible(a Address, D netip.Addr, out int) bool {
	if a.Prefix.Addr().Is4() != D.Is4() {
		return false
	}
	if r.translates(D) && !r.translates(a.Prefix.Addr()) && !r.is("any for IPv4-converted") {
		return false
	}
	if a.Tentative && !a.Optimistic && !r.is("tentative is candidate") {
		return false
	}
	if a.Tentative && r.is("optimistic is tentative") {
		return false
	}
	if out == 0 || a.Interface == out {
		return true
	}
	if D.IsMulticast() {
		return r.is("multicast on any link")
	}
	if D.IsLinkLocalUnicast() {
		return r.is("link-local on any link")
	}
	return (r.cfg.AnyInterface || r.is("weak host always")) && !r.is("strong host always")
}

func (r *reference) explicit(all []Address, q Query, D netip.Addr, out int) refAnswer {
	source := q.Source.Unmap().WithZone("")
	zone, _ := strconv.Atoi(q.Source.Unmap().Zone())
	var found []Address
	for _, a := range all {
		if a.Prefix.Addr() != source || source.Is4() != D.Is4() {
			continue
		}
		if a.Tentative && !a.Optimistic && !r.is("explicit tentative taken") {
			continue
		}
		if a.SkipAsSource && r.is("explicit skipped refused") {
			continue
		}
		if source.IsLinkLocalUnicast() && !r.is("explicit link-local on any link") {
			if zone != 0 && a.Interface != zone || out != 0 && a.Interface != out {
				continue
			}
		}
		found = append(found, a)
	}
	if len(found) == 0 {
		return refAnswer{}
	}
	for _, a := range found {
		if a.Interface == out && !r.is("explicit takes the oldest") {
			return refAnswer{true, a, RuleExplicit, false}
		}
	}
	return refAnswer{true, found[0], RuleExplicit, false}
}

type refRule struct {
	name string
	rule Rule
	f    func() int
}

// compare: section 5, or what Config.IPv4 has in its place. Positive prefers SA.
func (r *reference) compare(SA, SB Address, q Query, D netip.Addr, out int) (int, Rule) {
	for _, rule := range r.rules(SA, SB, q, D, out) {
		if r.broken == "no rule "+rule.name {
			continue
		}
		if order := rule.f(); order != 0 {
			return order, rule.rule
		}
	}
	return 0, []Rule{RuleOldest, RuleNewest, RuleLowest}[r.cfg.TieBreak]
}

func (r *reference) rules(SA, SB Address, q Query, D netip.Addr, out int) []refRule {
	if D.Is4() && r.cfg.IPv4 != IPv4RFC6724 && !r.is("IPv4 by RFC 6724") {
		return r.rules4(SA, SB, q, D, out)
	}
	rules := []refRule{
		{"1", RuleSameAddress, func() int { return either(SA.Prefix.Addr() == D, SB.Prefix.Addr() == D) }},
		{"2", RuleScope, func() int { return r.byScope(r.scope(SA.Prefix.Addr()), r.scope(SB.Prefix.Addr()), r.scope(D)) }},
		{"3", RuleDeprecated, func() int { return either(!r.deprecated(SA), !r.deprecated(SB)) }},
		{"4", RuleHome, func() int { return r.byHome(SA, SB, q) }},
		{"5", RuleInterface, func() int { return either(SA.Interface == out, SB.Interface == out) }},
		{"5.5", RuleNextHop, func() int { return either(r.advertised(SA, q), r.advertised(SB, q)) }},
		{"6", RuleLabel, func() int {
			label := r.label(D, out)
			return either(r.label(SA.Prefix.Addr(), SA.Interface) == label, r.label(SB.Prefix.Addr(), SB.Interface) == label)
		}},
		{"7", RuleTemporary, func() int { return r.byTemporary(SA, SB, q) }},
		{"preferred", RulePreferred, func() int { return r.byPreferred(SA, SB) }},
		{"8", RulePrefix, func() int { return r.commonPrefixLen(SA.Prefix, D) - r.commonPrefixLen(SB.Prefix, D) }},
	}
	switch {
	case r.is("rule 8 before rule 7"):
		rules[7], rules[8], rules[9] = rules[9], rules[7], rules[8]
	case r.is("preferred after rule 8"):
		rules[8], rules[9] = rules[9], rules[8]
	case r.is("preferred before rule 7"):
		rules[7], rules[8] = rules[8], rules[7]
	}
	return rules
}

// rules4 is KB969029's order, or no order at all but for the outgoing interface.
func (r *reference) rules4(SA, SB Address, q Query, D netip.Addr, out int) []refRule {
	same := refRule{"1", RuleSameAddress, func() int { return either(SA.Prefix.Addr() == D, SB.Prefix.Addr() == D) }}
	outgoing := refRule{"5", RuleInterface, func() int {
		if r.is("first on any interface") && r.cfg.IPv4 == IPv4First {
			return 0
		}
		return either(SA.Interface == out, SB.Interface == out)
	}}
	switch {
	case r.cfg.IPv4 == IPv4OnLink:
		return []refRule{outgoing, {"holding", RuleNextHopPrefix, func() int { return r.holds(SA.Prefix, q, D) - r.holds(SB.Prefix, q, D) }}}
	case r.cfg.IPv4 == IPv4First && r.is("first is by rule 1"):
		return []refRule{same, outgoing}
	case r.cfg.IPv4 == IPv4First:
		return []refRule{outgoing}
	}
	nextHop := refRule{"next hop", RuleNextHopPrefix, func() int {
		via := q.NextHop.Unmap()
		if !via.Is4() || r.is("next hop ignored") {
			return 0
		}
		a, b := r.matchingBits(SA.Prefix, via), r.matchingBits(SB.Prefix, via)
		if r.is("next hop match capped by destination") {
			a, b = min(a, r.matchingBits(SA.Prefix, D)), min(b, r.matchingBits(SB.Prefix, D))
		}
		return a - b
	}}
	match := refRule{"8", RulePrefix, func() int { return r.matchingBits(SA.Prefix, D) - r.matchingBits(SB.Prefix, D) }}
	if r.is("next hop before interface") {
		return []refRule{same, nextHop, outgoing, match}
	}
	return []refRule{same, outgoing, nextHop, match}
}

// matchingBits counts beyond S's own prefix.
func (r *reference) matchingBits(S netip.Prefix, D netip.Addr) int {
	if r.is("next hop capped") {
		return r.commonPrefixLen(S, D)
	}
	return r.commonPrefixLen(netip.PrefixFrom(S.Addr(), S.Addr().BitLen()), D)
}

func (r *reference) byPreferred(SA, SB Address) int {
	if !r.cfg.HonorPreferred && !r.is("preferred always") || r.is("preferred ignored") {
		return 0
	}
	return either(SA.Preferred, SB.Preferred)
}

// holds is 0 if S does not hold the next hop, else one more than S's length.
func (r *reference) holds(S netip.Prefix, q Query, D netip.Addr) int {
	via := q.NextHop.Unmap()
	if !via.Is4() || r.is("on link by destination") {
		via = D
	}
	switch {
	case !S.Masked().Contains(via):
		return 0
	case r.is("any prefix that holds"):
		return 1
	}
	return 1 + S.Bits()
}

func either(a, b bool) int {
	switch {
	case a && !b:
		return 1
	case b && !a:
		return -1
	}
	return 0
}

var (
	linkLocal6  = netip.MustParsePrefix("fe80::/10")
	siteLocal   = netip.MustParsePrefix("fec0::/10")
	uniqueLocal = netip.MustParsePrefix("fc00::/7")
	linkLocal4  = netip.MustParsePrefix("169.254.0.0/16")
	loopback4   = netip.MustParsePrefix("127.0.0.0/8")
	embedded4   = []netip.Prefix{netip.MustParsePrefix("::/96"), netip.MustParsePrefix("64:ff9b::/96")}
)

func (r *reference) scope(a netip.Addr) int {
	if !a.Is4() && a.IsMulticast() {
		return int(a.As16()[1] % 16)
	}
	switch {
	case linkLocal6.Contains(a) || a == netip.IPv6Loopback() || linkLocal4.Contains(a) || loopback4.Contains(a):
		return 2
	case siteLocal.Contains(a) && !r.is("no site-local"), uniqueLocal.Contains(a) && r.is("unique local is site-local"):
		return 5
	}
	return 14
}

func (r *reference) byScope(SA, SB, D int) int {
	if r.is("rule 2 always smaller") {
		return SB - SA
	}
	order := 0
	if SA < SB {
		order = 1
		if SA < D {
			order = -1
		}
	} else if SB < SA {
		order = -1
		if SB < D {
			order = 1
		}
	}
	if r.is("rule 2 reversed") {
		return -order
	}
	return order
}

func (r *reference) deprecated(a Address) bool {
	if a.Prefix.Addr().Is4() && !r.is("IPv4 deprecated counts") {
		return false
	}
	for _, embedded := range embedded4 {
		if embedded.Contains(a.Prefix.Addr()) && !r.is("converted deprecated counts") {
			return false
		}
	}
	return a.Deprecated || a.Optimistic && !r.is("optimistic is preferred") || a.SkipAsSource && r.is("skip is deprecated")
}

func (r *reference) byHome(SA, SB Address, q Query) int {
	rank := func(a Address) int {
		switch {
		case a.HomeAddress && a.CareOf && !r.is("no home rank"):
			return 2
		case a.HomeAddress:
			return 1
		}
		return 0
	}
	if q.Prefer&PreferCareOf != 0 && !r.is("care-of ignored") {
		SA, SB = SB, SA
	}
	return rank(SA) - rank(SB)
}

func (r *reference) advertised(a Address, q Query) bool {
	for _, router := range a.Routers {
		if router.WithZone("") == q.NextHop.Unmap().WithZone("") {
			return true
		}
		if r.is("5.5 first router only") {
			break
		}
	}
	return false
}

func (r *reference) rows() []PolicyEntry {
	if r.table == nil {
		r.table = r.cfg.Policy.Rows()
	}
	return r.table
}

// label looks through all rows for the longest prefix, then for an interface's own.
func (r *reference) label(a netip.Addr, iface int) int {
	best, bestLen, own := -1, -1, false
	if r.is("no-match label is 0") {
		best = 0
	}
	for _, row := range r.rows() {
		if row.Interface != 0 && row.Interface != iface && !r.is("label without interface") {
			continue
		}
		if !row.Prefix.Contains(netip.AddrFrom16(a.As16())) {
			continue
		}
		if row.Prefix.Bits() > bestLen || row.Prefix.Bits() == bestLen && row.Interface != 0 && !own {
			best, bestLen, own = int(row.Label), row.Prefix.Bits(), row.Interface != 0
		}
	}
	return best
}

func (r *reference) byTemporary(SA, SB Address, q Query) int {
	public := r.cfg.PreferPublic && !r.is("rule 7 config ignored")
	if q.Prefer&PreferTemporary != 0 {
		public = false
	}
	if q.Prefer&PreferPublic != 0 && !r.is("public ignored") {
		public = true
	}
	if public {
		SA, SB = SB, SA
	}
	return either(SA.Temporary, SB.Temporary)
}

// commonPrefixLen counts bit by bit.
func (r *reference) commonPrefixLen(S netip.Prefix, D netip.Addr) int {
	limit := S.Bits()
	if r.is("rule 8 uncapped") {
		limit = D.BitLen()
	}
	if r.is("rule 8 capped at 64") {
		limit = min(limit, 64)
	}
	s, d := S.Addr().AsSlice(), D.AsSlice()
	n := 0
	for n < limit && s[n/8]>>(7-n%8)&1 == d[n/8]>>(7-n%8)&1 {
		n++
	}
	return n
}
