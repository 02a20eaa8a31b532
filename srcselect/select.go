package srcselect

import (
	"cmp"
	"net/netip"
)

// A Result is a chosen source address.
type Result struct {
	// Address is the chosen one. Its Routers belong to the Selector: they must not
	// be changed.
	Address Address

	// Rule is what decided between Address and the runner-up, the candidate that
	// would be chosen if Address were not there. As the rules apply in order, it is
	// also the last rule that put a competitor out: RuleOnly if there was none,
	// RuleOldest, RuleNewest or RuleLowest, by Config.TieBreak, if no rule decided,
	// RuleExplicit if the query named the source.
	Rule Rule

	// Tied says that no rule decided between Address and the runner-up, only
	// Config.TieBreak.
	Tied bool
}

// Select returns the source address for q.
//
// The error is a *NoSourceError, which is ErrNoSource, when no address may serve or
// when q.Source is not assigned; it is ErrInvalid when q makes no sense: no
// destination, the unspecified one, one in another zone than q.Interface, a negative
// interface, contradictory preferences.
func (s *Selector) Select(q Query) (Result, error) {
	snap := s.load()
	var D destination
	if err := D.resolve(snap.cfg, &q); err != nil {
		return Result{}, err
	}
	c := snap.choose(&q, &D)
	if c.source == nil {
		return Result{}, snap.noSource(&q, &D)
	}
	return Result{Address: c.source.address, Rule: c.rule, Tied: c.rule.tie()}, nil
}

// A choice is a source, nil for none, its key where the rules made the choice, and
// what decided.
type choice struct {
	source *record
	key    uint32
	rule   Rule
}

// choose finds the source for D. Where only the last resort helps, D admits skipped
// addresses afterwards.
func (snap *snapshot) choose(q *Query, D *destination) choice {
	if q.Source.IsValid() {
		if source := explicitSource(q); source.IsValid() {
			r, _ := snap.explicit(source, zoneIndex(q.Source), D)
			return choice{source: r, rule: RuleExplicit}
		}
	}
	c := snap.rules(D)
	if c.source == nil && snap.cfg.LastResort {
		D.mask &^= flagSkip
		c = snap.rules(D)
	}
	return c
}

// rules returns the candidate with the highest key, by the tie-break the first of
// those.
func (snap *snapshot) rules(D *destination) choice {
	if snap.index.count > 0 {
		return snap.index.choose(D)
	}
	return scan(D, snap.list)
}

// scan looks at every address: the way to choose among few. list is in order of age.
func scan(D *destination, list []record) choice {
	at, best, runnerUp := -1, uint32(0), uint32(0)
	for i := range list {
		S := &list[i]
		if !D.admits(&S.class) {
			continue
		}
		switch key := D.key(&S.candidate, &S.address); {
		case key > best:
			at, best, runnerUp = i, key, best
		case key == best:
			runnerUp = key
			if D.tieBreak != TieOldest && D.tieBreak.before(S, &list[at]) {
				at = i
			}
		case key > runnerUp:
			runnerUp = key
		}
	}
	switch {
	case at < 0:
		return choice{}
	case runnerUp == 0:
		return choice{&list[at], best, RuleOnly}
	}
	return choice{&list[at], best, D.decider(best, runnerUp)}
}

// explicit returns the record of the address that the caller named, and if there is
// none nil and what keeps the one that comes nearest from being it (NotExcluded: it
// is not assigned at all).
//
// RFC 6724 section 4 has an application's choice checked against the candidate set.
// Here assignment is enough: which of the host's addresses may leave by which
// interface is for the caller to know, as with a route's preferred source. But a
// link-local address means nothing on another link (RFC 4007 section 5).
func (snap *snapshot) explicit(source netip.Addr, zone int32, D *destination) (*record, Exclusion) {
	if source.Is4() != (D.flags&flagIPv4 != 0) {
		return nil, ExcludedOtherFamily
	}
	local := source.IsLinkLocalUnicast()
	if !local {
		zone = 0
	}
	e := explicitSearch{addr: word128(source), local: local, zone: zone, D: D}
	if snap.index.count > 0 {
		e.visitIndex(&snap.index)
	}
	for i := range snap.list {
		e.visit(&snap.list[i])
	}
	if e.found != nil {
		e.why = NotExcluded
	}
	return e.found, e.why
}

// An explicitSearch looks for the address that a query names.
type explicitSearch struct {
	addr  uint128
	local bool
	zone  int32 // that a link-local address names
	D     *destination

	found *record // on the outgoing interface, else the oldest
	why   Exclusion
}

// visitIndex looks on the outgoing interface or the link that is named first: one
// link-local address may be on every interface there is.
func (e *explicitSearch) visitIndex(ix *index) {
	same := ix.exact.find(byAddress, e.addr)
	if link := cmp.Or(e.D.iface, e.zone); link != 0 {
		e.visitAll(same.find(byInterface, interfaceKey(link)))
	}
	if e.found == nil {
		e.visitAll(same)
	}
}

func (e *explicitSearch) visitAll(t entry) {
	if t.node == nil {
		if t.best != nil {
			e.visit(t.best)
		}
		return
	}
	for _, below := range t.node.entries {
		e.visitAll(below)
	}
}

func (e *explicitSearch) visit(r *record) {
	switch {
	case r.addr != e.addr:
	case r.flags&flagTentative != 0:
		e.why = max(e.why, ExcludedTentative)
	case e.local && (e.zone != 0 && r.iface != e.zone || e.D.iface != 0 && r.iface != e.D.iface):
		e.why = max(e.why, ExcludedOtherLink)
	case e.found == nil || r.iface == e.D.iface || e.found.iface != e.D.iface && r.age < e.found.age:
		e.found = r
	}
}
