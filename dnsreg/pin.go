package dnsreg

import (
	"context"
	"fmt"
	"time"

	"github.com/miekg/dns"
)

// Pin says which updates are tied to the serial of the zone.
//
// The signature of an update counts for five minutes (RFC 8945 section 10), in which a recording of it may
// be sent again. Prerequisites on the host's own records refuse it, unless these are back to what they were.
// A prerequisite on the zone's SOA record refuses it for ever: every change raises the serial.
//
// Serials of primaries that are not their own (several primaries, signing in line) can't be tied to. A
// Registrar finds out, logs it, does without for an hour, and lets what it signs count for ten seconds only.
type Pin uint8

const (
	// PinChanges ties every change but the first registration of a name, which is small that way, and those
	// that were due while the server was away, which spares it a question. Their signatures count for ten
	// seconds.
	PinChanges Pin = iota
	// PinAlways ties every change.
	PinAlways
	// PinNever ties none. It is for zones that change all the time.
	PinNever
)

// fewNames is how many new names may be guarded by a prerequisite each; one on the serial does for more.
const fewNames = 3

// How long a serial is thought to last that was read, and one that was guessed.
const (
	serialTime = time.Minute
	guessTime  = 10 * time.Second
)

// looseTime is for how long a zone whose serial can't be tied to is left alone about it, twice as long the next
// time, and a day at most.
const looseTime = time.Hour

// pin is what is known about the SOA record of a zone at a server.
type pin struct {
	soa    *dns.SOA  // nil: not known. With each change of ours its serial rises
	at     time.Time // when that was known
	guess  bool      // such a change was the last: the serial should be this one
	shared bool      // a guess was wrong, others change the zone too: no more guesses
	states *uint64   // the last state of any zone, so that none is taken for another's
	state  uint64    // of the zone: another one whenever the serial was read anew; what is read after it holds as long as it does
	misses int       // in a row: refusals although the serial had been read
	loose  time.Time // until then the serial is not used
	times  int       // that it came to that
	skewed bool      // a signature that counted for ten seconds was refused
}

// pinOf returns the memory of a zone's serial.
func (r *Registrar) pinOf(p place) *pin {
	at := place{zone: p.zone, server: p.server}
	if r.pins[at] == nil {
		r.pins[at] = &pin{states: &r.states}
	}
	return r.pins[at]
}

// ties reports whether a message with these edits is to be tied to the serial. sparing spares the server the question
// for it, and the second try where many hosts are back together and no serial lasts.
func (r *Registrar) ties(p *pin, edits []edit, sparing bool) bool {
	names, known := make(map[string]bool), false
	for _, e := range edits {
		if !e.empty() {
			names[e.key.name] = true
			known = known || !e.free
		}
	}
	switch {
	case len(names) == 0 || r.cfg.Pin == PinNever || r.cfg.Clock.Now().Before(p.loose):
		return false
	case len(names) > fewNames:
		return true
	case r.cfg.Auth == nil: // whoever could replay could as well write
		return false
	case p.skewed || r.cfg.Pin == PinAlways:
		return true
	}
	return known && !sparing
}

// pinFirst reads the serial before many names are read: it will stand for all of them.
func (r *Registrar) pinFirst(ctx context.Context, p place, names int) error {
	pn := r.pinOf(p)
	if names <= fewNames || pn.soa != nil || r.cfg.Pin == PinNever || r.cfg.Clock.Now().Before(pn.loose) {
		return nil
	}
	return r.readPin(ctx, p, pn)
}

// readPin asks for the SOA record of a zone.
func (r *Registrar) readPin(ctx context.Context, p place, to *pin) error {
	m, err := r.askAt(ctx, p.zone, dns.TypeSOA, p)
	if err != nil {
		return err
	}
	if soa := soaOf(m.Answer, p.zone); m.Authoritative && soa != nil {
		to.saw(soa, r.cfg.Clock.Now())
		return nil
	}
	return fmt.Errorf("dnsreg: SOA of %s at %s: %w: the server is not authoritative", p.zone, p.server, ErrNoZone)
}

// soaOf returns the SOA record of a zone among records, nil if it is not there.
func soaOf(records []dns.RR, zone string) *dns.SOA {
	for _, rr := range records {
		if soa, ok := rr.(*dns.SOA); ok && dns.CanonicalName(soa.Hdr.Name) == zone {
			return soa
		}
	}
	return nil
}

// saw notes what the server says of the zone's serial. The same serial again is the same state of the zone.
func (p *pin) saw(soa *dns.SOA, now time.Time) {
	if p.soa == nil || p.guess || p.soa.Serial != soa.Serial {
		*p.states++
		p.state = *p.states
	}
	p.soa, p.guess, p.at = soa, false, now
}

// raised notes a change of ours: RFC 2136 section 3.6 has the server raise the serial, and all of them add one.
func (p *pin) raised(now time.Time) {
	if p.soa == nil || p.shared {
		p.soa = nil
		return
	}
	next := *p.soa
	next.Serial++
	p.soa, p.guess, p.at = &next, true, now
}

// expire forgets a serial that is not worth trying any more.
func (p *pin) expire(now time.Time) {
	if age := now.Sub(p.at); age >= serialTime || p.guess && age >= guessTime {
		p.soa = nil
	}
}

// refused notes that a message tied to the serial met another state of the zone. It reports whether only
// a guess was wrong.
func (p *pin) refused(now time.Time) (guessed bool) {
	p.soa = nil
	if p.guess {
		p.guess, p.shared = false, true
		return true
	}
	if p.misses++; p.misses >= 2 {
		p.misses, p.loose = 0, now.Add(min(looseTime<<min(p.times, 8), 24*time.Hour))
		p.times++
	}
	return false
}

// prerequisite is RFC 2136 section 2.4.2: "RRset Exists (Value Dependent)".
func (p *pin) prerequisite() dns.RR {
	soa := *p.soa
	soa.Hdr = dns.RR_Header{Name: p.soa.Hdr.Name, Rrtype: dns.TypeSOA, Class: dns.ClassINET}
	return &soa
}

// covers reports whether the edit's RRset was read in the state of the zone that the serial stands for.
func (p *pin) covers(e edit) bool {
	return p.soa != nil && e.since != 0 && e.since == p.state && !e.doubt
}
