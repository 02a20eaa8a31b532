package dnsreg

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/miekg/dns"
)

const (
	// maxRaces is how often a pass starts over because somebody else changed the zone meanwhile.
	maxRaces = 5
	// maxMessages bounds what one zone takes in one pass.
	maxMessages = 256
	// briefly is how long the signature of a change counts that is not tied to the serial, in seconds.
	briefly = 10
)

// settlement brings the RRsets of one zone to what is wanted: with one message if that can hold it, with
// none if nothing differs. With confirm, what does not differ is confirmed by prerequisites.
type settlement struct {
	*Registrar
	place
	wants    []want
	confirm  bool
	sparing  bool             // the server has not answered lately: it gets no question that can be spared
	done     map[setKey]bool  // read, confirmed or written in this pass
	refused  map[string]error // names that can't be registered whatever happens to the others
	heard    bool             // the server has said something
	plan     bool             // nothing may be sent
	asked    map[string]bool  // names whether they own anything, in this pass
	suspects []edit           // see suspect
	races    int
}

// settle brings one zone to what is wanted. The error is that of the zone; names that were left out are in
// refused.
func (r *Registrar) settle(ctx context.Context, p place, wants []want, confirm, sparing bool) (*settlement, error) {
	s := r.newSettlement(p, wants, confirm)
	s.sparing = sparing
	for range maxMessages {
		more, err := s.step(ctx)
		if err != nil || !more {
			return s, err
		}
	}
	return s, fmt.Errorf("dnsreg: zone %s needs more than %d messages", p.zone, maxMessages)
}

func (r *Registrar) newSettlement(p place, wants []want, confirm bool) *settlement {
	r.pinOf(p).expire(r.cfg.Clock.Now())
	return &settlement{Registrar: r, place: p, wants: wants, confirm: confirm, done: make(map[setKey]bool),
		refused: make(map[string]error), asked: make(map[string]bool)}
}

// step sends at most one message. It returns false when nothing is left to be sent.
func (s *settlement) step(ctx context.Context) (more bool, err error) {
	edits, err := s.prepare(ctx)
	if err != nil {
		return false, err
	}
	edits = toSend(edits, s.confirm, s.done)
	if len(edits) == 0 {
		return false, nil
	}
	m, err := s.compose(ctx, s.place, s.pinOf(s.place), edits, s.sparing)
	if err != nil {
		return false, err
	}
	if len(m.edits) == 0 { // its prerequisites alone are too long: the serial will stand for them
		return s.readAgain(ctx, edits)
	}
	if err := s.haveKey(ctx, m); err != nil {
		return false, err
	}
	s.retireDeleted(m.edits)
	s.journal(m.edits)
	if err = s.send(ctx, m); err == nil {
		s.accepted(m)
		return true, nil
	}
	return s.failed(m, err)
}

// seal says how the zone's updates are signed.
func (s *settlement) seal(m *parcel) seal {
	return seal{sign: true, host: s.places.serverName(s.zone), brief: m.brief}
}

// haveKey gets the key, which may have to be negotiated: that may fail, and then nothing has been sent.
func (s *settlement) haveKey(ctx context.Context, m *parcel) error {
	_, err := s.key(ctx, s.server, s.seal(m))
	return err
}

func (s *settlement) send(ctx context.Context, m *parcel) error {
	s.beforeSending(s.place, m)
	_, err := s.exchange(ctx, s.server, m.msg, s.seal(m))
	s.afterSending(s.place, m, err)
	return err
}

