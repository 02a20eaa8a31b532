package dnsreg

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/miekg/dns"
)

// place is where a name's records live.
type place struct {
	owner  string // the name, or where a CNAME leads to (RFC 2317 delegates single PTR records that way)
	zone   string
	server string // host:port that takes the zone's updates
}

// at is the place without the name.
func (p place) at() place { return place{zone: p.zone, server: p.server} }

const (
	placeLife    = 24 * time.Hour // a zone may be split, or move, without an update failing
	renewalDelay = time.Hour      // until the next try to renew what could not be renewed
	shunLife     = time.Hour
	maxShunned   = 256
)

// places finds where names live, and remembers it. Who has the Registrar's turn may use it.
type places struct {
	cfg *Config
	ask func(ctx context.Context, name string, qtype uint16, server string, sign bool) (*dns.Msg, error)

	names   map[string]located     // those in use
	homes   map[string]*home       // by zone
	choices map[string]*candidates // by zone, as found through the resolvers
	shunned map[place]shunning     // by zone and server
	silent  map[string]int         // timeouts by server, in this pass
	hosts   map[string][]endpoint  // addresses of name servers, looked up in this pass
}

// located is what is known of a name.
type located struct {
	owner, zone string
	until       time.Time
}

// home is the server of a zone: one for all its names, so that its updates come one after the other.
type home struct {
	server  string
	host    string // its name, if it was found by one
	mname   string // of its SOA record
	until   time.Time
	suspect bool // an update has failed there since the last look-up
	rested  bool // a look-up has failed in this pass: what is known has to do
}

// shunning is why a server comes later than others.
type shunning struct {
	since time.Time
	away  bool // it had the zone, and did not reply to an update
}

func newPlaces(r *Registrar) places {
	return places{
		cfg: &r.cfg, ask: r.ask,
		names: make(map[string]located), homes: make(map[string]*home), choices: make(map[string]*candidates),
		shunned: make(map[place]shunning), silent: make(map[string]int), hosts: make(map[string][]endpoint),
	}
}

// begin starts a pass.
func (ps *places) begin() {
	clear(ps.silent)
	clear(ps.hosts)
	for _, h := range ps.homes {
		h.rested = false
	}
	maps.DeleteFunc(ps.shunned, func(_ place, s shunning) bool { return !ps.lasts(s) })
}

// knows reports whether locate has an answer already, if perhaps an old one.
func (ps *places) knows(name string) bool {
	_, ok := ps.recall(name)
	return ok
}

func (ps *places) recall(name string) (place, bool) {
	l, known := ps.names[name]
	h := ps.homes[l.zone]
	if !known || h == nil {
		return place{}, false
	}
	return place{l.owner, l.zone, h.server}, true
}

// locate returns where a name lives: what was found within the last day, unless an update has failed there since;
// else what is found now. A look-up that ends without a result leaves an old one in force: that it can't be
// confirmed is no reason to stop what works. Beside an error, owner is how far aliases have led, "" if there were none.
func (ps *places) locate(ctx context.Context, name string) (place, error) {
	old, known := ps.recall(name)
	if known && ps.stands(name, old) {
		return old, nil
	}
	found, err := ps.renew(ctx, name, old)
	switch {
	case err == nil:
		ps.remember(name, found)
		return found.place, nil
	case known && !lasting(err):
		if ctx.Err() == nil {
			ps.postpone(old.zone)
		}
		return old, nil
	}
	delete(ps.names, name)
	return place{owner: found.owner}, err
}

// stands reports whether an old result needs no look-up.
func (ps *places) stands(name string, old place) bool {
	h := ps.homes[old.zone]
	return h.rested || !h.suspect && ps.lives(ps.names[name].until)
}

// lives reports whether a time of expiry is still to come, by a clock that may have been set back.
func (ps *places) lives(until time.Time) bool {
	d := until.Sub(ps.cfg.Clock.Now())
	return d > 0 && d <= placeLife
}

// renew looks the name up. The old server is good enough if it says what it said before; one where an
// update has failed is not asked first.
func (ps *places) renew(ctx context.Context, name string, old place) (spot, error) {
	if old.owner == name && !ps.homes[old.zone].suspect {
		found, err := ps.verify(ctx, name, old.server, "")
		_, away := errors.AsType[*NoReplyError](err)
		if err == nil && found.alias == "" || away && !ps.others(old) {
			return found, err
		}
	}
	return ps.find(ctx, name, old, dns.TypeSOA)
}

