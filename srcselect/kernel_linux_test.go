package srcselect_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/hextet/hextet/srcselect"
)

// How many random kernels are asked, and how many questions each. The seeds are
// 0, 1, 2 and so on.
const (
	kernelHosts     = 160
	kernelQuestions = 60
)

// The kernel, asked by connecting UDP sockets, chooses as the Linux profile does: in
// all cases but those that the mask names beforehand, by looking at the addresses and
// the question only. And it disagrees with each of the mistakes below, so that the
// test has the power to find them.
func TestLinuxKernelAgrees(t *testing.T) {
	h := newKernelHost(t)
	var counts srcselect.RuleCounts
	masked := make([]int, len(kernelMask))
	found := make([]int, len(kernelMistakes))
	for seed := range uint64(kernelHosts) {
		h.configure(seed)
		s := h.selector(kernelMistake{})
		var mistaken []*srcselect.Selector
		for _, m := range kernelMistakes {
			mistaken = append(mistaken, h.selector(m))
		}
		for range kernelQuestions {
			c := h.draw()
			e := s.Explain(c.query)
			if i := slices.IndexFunc(kernelMask, func(m kernelException) bool { return m.masks(&e) }); i >= 0 {
				masked[i]++
				continue
			}
			kernel := h.ask(c)
			if ours := sourceOf(s, c); ours != kernel {
				t.Fatalf("seed %d, bound %v, temporary preferred %v, labels %v:\nthe kernel chooses %v\n%v",
					seed, c.bound, h.temporaryPreferred, h.labels, kernel, e)
			}
			counts.Count(e.Rule)
			for i, m := range mistaken {
				if sourceOf(m, c) != kernel {
					found[i]++
				}
			}
		}
	}
	checkKernelCases(t, counts, masked, found)
}

// sourceOf returns the source that s chooses, the zero Addr for none.
func sourceOf(s *srcselect.Selector, c kernelCase) netip.Addr {
	r, err := s.Select(c.query)
	if err != nil {
		return netip.Addr{}
	}
	return r.Address.Prefix.Addr()
}

// checkKernelCases checks that the cases were many, of every kind, and seldom masked.
func checkKernelCases(t *testing.T, counts srcselect.RuleCounts, masked, found []int) {
	const all = kernelHosts * kernelQuestions
	out := 0
	for i, n := range masked {
		t.Logf("%5d cases masked: %s", n, kernelMask[i].name)
		if out += n; n == 0 {
			t.Errorf("no case was masked for %q: it may go", kernelMask[i].name)
		}
	}
	t.Logf("seeds 0 to %d: %d cases, %d masked, all others agree; decided by\n%v", kernelHosts-1, all, out, counts)
	if all-out < 5000 || 10*out > all {
		t.Errorf("%d of %d cases masked: want a tenth at most, and 5,000 cases", out, all)
	}
	for _, r := range []srcselect.Rule{
		srcselect.RuleNone, srcselect.RuleOnly, srcselect.RuleSameAddress, srcselect.RuleScope, srcselect.RuleDeprecated, srcselect.RuleInterface,
		srcselect.RuleNextHopPrefix, srcselect.RuleLabel, srcselect.RuleTemporary, srcselect.RulePrefix, srcselect.RuleNewest,
	} {
		if counts[r] < 10 {
			t.Errorf("%v decided %d cases: the test says little about it", r, counts[r])
		}
	}
	for i, n := range found {
		if n == 0 {
			t.Errorf("the kernel never contradicts the mistake %q", kernelMistakes[i].name)
		}
	}
}

// A kernelException is something that the kernel does and the Linux profile can't.
type kernelException struct {
	name  string
	masks func(e *srcselect.Explanation) bool
}

// The mask: where the kernel has a reason of its own to prefer another address than
// the one chosen. Other things that only the kernel does are not among the cases: routes
// with a source of their own (the caller's Query.Source), use_tempaddr that differs
// between interfaces, use_oif_addrs_only, use_optimistic, VRFs; nor home addresses,
// which only kernels with CONFIG_IPV6_MIP6 know.
var kernelMask = []kernelException{
	// Before rule 8 the kernel prefers an ORCHID (2001:10::/28) for a destination that
	// is one, and other addresses for others. Rule 6 says the same, unless rows of
	// labels get in its way.
	{"an ORCHID against others in rule 8", func(e *srcselect.Explanation) bool {
		isOrchid := orchids.Contains(e.Query.Destination)
		return chosenAgainst(e, srcselect.RulePrefix, func(a srcselect.Address) bool { return orchids.Contains(a.Prefix.Addr()) != isOrchid })
	}},
	// RFC 6724 section 3.3 counts IPv4-converted addresses as preferred always, the
	// kernel only those of ::/96.
	{"a deprecated IPv4-converted address chosen", func(e *srcselect.Explanation) bool {
		c := e.Candidates[0]
		return c.Chosen && ipv4Converted.Contains(c.Address.Prefix.Addr()) && (c.Address.Deprecated || c.Address.Optimistic)
	}},
	// The kernel's last rule, before its list decides, is against optimistic
	// addresses.
	{"an optimistic address tied with others", func(e *srcselect.Explanation) bool {
		return chosenAgainst(e, srcselect.RuleNewest, func(a srcselect.Address) bool { return a.Optimistic })
	}},
	// Then the kernel takes the first address of its first other device, whatever the
	// destination.
	{"no IPv4 address on the outgoing interface", func(e *srcselect.Explanation) bool {
		return e.Query.Destination.Is4() && !slices.ContainsFunc(e.Candidates, func(c srcselect.Candidate) bool {
			return c.Address.Prefix.Addr().Is4() && c.Address.Interface == e.Query.Interface
		})
	}},
	// For a router in several prefixes the kernel takes the first, for a destination
	// the longest one, for itself as destination its own.
	{"IPv4 prefixes inside each other", func(e *srcselect.Explanation) bool {
		via := e.Query.NextHop
		if !via.IsValid() {
			via = e.Query.Destination
		}
		lengths := make(map[int]bool)
		for _, c := range e.Candidates {
			if c.Address.Interface == e.Query.Interface && c.Address.Prefix.Masked().Contains(via) && via.Is4() {
				lengths[c.Address.Prefix.Bits()] = true
			}
		}
		return len(lengths) > 1
	}},
}

