package dnsreg

import (
	"context"
	"fmt"

	"github.com/miekg/dns"
)

// locatePointer is locate for the name of a PTR record. Where an enclosing zone is known already it asks its
// server for the record at once, since the reply says where the zone ends too: thousands of addresses of a few
// zones cost one question each. answer is that reply, and serves as a read of the PTR records of p.owner at
// p.server; nil if the place was found without it.
func (ps *places) locatePointer(ctx context.Context, name string) (p place, answer *dns.Msg, err error) {
	if ps.knows(name) {
		p, err = ps.locate(ctx, name)
		return p, nil, err
	}
	s, err := ps.find(ctx, name, place{}, dns.TypePTR)
	if err != nil {
		return place{}, nil, err
	}
	ps.remember(name, s)
	return s.place, s.answer, nil
}

// enclosing returns the closest zone around a name whose server is known and to be relied on.
func (ps *places) enclosing(name string) (place, bool) {
	for zone := name; zone != "."; zone = parent(zone) {
		if h := ps.homes[zone]; h != nil {
			ok := !h.suspect && ps.lives(h.until) && ps.silent[h.server] == 0
			return place{zone: zone, server: h.server}, ok
		}
	}
	return place{}, false
}

// sight asks the server of a known zone about a name in it.
func (ps *places) sight(ctx context.Context, name string, known place, qtype uint16) (spot, error) {
	known.owner = name
	if qtype == dns.TypeSOA {
		return ps.verify(ctx, name, known.server, known.zone)
	}
	m, err := ps.ask(ctx, name, qtype, known.server, true)
	if err != nil {
		return spot{}, ps.heed(ctx, known.server, err)
	}
	var soa *dns.SOA
	target := aliasOf(m, name)
	if err = lame(m, true); err == nil && target == "" {
		soa, err = closestSOA(m, name)
	}
	switch {
	case err != nil:
		return spot{}, fmt.Errorf("dnsreg: %s of %s at %s: %w", dns.Type(qtype), name, known.server, err)
	case target != "":
		return spot{alias: target}, nil
	case inZone(m, soa, known):
		return spot{place: known, answer: m}, nil
	}
	s, err := ps.verify(ctx, name, known.server, known.zone)
	if s.alias == "" {
		s.answer = m
	}
	return s, err
}

// inZone reports whether an authoritative reply shows that the name is in this very zone, and in none below: by the
// zone's SOA record if the name has no such records (RFC 2308 section 2), by its NS records if it has.
func inZone(m *dns.Msg, soa *dns.SOA, p place) bool {
	if len(m.Answer) == 0 {
		return soa != nil && dns.CanonicalName(soa.Hdr.Name) == p.zone
	}
	for _, rr := range m.Answer {
		if dns.CanonicalName(rr.Header().Name) != p.owner {
			return false
		}
	}
	for _, rr := range m.Ns {
		if rr.Header().Rrtype == dns.TypeNS {
			return dns.CanonicalName(rr.Header().Name) == p.zone
		}
	}
	return false
}
