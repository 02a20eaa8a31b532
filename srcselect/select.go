package srcselect

import "net/netip"

// A Result is a chosen source address.
type Result struct {
	// Address is the chosen one. Its Routers belong to the Selector: they must not
	// be changed.
	Address Address

	// Rule is what decided between Address and the runner-up, the candidate that
	// would be chosen if Address were not there. As the rules apply in order, it is
	// also the last rule that put a competitor out: RuleOnly if there was none,
	// RuleOldest if no rule decided, RuleExplicit if the query named the source.
	Rule Rule

	// Tied says that no rule decided between Address and the runner-up: Address is
	// the older one.
	Tied bool
}

// Select returns the source address for q.
//
// The error is a *NoSourceError, which is ErrNoSource, when no address may serve or
// when q.Source is not assigned; it is ErrInvalid when q makes no sense: no
// destination, the unspecified one, one in another zone than q.Interface, a negative
// interface, contradictory preferences.
func (s *Selector) Select(q Query) (Result, error) {
	D, err := s.cfg.resolve(&q)
	if err != nil {
		return Result{}, err
	}
	snap := s.load()
	c := s.choose(snap, &q, &D)
	if c.at < 0 {
		return Result{}, snap.noSource(&q, &D)
	}
	return Result{Address: snap.addresses[c.at], Rule: c.rule, Tied: c.rule == RuleOldest}, nil
}

// A choice is an index into a snapshot, -1 for none, and what decided.
type choice struct {
	at   int
	key  uint32
	rule Rule
}

// choose finds the source for D. Where only the last resort helps, D admits skipped
// addresses afterwards.
func (s *Selector) choose(snap *snapshot, q *Query, D *destination) choice {
	if q.Source.IsValid() {
		if source := explicitSource(q); source.IsValid() {
			at, _ := snap.explicit(source, zoneIndex(q.Source), D)
			return choice{at: at, rule: RuleExplicit}
		}
	}
	c := snap.scan(D)
	if c.at < 0 && s.cfg.LastResort {
		D.mask &^= flagSkip
		c = snap.scan(D)
	}
	return c
}

// scan returns the candidate with the highest key, the oldest of those.
func (snap *snapshot) scan(D *destination) choice {
	at, best, runnerUp := -1, uint32(0), uint32(0)
	for i := range snap.candidates {
		S := &snap.candidates[i]
		if !D.admits(S) {
			continue
		}
		switch key := D.key(S, &snap.addresses[i]); {
		case key > best:
			at, best, runnerUp = i, key, best
		case key > runnerUp:
			runnerUp = key
		}
	}
	rule := RuleOnly
	if runnerUp != 0 {
		rule = decider(best, runnerUp)
	}
	return choice{at: at, key: best, rule: rule}
}

// explicit returns the index of the address that the caller named, and if there is
// none -1 and what keeps the one that comes nearest from being it (NotExcluded: it
// is not assigned at all).
//
// RFC 6724 section 4 has an application's choice checked against the candidate set.
// Here assignment is enough: which of the host's addresses may leave by which
// interface is for the caller to know, as with a route's preferred source. But a
// link-local address means nothing on another link (RFC 4007 section 5).
func (snap *snapshot) explicit(source netip.Addr, zone int32, D *destination) (int, Exclusion) {
	at, why := -1, NotExcluded
	if source.Is4() != (D.flags&flagIPv4 != 0) {
		return at, ExcludedOtherFamily
	}
	local := source.IsLinkLocalUnicast()
	if !local {
		zone = 0
	}
	addr := word128(source)
	for i := range snap.candidates {
		S := &snap.candidates[i]
		switch {
		case S.addr != addr:
		case S.flags&flagTentative != 0:
			why = max(why, ExcludedTentative)
		case local && (zone != 0 && S.iface != zone || D.iface != 0 && S.iface != D.iface):
			why = max(why, ExcludedOtherLink)
		case S.iface == D.iface:
			return i, NotExcluded
		case at < 0:
			at = i
		}
	}
	return at, why
}

// noSource collects why there is no source for q.
func (snap *snapshot) noSource(q *Query, D *destination) error {
	e := &NoSourceError{Query: *q}
	if source := explicitSource(q); source.IsValid() {
		_, e.source = snap.explicit(source, zoneIndex(q.Source), D)
		return e
	}
	for i := range snap.candidates {
		why := D.exclusion(&snap.candidates[i])
		e.counts[why]++
		if len(e.named[why]) < namedPerReason {
			e.named[why] = append(e.named[why], snap.addresses[i].Prefix.Addr())
		}
	}
	return e
}
