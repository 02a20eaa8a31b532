package srcselect

// noSource collects why there is no source for q.
func (snap *snapshot) noSource(q *Query, D *destination) error {
	e := &NoSourceError{Query: *q}
	if source := explicitSource(q); source.IsValid() {
		_, e.source = snap.explicit(source, zoneIndex(q.Source), D)
		return e
	}
	var excluded [exclusions]shortlist
	for i := range snap.list {
		r := &snap.list[i]
		why := D.exclusion(&r.class)
		e.counts[why]++
		excluded[why].add(entry{best: r}, D.tieBreak)
	}
	for _, g := range snap.index.interfaces.appendTo(nil) {
		for i := range g.partitions {
			p := &g.partitions[i]
			why := D.exclusion(&p.class)
			e.counts[why] += p.count
			excluded[why].add(p.root, D.tieBreak)
		}
	}
	for why := range excluded {
		for _, r := range excluded[why].records(D.tieBreak) {
			e.named[why] = append(e.named[why], r.address.Prefix.Addr())
		}
	}
	return e
}

// A shortlist is the first entries by the tie-break, as many as an error names.
type shortlist struct {
	entries [namedPerReason]entry
	n       int
}

// add lets e take part.
func (s *shortlist) add(e entry, tb TieBreak) {
	at := s.n
	for at > 0 && tb.before(e.best, s.entries[at-1].best) {
		at--
	}
	if at == len(s.entries) {
		return
	}
	s.n = min(s.n+1, len(s.entries))
	copy(s.entries[at+1:s.n], s.entries[at:])
	s.entries[at] = e
}

// records returns the first records of all that is below the entries. An entry that
// does not make the list has nothing below it that would.
func (s *shortlist) records(tb TieBreak) []*record {
	for i := 0; i < s.n; {
		n := s.entries[i].node
		if n == nil {
			i++
			continue
		}
		copy(s.entries[i:], s.entries[i+1:s.n])
		s.n--
		for _, e := range n.entries {
			s.add(e, tb)
		}
	}
	records := make([]*record, s.n)
	for i := range records {
		records[i] = s.entries[i].best
	}
	return records
}
