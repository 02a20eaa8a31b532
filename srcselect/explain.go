package srcselect

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// An Explanation is the whole account of a selection. It agrees with what Select
// returns for the same addresses.
type Explanation struct {
	// Query is what was asked.
	Query Query

	// Candidates holds every address of the Selector: the chosen one, then the
	// other candidates in the order in which they would be chosen, then the
	// addresses that were no candidates, those first that came nearest to being one
	// (the last Exclusion first), the oldest first. It is nil if the query is
	// invalid.
	Candidates []Candidate

	// Rule and Tied are what decided, as in Result. RuleNone: nothing was chosen.
	Rule Rule
	Tied bool

	// Err is what Select returns.
	Err error
}

// A Candidate is an address in an Explanation.
type Candidate struct {
	// Address is the address as Addresses returns it, Routers shared with the
	// Selector: they must not be changed.
	Address Address

	// Chosen marks the source.
	Chosen bool

	// Rule is what decided for the chosen one, and what put the others out:
	// RuleExplicit if the query named another source, RuleNone if Excluded says
	// more.
	Rule Rule

	// Against is the address that beat this one by Rule. Zero if none did.
	Against netip.Addr

	// Excluded is why the address was no candidate at all. The chosen one never
	// has it, even if it is skip-as-source and chosen all the same.
	Excluded Exclusion
}

// Explain makes the choice of Select and returns the account of it. It takes
// memory and time in proportion to the number of addresses, and the time of a sort.
func (s *Selector) Explain(q Query) Explanation {
	e := Explanation{Query: q}
	D, err := s.cfg.resolve(&q)
	if err != nil {
		e.Err = err
		return e
	}
	snap := s.load()
	c := s.choose(snap, &q, &D)
	if c.at < 0 {
		e.Err = snap.noSource(&q, &D)
	} else {
		e.Rule, e.Tied = c.rule, c.rule == RuleOldest
	}
	e.Candidates = snap.account(&D, c)
	return e
}

// account lists all addresses of snap in the order of Explanation.Candidates.
func (snap *snapshot) account(D *destination, c choice) []Candidate {
	type ranked struct {
		Candidate
		key uint32 // for an excluded one its Exclusion, which is below every key
	}
	list := make([]ranked, 0, len(snap.candidates))
	for i := range snap.candidates {
		r := ranked{Candidate: Candidate{Address: snap.addresses[i], Excluded: D.exclusion(&snap.candidates[i])}}
		r.key = uint32(r.Excluded)
		switch {
		case i == c.at:
			r.Chosen, r.Rule, r.Excluded, r.key = true, c.rule, NotExcluded, ^uint32(0)
		case r.Excluded == NotExcluded:
			r.key = D.key(&snap.candidates[i], &snap.addresses[i])
			r.Rule = c.rule
			if c.rule != RuleExplicit {
				r.Rule = decider(c.key, r.key)
			}
			if c.at >= 0 {
				r.Against = snap.addresses[c.at].Prefix.Addr()
			}
		}
		list = append(list, r)
	}
	slices.SortStableFunc(list, func(a, b ranked) int { return cmp.Compare(b.key, a.key) })
	candidates := make([]Candidate, len(list))
	for i := range list {
		candidates[i] = list[i].Candidate
	}
	return candidates
}

// String returns the explanation as a table of plain text, one address a line.
func (e Explanation) String() string {
	var b strings.Builder
	b.WriteString(e.Query.String())
	b.WriteByte('\n')
	rows := make([][4]string, len(e.Candidates))
	var width [3]int
	for i, c := range e.Candidates {
		rows[i] = [4]string{
			c.Address.Prefix.String(),
			fmt.Sprintf("if%d", c.Address.Interface),
			c.Address.flagWords(),
			c.verdict(),
		}
		for col := range width {
			width[col] = max(width[col], len(rows[i][col]))
		}
	}
	for _, r := range rows {
		for col, w := range width {
			if w > 0 {
				fmt.Fprintf(&b, "  %-*s", w, r[col])
			}
		}
		fmt.Fprintf(&b, "  %s\n", r[3])
	}
	if e.Err != nil {
		fmt.Fprintf(&b, "  %v\n", e.Err)
	}
	return b.String()
}

// verdict says in words what became of c.
func (c *Candidate) verdict() string {
	switch {
	case c.Chosen:
		return "chosen: " + c.Rule.String()
	case c.Excluded != NotExcluded:
		return "no candidate: " + c.Excluded.String()
	case c.Against.IsValid():
		return fmt.Sprintf("out by %v against %v", c.Rule, c.Against)
	}
	return "out by " + c.Rule.String()
}

// String returns the question in words, as in "to 2001:db8::9 on interface 1".
func (q Query) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "to %v", q.Destination)
	if q.Interface != 0 {
		fmt.Fprintf(&b, " on interface %d", q.Interface)
	}
	if q.NextHop.IsValid() {
		fmt.Fprintf(&b, " by next hop %v", q.NextHop)
	}
	if q.Source.IsValid() {
		fmt.Fprintf(&b, " from %v", q.Source)
	}
	for i, name := range []string{"temporary", "public", "home", "care-of"} {
		if q.Prefer&(1<<i) != 0 {
			b.WriteString(", prefer " + name)
		}
	}
	return b.String()
}

// flagWords returns the flags that are set, in words.
func (a *Address) flagWords() string {
	var words []string
	for _, f := range []struct {
		on   bool
		word string
	}{
		{a.SkipAsSource, "skip-as-source"},
		{a.Tentative, "tentative"},
		{a.Optimistic, "optimistic"},
		{a.Deprecated, "deprecated"},
		{a.Temporary, "temporary"},
		{a.HomeAddress, "home"},
		{a.CareOf, "care-of"},
	} {
		if f.on {
			words = append(words, f.word)
		}
	}
	return strings.Join(words, ",")
}
