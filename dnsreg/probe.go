package dnsreg

import (
	"context"
	"errors"
	"fmt"

	"github.com/miekg/dns"
)

// locatePointer is locate for the name of a PTR record. Where an enclosing zone is known already it asks its
// server for the record at once, since the reply says where the zone ends too: thousands of addresses of a few
// zones cost one question each. answer is that reply if it was enough, and serves as a read of the PTR
// records of p.owner at p.server; otherwise it is nil.
func (ps *places) locatePointer(ctx context.Context, name string) (p place, answer *dns.Msg, err error) {
	if ps.knows(name) {
		p, err = ps.locate(ctx, name)
		return p, nil, err
	}
	seen, err := ps.follow(ctx, name)
	if err != nil {
		return place{}, nil, err
	}
	if seen.proven {
		ps.remember(name, spot{place: seen.place})
		return seen.place, seen.answer, nil
	}
	p, err = ps.locate(ctx, name)
	if err != nil || p != seen.place {
		return p, nil, err
	}
	return p, seen.answer, nil
}

// sighting is what a known server says about a PTR record.
type sighting struct {
	place
	answer *dns.Msg // nil: nothing of use
	proven bool     // that the place is in no zone below the known one
}

// follow asks for the PTR record at the known servers, along CNAMEs. An error means that the ordinary way
// would meet the same silence.
func (ps *places) follow(ctx context.Context, name string) (sighting, error) {
	for range maxAliases {
		known, ok := ps.enclosing(name)
		if !ok {
			return sighting{}, nil
		}
		m, err := ps.ask(ctx, name, dns.TypePTR, known.server, true)
		if err != nil {
			_, away := errors.AsType[*NoReplyError](ps.heed(ctx, known.server, err))
			if away && !ps.others(known) || ctx.Err() != nil {
				return sighting{}, err
			}
			return sighting{}, nil
		}
		if lame(m, true) != nil {
			return sighting{}, nil
		}
		target := aliasOf(m, name)
		switch {
		case target == "":
			known.owner = name
			return sighting{known, m, inZone(m, name, known.zone)}, nil
		case dns.IsSubDomain(emptyAS112, target):
			return sighting{}, fmt.Errorf("dnsreg: %s: %w: an alias to %s", name, ErrLocalZone, target)
		}
		name = target
	}
	return sighting{}, nil
}

// enclosing returns the closest zone around a name whose server is known and to be relied on.
func (ps *places) enclosing(name string) (place, bool) {
	for zone := name; zone != "."; zone = parent(zone) {
		h := ps.homes[zone]
		if h == nil {
			continue
		}
		ok := !h.suspect && ps.lives(h.until) && ps.silent[h.server] == 0
		return place{zone: zone, server: h.server}, ok
	}
	return place{}, false
}

// inZone reports whether an authoritative reply shows that the name is in this very zone, and in none below: by the
// zone's SOA record if the name has no such records (RFC 2308 section 2), by its NS records if it has.
func inZone(m *dns.Msg, name, zone string) bool {
	if len(m.Answer) == 0 {
		soa, err := closestSOA(m, name)
		return err == nil && soa != nil && dns.CanonicalName(soa.Hdr.Name) == zone
	}
	for _, rr := range m.Answer {
		if dns.CanonicalName(rr.Header().Name) != name {
			return false
		}
	}
	for _, rr := range m.Ns {
		if rr.Header().Rrtype == dns.TypeNS {
			return dns.CanonicalName(rr.Header().Name) == zone
		}
	}
	return false
}