// prepare reads what is not known and returns what has to be done. Names that are aliases, or somebody
// else's, are left out.
func (s *settlement) prepare(ctx context.Context) ([]edit, error) {
	if err := s.readUnknown(ctx); err != nil {
		return nil, err
	}
	if err := s.unmask(ctx); err != nil {
		return nil, err
	}
	var edits []edit
	for rest := s.wants; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].key.name == rest[0].key.name {
			n++ // wants of one name come together
		}
		wants, name := rest[:n], rest[0].key.name
		rest = rest[n:]
		if s.refused[name] != nil {
			continue
		}
		claimed, err := s.claim(wants)
		if err != nil {
			masked, failure := s.maskedClaim(ctx, wants)
			if failure != nil {
				return nil, failure
			}
			if masked {
				claimed, err = s.claim(wants)
			}
		}
		if err != nil {
			s.refused[name] = err
			for _, w := range wants {
				s.set(w.key).known = false // the next try looks again
			}
		}
		for _, w := range claimed {
			set := s.set(w.key)
			set.take(w)
			edits = append(edits, set.diff(w, s.ttl))
		}
	}
	return edits, nil
}

// readUnknown reads the RRsets that are not known, if there are many after the serial of their zone.
func (s *settlement) readUnknown(ctx context.Context) error {
	unknown := make(map[string]bool)
	for _, w := range s.wants {
		if !s.set(w.key).known {
			unknown[w.key.name] = true
		}
	}
	if err := s.pinFirst(ctx, s.place, len(unknown)); err != nil {
		return err
	}
	for _, w := range s.wants {
		if set := s.set(w.key); s.refused[w.key.name] != nil || set.known {
			s.done[w.key] = s.done[w.key] || set.pass == s.passes
			continue
		}
		err := s.read(ctx, s.place, w.key)
		switch {
		case errors.Is(err, ErrAlias):
			masked, failure := s.maskedAlias(ctx, w.key, err)
			if failure != nil {
				return failure
			}
			if !masked {
				s.refused[w.key.name] = err
			}
		case err != nil:
			return err
		default:
			s.heard, s.done[w.key] = true, true
		}
	}
	return nil
}

// readAgain makes the serial cover RRsets that are too large to be required.
func (s *settlement) readAgain(ctx context.Context, edits []edit) (more bool, err error) {
	if s.races++; s.races > 1 {
		return false, errTooLarge(edits)
	}
	if err := s.readPin(ctx, s.place, s.pinOf(s.place)); err != nil {
		return false, err
	}
	for _, e := range edits {
		s.set(e.key).known = false
	}
	return true, nil
}

func errTooLarge(edits []edit) error {
	return fmt.Errorf("dnsreg: %s: the RRsets are too large to be updated by one message", edits[0].key.name)
}

// toSend returns the edits of the names at which something changes or is in doubt: the RRsets beside it are
// pinned down by the same message, so that it fits one state of the name only.
// With confirm it adds the RRsets that are not done, the empty ones too: somebody else may have registered
// an address there that must not be.
func toSend(edits []edit, confirm bool, done map[setKey]bool) (out []edit) {
	changing := make(map[string]bool)
	for _, e := range edits {
		changing[e.key.name] = changing[e.key.name] || !e.empty() || e.doubt
	}
	for _, e := range edits {
		if changing[e.key.name] || confirm && !done[e.key] {
			out = append(out, e)
		}
	}
	return out
}

// parcel is an update with what it does.
type parcel struct {
	msg   *dns.Msg
	edits []edit
	rest  []edit // what did not fit
	tied  bool   // to the serial
	brief bool   // its signature counts for a short time
}

// changes reports whether the update does more than require.
func (m *parcel) changes() bool { return len(m.msg.Ns) > 0 }

// doubtful reports whether the update is sent again, since nobody knows whether it was carried out.
func (m *parcel) doubtful() bool {
	return slices.ContainsFunc(m.edits, func(e edit) bool { return e.doubt })
}

