package dnsreg

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
)

// maxMoves is how many servers of a zone one pass tries.
const maxMoves = 4

// group is the names of one zone and what is wanted of their RRsets.
type group struct {
	place place             // without owner
	names map[string]string // each with the owner of its records, which its alias may lead to
	wants []want
	moves int // servers that were tried before
}

// gather sorts the names by zone. wants says what is wanted of a name that lives at a place; what two names
// want of one RRset, to which their aliases lead, becomes one want. failed has the names that find could
// not place.
func gather(names []string, find func(name string) (place, error), wants func(name string, p place) []want) (groups []*group, failed map[string]error) {
	byPlace := make(map[place]*group)
	failed = make(map[string]error)
	for _, name := range names {
		p, err := find(name)
		if err != nil {
			failed[name] = err
			continue
		}
		at := p.at()
		g := byPlace[at]
		if g == nil {
			g = &group{place: at, names: make(map[string]string)}
			byPlace[at] = g
			groups = append(groups, g)
		}
		g.names[name] = p.owner
		for _, w := range wants(name, p) {
			g.add(w)
		}
	}
	slices.SortFunc(groups, func(a, b *group) int { return comparePlaces(a.place, b.place) })
	return groups, failed
}

func comparePlaces(a, b place) int {
	return cmp.Or(cmp.Compare(a.zone, b.zone), cmp.Compare(a.server, b.server))
}

func (g *group) add(w want) {
	i := slices.IndexFunc(g.wants, func(old want) bool { return old.key == w.key })
	if i < 0 {
		g.wants = append(g.wants, w)
		return
	}
	for d := range w.data {
		g.wants[i].data[d] = true
	}
}

// direction is what the forward and the reverse zones have in common.
type direction struct {
	*Registrar
	units map[place]*unit
	how   effort
	find  func(name string) (place, error)
	wants func(name string, p place) []want
}

// look is find for a name that may be backing off by itself.
func (d *direction) look(name string) (place, error) {
	alone := place{owner: name}
	u := d.units[alone]
	if u != nil && !d.how.urgent && u.waiting(d.cfg.Clock.Now()) {
		u.pass = d.passes
		return place{}, u.err
	}
	return d.find(name)
}

// settleAll settles the zones one after the other, those that have failed last, since that may cost a timeout, and
// returns the names that are right now.
func (d *direction) settleAll(ctx context.Context, groups []*group) (settled map[string]bool, err error) {
	slices.SortStableFunc(groups, func(a, b *group) int { return cmp.Compare(d.unit(a.place).failures, d.unit(b.place).failures) })
	settled = make(map[string]bool)
	var errs []error
	for len(groups) > 0 {
		g := groups[0]
		groups = groups[1:]
		u := d.unit(g.place)
		if !d.how.urgent && u.waiting(d.cfg.Clock.Now()) {
			errs = append(errs, u.err)
			continue
		}
		due := d.how.urgent || u.due(d.cfg.Clock.Now())
		s, err := d.settle(ctx, g.place, g.wants, due, u.failures > 0 || d.back)
		if moved := d.elsewhere(ctx, g, err); len(moved) > 0 {
			delete(d.units, g.place)
			groups = append(moved, groups...)
			continue
		}
		d.conclude(ctx, u, result{s.heard, due, err})
		errs = append(errs, err)
		if err == nil {
			d.places.absolve(g.place)
			errs = append(errs, d.book(ctx, g, s.refused, settled))
		}
	}
	return settled, errors.Join(errs...)
}

// book sorts the names of a zone that is settled: those that are right, and those that were left out, which
// back off by themselves.
func (d *direction) book(ctx context.Context, g *group, refused map[string]error, settled map[string]bool) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(g.names)) {
		alone := place{owner: name}
		err := refused[g.names[name]]
		if d.disowned(name, err) {
			d.disown(name, err)
			err = nil
		}
		if err == nil {
			settled[name] = true
			delete(d.units, alone)
			continue
		}
		d.conclude(ctx, d.unit(alone), result{err: err})
		d.places.forget(name) // a CNAME may lead elsewhere (RFC 2317)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// unit returns the schedule of a zone.
func (d *direction) unit(p place) *unit {
	u := d.units[p]
	if u == nil {
		u = &unit{place: p}
		d.units[p] = u
	}
	u.pass = d.passes
	return u
}

// elsewhere returns the group at other servers of its zone, if this one refused or was silent and there are
// others; none if the group stays where it is.
func (d *direction) elsewhere(ctx context.Context, g *group, err error) []*group {
	if err == nil || ctx.Err() != nil || !worthMoving(err) {
		return nil
	}
	d.places.shun(g.place, err)
	if g.moves >= maxMoves || !d.places.others(g.place) {
		return nil
	}
	moved, failed := gather(slices.Sorted(maps.Keys(g.names)), d.find, d.wants)
	if len(failed) > 0 || slices.ContainsFunc(moved, func(m *group) bool { return m.place == g.place }) {
		return nil
	}
	d.cfg.Logger.Info("dnsreg: trying another server", "zone", g.place.zone, "server", g.place.server, "error", err)
	for _, m := range moved {
		m.moves = g.moves + 1
	}
	return moved
}

// worthMoving reports whether another server of the zone may do what this one did not.
func worthMoving(err error) bool {
	if _, ok := errors.AsType[*NoReplyError](err); ok {
		return true
	}
	e, ok := errors.AsType[*ServerError](err)
	return ok && e.Class() == Rediscover
}
