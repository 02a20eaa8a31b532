package dnsreg

import (
	"cmp"
	"context"
	"errors"
	"slices"
)

// maxMoves is how many servers of a zone one pass tries.
const maxMoves = 4

// group is the names of one zone and what is wanted of their RRsets.
type group struct {
	place place // without owner
	names []string
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
		at := place{zone: p.zone, server: p.server}
		g := byPlace[at]
		if g == nil {
			g = &group{place: at}
			byPlace[at] = g
			groups = append(groups, g)
		}
		g.names = append(g.names, name)
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

// settleAll settles the zones one after the other and returns the names that are right now.
func (d *direction) settleAll(ctx context.Context, groups []*group) (settled map[string]bool, err error) {
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
		heard, err := d.settle(ctx, g.place, g.wants, due)
		if moved := d.elsewhere(ctx, g, err); len(moved) > 0 {
			delete(d.units, g.place)
			groups = append(moved, groups...)
			continue
		}
		d.conclude(ctx, u, result{heard, due, err})
		if err == nil {
			d.places.absolve(g.place)
			for _, name := range g.names {
				settled[name] = true
			}
		}
		errs = append(errs, err)
	}
	return settled, errors.Join(errs...)
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
	if err == nil || ctx.Err() != nil || g.moves >= maxMoves || !worthMoving(err) || !d.places.others(g.place) {
		return nil
	}
	d.places.shun(g.place)
	moved, failed := gather(g.names, d.find, d.wants)
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
