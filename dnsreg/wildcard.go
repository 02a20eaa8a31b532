package dnsreg

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/miekg/dns"
)

// A wildcard answers for names that do not exist (RFC 4592), and some servers make answers up. A read can't tell:
// the owner of the records is the name. Prerequisites can: they see what a name owns (RFC 2136 section 3.2), so that
// those on an answer that was made up never hold, and "Name Is Not In Use" does. The server's word on that is what
// counts here; what is foreign stays, since the name owns none of it.

// suspect keeps the edits of a message that was refused because of RRsets that it required by value, until they have
// been read again. Those for which the serial stood had no share in it.
func (s *settlement) suspect(m *parcel, p *pin) {
	required := make(map[string]bool)
	for _, e := range m.edits {
		required[e.key.name] = required[e.key.name] || !m.tied || !p.covers(e)
	}
	for _, e := range m.edits {
		if required[e.key.name] && len(e.before) > 0 {
			s.suspects = append(s.suspects, e)
		}
	}
}

// unmask asks about the names that are suspected, unless one of their RRsets has turned out to be another: that
// explains the refusal.
func (s *settlement) unmask(ctx context.Context) error {
	edits := s.suspects
	s.suspects = nil
	for _, e := range edits {
		if !s.set(e.key).consistsOf(e.before) {
			return nil
		}
	}
	for _, e := range edits {
		if _, err := s.vacant(ctx, e.key.name); err != nil {
			return err
		}
	}
	return nil
}

// consistsOf reports whether these are all records of the RRset. TTLs don't count, as in prerequisites.
func (s *rrset) consistsOf(records []rdata) bool {
	for _, d := range records {
		if _, ok := s.all[d]; !ok {
			return false
		}
	}
	return len(records) == len(s.all)
}

// vacant reports whether a name owns nothing, by the word of the server, whatever a read says of it; then that is
// what is known of it. It asks once in a pass, and never for a plan, which goes by the looks.
func (s *settlement) vacant(ctx context.Context, name string) (bool, error) {
	if s.asked[name] {
		return false, nil
	}
	s.asked[name] = true
	if !s.plan {
		edits := []edit{{key: setKey{name, dns.TypeA}, free: true}}
		m := &parcel{msg: updateMessage(s.zone, edits, nil), edits: edits}
		if err := s.haveKey(ctx, m); err != nil {
			return false, err
		}
		err := s.send(ctx, m)
		if e, ok := errors.AsType[*ServerError](err); ok && e.Authentic && e.Rcode == dns.RcodeYXDomain {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	nothing := &dns.Msg{MsgHdr: dns.MsgHdr{Rcode: dns.RcodeNameError}}
	for _, w := range s.wants {
		if w.key.name == name {
			s.learn(s.place, w.key, nothing)
			s.done[w.key] = true
			if s.plan {
				s.set(w.key).since = 0 // a guess is no state of the zone: the update has to require it
			}
		}
	}
	s.cfg.Logger.Debug("dnsreg: the name exists only by a wildcard", "name", name, "zone", s.zone)
	return true, nil
}

// masked reports whether a name that must be left alone by what was read of it owns nothing in truth. It is asked
// about only if a wildcard would answer the same: no update goes to the name of somebody else.
func (s *settlement) masked(ctx context.Context, name string, same func(rtype uint16, m *dns.Msg, owner string) bool, rtypes ...uint16) (bool, error) {
	if name == s.zone || s.asked[name] {
		return false, nil
	}
	wildcard := "*." + parent(name) // or, if that does not exist, what the wildcard further up says of it
	for _, rtype := range rtypes {
		m, err := s.askAt(ctx, wildcard, rtype, s.place)
		if err != nil || !m.Authoritative || !same(rtype, m, wildcard) {
			return false, err
		}
	}
	return s.vacant(ctx, name)
}

// maskedAlias is masked for a name that looks like an alias.
func (s *settlement) maskedAlias(ctx context.Context, k setKey, err error) (bool, error) {
	alias, ok := errors.AsType[*aliasError](err)
	if !ok || k.rtype == dns.TypePTR { // RFC 2317: there an alias is to be followed
		return false, nil
	}
	return s.masked(ctx, k.name, func(_ uint16, m *dns.Msg, owner string) bool {
		return aliasOf(m, owner) == alias.target
	}, dns.TypeCNAME)
}

// maskedClaim is masked for a name that looks like somebody else's.
func (s *settlement) maskedClaim(ctx context.Context, wants []want) (bool, error) {
	var rtypes []uint16
	for _, w := range wants {
		if len(s.set(w.key).all) > 0 {
			rtypes = append(rtypes, w.key.rtype)
		}
	}
	name := wants[0].key.name
	return s.masked(ctx, name, func(rtype uint16, m *dns.Msg, owner string) bool {
		return s.set(setKey{name, rtype}).consistsOf(slices.Collect(maps.Keys(dataOf(m, setKey{owner, rtype}))))
	}, rtypes...)
}