var (
	orchids       = netip.MustParsePrefix("2001:10::/28")
	ipv4Converted = netip.MustParsePrefix("64:ff9b::/96")
)

// chosenAgainst says whether the chosen address is worse in some respect than one that
// only rules from rule on put out.
func chosenAgainst(e *srcselect.Explanation, rule srcselect.Rule, worse func(srcselect.Address) bool) bool {
	return e.Err == nil && worse(e.Candidates[0].Address) && slices.ContainsFunc(e.Candidates, func(c srcselect.Candidate) bool {
		return !c.Chosen && c.Excluded == srcselect.NotExcluded && c.Rule >= rule && !worse(c.Address)
	})
}

// A kernelMistake is a way to get the kernel wrong.
type kernelMistake struct {
	name      string
	configure func(*srcselect.Config)
	change    func(*srcselect.Address)
}

var kernelMistakes = []kernelMistake{
	{name: "ties go to the oldest", configure: func(cfg *srcselect.Config) { cfg.TieBreak = srcselect.TieOldest }},
	{name: "ties go to the lowest", configure: func(cfg *srcselect.Config) { cfg.TieBreak = srcselect.TieLowest }},
	{name: "strong host", configure: func(cfg *srcselect.Config) { cfg.AnyInterface = false }},
	{name: "rule 7 the other way round", configure: func(cfg *srcselect.Config) { cfg.PreferPublic = !cfg.PreferPublic }},
	{name: "RFC 6724's labels", configure: func(cfg *srcselect.Config) { cfg.Policy = srcselect.DefaultPolicy() }},
	{name: "no labels", configure: func(cfg *srcselect.Config) { cfg.Policy, _ = srcselect.NewPolicy(nil) }},
	{name: "labels of any interface", configure: func(cfg *srcselect.Config) { cfg.Policy = ofAnyInterface(cfg.Policy) }},
	{name: "IPv4 by RFC 6724", configure: func(cfg *srcselect.Config) { cfg.IPv4 = srcselect.IPv4RFC6724 }},
	{name: "IPv4 as Windows", configure: func(cfg *srcselect.Config) { cfg.IPv4 = srcselect.IPv4NextHop }},
	{name: "IPv4 without regard to the next hop", configure: func(cfg *srcselect.Config) { cfg.IPv4 = srcselect.IPv4First }},
	{name: "rule 8 not capped", change: func(a *srcselect.Address) { a.Prefix = capAt(a.Prefix, 128) }},
	{name: "rule 8 capped at 64", change: func(a *srcselect.Address) { a.Prefix = capAt(a.Prefix, min(64, a.Prefix.Bits())) }},
	{name: "no rule 3", change: func(a *srcselect.Address) {
		a.Deprecated, a.Optimistic, a.Tentative = false, false, a.Tentative && !a.Optimistic
	}},
	{name: "optimistic is preferred", change: func(a *srcselect.Address) { a.Optimistic, a.Tentative = false, a.Tentative && !a.Optimistic }},
	{name: "optimistic is tentative", change: func(a *srcselect.Address) { a.Optimistic = false }},
	{name: "tentative is assigned", change: func(a *srcselect.Address) { a.Tentative = false }},
	{name: "no rule 7", change: func(a *srcselect.Address) { a.Temporary = false }},
}

// capAt returns an IPv6 prefix with another length.
func capAt(p netip.Prefix, bits int) netip.Prefix {
	if p.Addr().Is4() {
		return p
	}
	return netip.PrefixFrom(p.Addr(), bits)
}

// ofAnyInterface returns a table in which rows of one interface are for all of them,
// or gone where there is such a row.
func ofAnyInterface(p srcselect.Policy) srcselect.Policy {
	var rows []srcselect.PolicyEntry
	for _, e := range slices.Backward(p.Rows()) {
		e.Interface = 0
		if !slices.ContainsFunc(rows, func(b srcselect.PolicyEntry) bool { return b.Prefix == e.Prefix }) {
			rows = append(rows, e)
		}
	}
	policy, err := srcselect.NewPolicy(rows)
	if err != nil {
		panic(err)
	}
	return policy
}
