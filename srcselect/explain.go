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
	Address Address `json:"address,omitzero"`

	// Chosen marks the source.
	Chosen bool `json:"chosen,omitzero"`

	// Rule is what decided for the chosen one, and what put the others out:
	// RuleExplicit if the query named another source, RuleNone if Excluded says
	// more.
	Rule Rule `json:"rule,omitzero"`

	// Against is the address that beat this one by Rule. Zero if none did.
	Against netip.Addr `json:"against,omitzero"`

	// Excluded is why the address was no candidate at all. The chosen one never
	// has it, even if it is skip-as-source and chosen all the same.
	Excluded Exclusion `json:"excluded,omitzero"`
}

// Explain makes the choice of Select and returns the account of it. It takes
// memory and time in proportion to the number of addresses, and the time of a sort.
func (s *Selector) Explain(q Query) Explanation {
	e := Explanation{Query: q}
	snap := s.load()
	var D destination
	if err := D.resolve(snap.cfg, &q); err != nil {
		e.Err = err
		return e
	}
	c := snap.choose(&q, &D)
	if c.source == nil {
		e.Err = snap.noSource(&q, &D)
	} else {
		e.Rule, e.Tied = c.rule, c.rule.tie()
	}
	e.Candidates = snap.account(&D, c)
	return e
}

// account lists all addresses of snap in the order of Explanation.Candidates.
func (snap *snapshot) account(D *destination, c choice) []Candidate {
	type ranked struct {
		Candidate
		record *record
		key    uint32 // for an excluded one its Exclusion, which is below every key
	}
	var list []ranked
	for _, S := range snap.byAge() {
		r := ranked{Candidate: Candidate{Address: S.address, Excluded: D.exclusion(&S.class)}, record: S}
		r.key = uint32(r.Excluded)
		switch {
		case S == c.source:
			r.Chosen, r.Rule, r.Excluded, r.key = true, c.rule, NotExcluded, ^uint32(0)
		case r.Excluded == NotExcluded:
			r.key = D.key(&S.candidate, &S.address)
			r.Rule = c.rule
			if c.rule != RuleExplicit {
				r.Rule = D.decider(c.key, r.key)
			}
			if c.source != nil {
				r.Against = c.source.address.Prefix.Addr()
			}
		}
		list = append(list, r)
	}
	slices.SortStableFunc(list, func(a, b ranked) int {
		switch {
		case a.key != b.key:
			return cmp.Compare(b.key, a.key)
		case a.Excluded == NotExcluded && D.tieBreak.before(a.record, b.record):
			return -1
		case a.Excluded == NotExcluded && D.tieBreak.before(b.record, a.record):
			return 1
		}
		return 0
	})
	var candidates []Candidate
	for i := range list {
		candidates = append(candidates, list[i].Candidate)
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
	for _, name := range q.Prefer.names() {
		b.WriteString(", prefer " + name)
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
		{a.Preferred, "preferred"},
	} {
		if f.on {
			words = append(words, f.word)
		}
	}
	return strings.Join(words, ",")
}
