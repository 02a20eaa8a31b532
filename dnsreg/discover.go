package dnsreg

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/miekg/dns"
)

// maxAliases bounds a chain of CNAMEs.
const maxAliases = 8

// spot is a place, or the alias that leads on to it.
type spot struct {
	place
	alias  string
	mname  string   // of the zone
	host   string   // the name by which the server was found
	kept   bool     // not asked: there was nothing better than a server that was fine once and is silent now
	answer *dns.Msg // to a question for the records of the owner, if there was one
}

// find looks for the closest zone that the name is in and a server for it, following CNAMEs (RFC 2317).
// old is where the name lived so far, if anywhere; qtype is SOA, or PTR for the records as well. Beside an error
// the owner is where the aliases led, "" if there were none.
func (ps *places) find(ctx context.Context, name string, old place, qtype uint16) (spot, error) {
	chain := []string{name}
	for {
		owner := chain[len(chain)-1]
		s, err := ps.findOwner(ctx, owner, old, qtype)
		led := spot{place: place{owner: s.alias}}
		switch {
		case err != nil && owner != name:
			return spot{place: place{owner: owner}}, err
		case err != nil || s.alias == "":
			return s, err
		case dns.IsSubDomain(emptyAS112, s.alias):
			return led, fmt.Errorf("dnsreg: %s: %w: an alias to %s", name, ErrLocalZone, s.alias)
		case slices.Contains(chain, s.alias):
			return led, fmt.Errorf("dnsreg: %s: %w: the alias of %s leads back to %s", name, ErrNoZone, owner, s.alias)
		case len(chain) > maxAliases:
			return led, fmt.Errorf("dnsreg: %s: %w: a chain of more than %d aliases", name, ErrNoZone, maxAliases)
		}
		chain = append(chain, s.alias)
	}
}

// findAround finds the zone of a name that looks like an alias by the names above it: no zone begins at an alias.
func (ps *places) findAround(ctx context.Context, name string) (spot, error) {
	for at := parent(name); at != "."; at = parent(at) {
		s, err := ps.findOwner(ctx, at, place{}, dns.TypeSOA)
		if err != nil || s.alias == "" {
			s.owner = name
			return s, err
		}
	}
	return spot{}, fmt.Errorf("dnsreg: %s: %w: it is an alias, and so is every name above", name, ErrNoZone)
}

// findOwner is find for a name that may turn out to be an alias. What the resolvers know nothing of may still
// be known to the servers that were given. Where an enclosing zone is known already, its server is asked first.
func (ps *places) findOwner(ctx context.Context, name string, old place, qtype uint16) (spot, error) {
	if known, ok := ps.enclosing(name); ok {
		s, err := ps.sight(ctx, name, known, qtype)
		_, away := errors.AsType[*NoReplyError](err)
		if err == nil || ctx.Err() != nil || away && !ps.others(known) {
			return s, err
		}
	}
	given := &candidates{servers: ps.cfg.Servers}
	if len(ps.cfg.Resolvers) == 0 {
		return ps.choose(ctx, name, given, old)
	}
	found, err := ps.resolve(ctx, name)
	switch {
	case err == nil && found.alias != "":
		return spot{alias: found.alias}, nil
	case err == nil:
		return ps.choose(ctx, name, ps.candidates(found.soa), old)
	case len(ps.cfg.Servers) == 0 || ctx.Err() != nil:
		return spot{}, err
	}
	s, failure := ps.choose(ctx, name, given, old)
	if failure != nil {
		failure = errors.Join(err, failure)
	}
	return s, failure
}

// resolve asks the resolvers in turn until one knows the zone.
func (ps *places) resolve(ctx context.Context, name string) (finding, error) {
	var errs []error
	resolvers := &candidates{servers: ps.cfg.Resolvers}
	for server := range ps.inOrder(ctx, name, resolvers) {
		found, err := ps.zoneOf(ctx, name, server, false)
		if err == nil && found.alias == "" {
			err = doubtful(found.soa)
			if err == nil && noPrimary(dns.CanonicalName(found.soa.Ns)) {
				err = ErrLocalZone
			}
			if err != nil {
				err = fmt.Errorf("dnsreg: %s at %s: %w: the closest is %s, whose primary is %s", name, server, err, found.soa.Hdr.Name, found.soa.Ns)
			}
		}
		if err == nil {
			return found, nil
		}
		errs = append(errs, ps.heed(ctx, server, err))
	}
	return finding{}, resolvers.failure(ctx, name, errs)
}

// choose returns the first of the servers that proves to have the name's zone.
func (ps *places) choose(ctx context.Context, name string, c *candidates, old place) (spot, error) {
	var errs []error
	var failed []string
	for server := range ps.inOrder(ctx, name, c) {
		had := place{old.owner, old.zone, server}
		gone := ps.away(had) || had == old && ps.silent[server] > 0
		if gone && (c.zone == "" || c.zone == old.zone) {
			ps.blame(old.zone, failed)
			return spot{place: had, host: c.hosts[server], kept: true}, nil // to ask would cost a timeout, and the next update will tell
		}
		s, err := ps.verify(ctx, name, server, c.zone)
		switch {
		case err == nil && s.alias != "":
			return s, nil
		case err == nil:
			ps.blame(s.zone, failed)
			s.host = c.hosts[server]
			return s, nil
		}
		errs, failed = append(errs, err), append(failed, server)
	}
	ps.blame(old.zone, failed)
	return spot{}, c.failure(ctx, name, errs)
}

// verify asks an authority. The zone has to be the one that the resolvers found, or one below that has been split
// off since.
func (ps *places) verify(ctx context.Context, name, server, within string) (spot, error) {
	found, err := ps.zoneOf(ctx, name, server, true)
	if err != nil {
		return spot{}, ps.heed(ctx, server, err)
	}
	if found.alias != "" {
		return spot{alias: found.alias}, nil
	}
	zone := dns.CanonicalName(found.soa.Hdr.Name)
	judge := doubtful
	if ps.cfg.Auth != nil {
		judge = unregistrable
	}
	if err := judge(found.soa); err != nil {
		return spot{}, fmt.Errorf("dnsreg: %s at %s: %w: the closest is %s", name, server, err, zone)
	}
	if within != "" && !dns.IsSubDomain(within, zone) {
		return spot{}, fmt.Errorf("dnsreg: %s at %s: %w: the server has %s, not %s", name, server, ErrNoZone, zone, within)
	}
	return spot{place: place{name, zone, server}, mname: dns.CanonicalName(found.soa.Ns)}, nil
}

// heed notes that a server was silent.
func (ps *places) heed(ctx context.Context, server string, err error) error {
	if _, ok := errors.AsType[*NoReplyError](err); ok && ctx.Err() == nil {
		ps.silent[server]++
	}
	return err
}

// blame makes servers that were no good for a zone come later the next time.
func (ps *places) blame(zone string, servers []string) {
	for _, s := range servers {
		if p := (place{zone: zone, server: s}); zone != "" && !ps.away(p) {
			ps.note(p, false)
		}
	}
}