// compose builds the message for as many of the edits as one can hold; edits of the parcel is empty if
// that is none.
func (r *Registrar) compose(ctx context.Context, p place, pn *pin, edits []edit, sparing bool) (*parcel, error) {
	m := &parcel{tied: r.ties(pn, edits, sparing)}
	var tied *pin
	if m.tied {
		tied = pn
		if pn.soa == nil {
			if err := r.readPin(ctx, p, pn); err != nil {
				return nil, err
			}
		}
	}
	m.edits, m.rest = fit(edits, func(edits []edit) *dns.Msg { return updateMessage(p.zone, edits, tied) })
	m.msg = updateMessage(p.zone, m.edits, tied)
	m.brief = !m.tied && !pn.skewed && m.changes()
	return m, nil
}

// accepted books what the server has done.
func (s *settlement) accepted(m *parcel) {
	s.heard = true
	p, fenced := s.pinOf(s.place), fencedNames(m.edits)
	for _, e := range m.edits {
		s.commit(e, fenced[e.key.name] || !e.empty())
		s.done[e.key] = true
		if m.tied { // it was so at this serial, which from now on stands for it
			s.set(e.key).since = p.state
		}
	}
	if m.changes() {
		p.raised(s.cfg.Clock.Now())
		p.misses = 0
	}
	s.journal(nil)
}

// fencedNames returns the names at which addresses have changed. Every update of a name requires its addresses to be
// as they were (see toSend), or the serial.
func fencedNames(edits []edit) map[string]bool {
	names := make(map[string]bool)
	for _, e := range edits {
		if (e.key.rtype == dns.TypeA || e.key.rtype == dns.TypeAAAA) && !e.empty() {
			names[e.key.name] = true
		}
	}
	return names
}

// failed decides what a refusal or a missing answer means.
func (s *settlement) failed(m *parcel, err error) (more bool, _ error) {
	p, now := s.pinOf(s.place), s.cfg.Clock.Now()
	e, refused := errors.AsType[*ServerError](err)
	refused = refused && e.Authentic && e.Op == "update"
	switch {
	case refused && e.TSIG == dns.RcodeBadTime && m.brief:
		p.skewed = true // the clocks differ by more than briefly: tie it to the serial
		return true, nil
	case e != nil && !e.Authentic && m.brief && e.Class() == Rediscover:
		p.skewed = true // some servers say no more than REFUSED to a time that is off
		s.doubtAll(m)
		return true, nil
	case refused && (e.Rcode == dns.RcodeNXRrset || e.Rcode == dns.RcodeYXRrset || e.Rcode == dns.RcodeYXDomain):
		if !m.doubtful() {
			s.net.counters.conflicts.Add(1) // else it only answers the question whether the last one was carried out
		}
		if e.Rcode == dns.RcodeNXRrset && !(m.tied && p.guess) {
			s.suspect(m, p)
		}
		s.lostRace(m, p, now)
		if s.races++; s.races < maxRaces {
			return true, nil
		}
		return false, fmt.Errorf("dnsreg: zone %s changed %d times while it was being updated: %w", s.zone, s.races, err)
	case refused && e.Rcode != dns.RcodeServerFailure:
		return false, err // RFC 2136 section 3: nothing was done
	}
	s.doubtAll(m)
	return false, err
}

// doubtAll books that nobody knows whether the update was carried out.
func (s *settlement) doubtAll(m *parcel) {
	for _, e := range m.edits {
		s.doubt(e)
	}
}

// lostRace follows a failed prerequisite. After a retransmission it may have been our own message that made
// it fail; reading back tells.
func (s *settlement) lostRace(m *parcel, p *pin, now time.Time) {
	guessed := false // then its own prerequisites are tried again, with the serial as it is
	if m.tied {
		if guessed = p.refused(now); now.Before(p.loose) {
			s.cfg.Logger.Info("dnsreg: updates are not tied to the serial", "zone", s.zone, "server", s.server, "until", p.loose)
		}
	}
	for _, e := range m.edits {
		s.done[e.key], s.set(e.key).pass = false, 0
		if guessed && !m.doubtful() && e.since != p.state {
			s.doubt(e)
		} else {
			s.forget(e)
		}
	}
}