func (ps *places) remember(name string, found spot) {
	until := ps.cfg.Clock.Now().Add(placeLife)
	h := ps.homes[found.zone]
	if h == nil {
		h = new(home)
		ps.homes[found.zone] = h
	}
	if found.host != "" || h.server != found.server {
		h.host = found.host
	}
	h.server, h.suspect = found.server, false
	if found.mname != "" {
		h.mname = found.mname
	}
	if found.kept {
		until = ps.cfg.Clock.Now().Add(renewalDelay)
	}
	h.until = until
	ps.names[name] = located{found.owner, found.zone, until}
}

// postpone gives what could not be renewed some more time: for all names of the zone, or each would cost a timeout.
func (ps *places) postpone(zone string) {
	ps.homes[zone].rested = true
	until := ps.cfg.Clock.Now().Add(renewalDelay)
	for name, l := range ps.names {
		if l.zone == zone && !ps.lives(l.until) {
			l.until = until
			ps.names[name] = l
		}
	}
}

// shun makes the server of a place come last when its zone is looked up next, which is at the next locate: it has
// refused an update of a zone that it had (Rediscover), or did not reply to one. It is forgiven after an hour,
// or by absolve. When there is no better one locate returns the same place again, and does so without a look-up
// after silence if there are no others.
func (ps *places) shun(p place, why error) {
	_, away := errors.AsType[*NoReplyError](why)
	if h := ps.homes[p.zone]; h != nil && h.server == p.server && !(away && !ps.others(p)) {
		h.suspect, h.rested = true, false
		delete(ps.choices, p.zone) // the zone may have another primary by now
	}
	if away {
		ps.silent[p.server]++
	}
	ps.note(p, away)
}

// absolve takes shun back: an update has succeeded at the place.
func (ps *places) absolve(p place) {
	delete(ps.shunned, p.at())
	if h := ps.homes[p.zone]; h != nil && h.server == p.server {
		h.suspect = false
	}
}

func (ps *places) note(p place, away bool) {
	if len(ps.shunned) >= maxShunned {
		oldest := p.at()
		for q, s := range ps.shunned {
			if o, ok := ps.shunned[oldest]; !ok || s.since.Before(o.since) {
				oldest = q
			}
		}
		delete(ps.shunned, oldest)
	}
	ps.shunned[p.at()] = shunning{ps.cfg.Clock.Now(), away}
}

func (ps *places) lasts(s shunning) bool {
	d := ps.cfg.Clock.Now().Sub(s.since)
	return d >= 0 && d < shunLife
}

// others reports whether the updates of a place's zone may find a server elsewhere: one that has not failed
// lately, or that nobody has looked for yet.
func (ps *places) others(p place) bool {
	servers := ps.cfg.Servers
	if len(ps.cfg.Resolvers) > 0 {
		c := ps.choices[p.zone]
		if c == nil || len(c.more) > 0 {
			return true
		}
		servers = c.servers
	}
	return slices.ContainsFunc(servers, func(s string) bool {
		bad, ok := ps.shunned[place{zone: p.zone, server: s}]
		return s != p.server && !(ok && ps.lasts(bad))
	})
}

// away reports whether a server did not reply to an update of the zone lately.
func (ps *places) away(p place) bool {
	s, ok := ps.shunned[p.at()]
	return ok && s.away && ps.lasts(s)
}

// displace forgets where the names of a zone live.
func (ps *places) displace(gone place) {
	if h := ps.homes[gone.zone]; h != nil && h.server == gone.server {
		delete(ps.homes, gone.zone)
		delete(ps.choices, gone.zone)
	}
}

// forget forgets where one name lives.
func (ps *places) forget(name string) { delete(ps.names, name) }

// serverName returns the name of the server of a zone, "" if it is not known: that by which it was found, else the
// one that the zone's SOA record has for the primary.
func (ps *places) serverName(zone string) string {
	if h := ps.homes[zone]; h != nil {
		return cmp.Or(h.host, h.mname)
	}
	return ""
}

// keep forgets all names but these, and returns the owners of their records.
func (ps *places) keep(names map[string]bool) (owners map[string]bool) {
	owners = make(map[string]bool)
	zones := make(map[string]bool)
	for name, l := range ps.names {
		if names[name] && ps.homes[l.zone] != nil {
			owners[l.owner], zones[l.zone] = true, true
		} else {
			delete(ps.names, name)
		}
	}
	maps.DeleteFunc(ps.homes, func(zone string, _ *home) bool { return !zones[zone] })
	maps.DeleteFunc(ps.choices, func(zone string, _ *candidates) bool { return !zones[zone] })
	return owners
}
