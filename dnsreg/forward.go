package dnsreg

import (
	"context"
	"errors"
	"maps"
	"net/netip"
	"slices"

	"github.com/miekg/dns"
)

// passForward brings the A and AAAA records to the decision. settled has the names that are right.
func (r *Registrar) passForward(ctx context.Context, d decision, how effort) (settled map[string]bool, err error) {
	dir := r.forwards(ctx, d, how)
	groups, failed := gather(d.allNames(), func(name string) (place, error) {
		p, err := dir.look(name)
		if r.disowned(name, err) {
			return p, err
		}
		if u := dir.units[place{owner: name}]; err != nil && (u == nil || u.pass != r.passes) {
			r.conclude(ctx, dir.unit(place{owner: name}), result{err: err})
		}
		return p, err
	}, dir.wants)
	maps.DeleteFunc(failed, func(name string, err error) bool {
		gone := r.disowned(name, err)
		if gone {
			r.disown(name, err)
		}
		return gone
	})
	r.again = how.urgent || slices.ContainsFunc(groups, func(g *group) bool { return dir.unit(g.place).due(r.cfg.Clock.Now()) })
	if r.again {
		clear(r.missing)
	}
	settled, err = dir.settleAll(ctx, groups)
	maps.DeleteFunc(r.forward, func(_ place, u *unit) bool { return u.pass != r.passes })
	return settled, errors.Join(err, joined(failed))
}

// forwards is the forward direction.
func (r *Registrar) forwards(ctx context.Context, d decision, how effort) *direction {
	dir := &direction{Registrar: r, units: r.forward, how: how}
	dir.find = func(name string) (place, error) { return r.locateForward(ctx, name) }
	dir.wants = func(name string, _ place) []want { return r.forwardWants(d, name) }
	return dir
}

// locateForward finds the zone of a name of the host. An alias is not followed: reading will tell whether it is one.
func (r *Registrar) locateForward(ctx context.Context, name string) (place, error) {
	p, err := r.places.locate(ctx, name)
	if p.owner == "" || p.owner == name {
		return p, err
	}
	s, err := r.places.findAround(ctx, name)
	if err != nil {
		return place{}, err
	}
	r.places.remember(name, s)
	return s.place, nil
}

// forwardWants are the A and AAAA records of a name, and the mark of their owner. A record at our name whose
// address the host has is ours whoever wrote it: an earlier run, before the flag was set, is the likely one.
func (r *Registrar) forwardWants(d decision, name string) []want {
	i := slices.IndexFunc(d.names, func(n nameDecision) bool { return n.name == name })
	adopt := func(x rdata) bool {
		if !r.configured(name) {
			return false // a former name: only what we know to be ours
		}
		_, assigned := d.assigned[x.addr]
		return assigned || r.cfg.Adopt != nil && r.cfg.Adopt(x.addr)
	}
	a := want{key: setKey{name, dns.TypeA}, data: make(map[rdata]bool), adopt: adopt, only: d.frozen(name, "IPv4")}
	aaaa := want{key: setKey{name, dns.TypeAAAA}, data: make(map[rdata]bool), adopt: adopt, only: d.frozen(name, "IPv6")}
	for _, addr := range d.names[i].eligible {
		if addr.Is4() {
			a.data[rdata{addr: addr}] = true
		} else {
			aaaa.data[rdata{addr: addr}] = true
		}
	}
	return append([]want{a, aaaa}, r.marks(name, len(a.data)+len(aaaa.data) > 0)...)
}

// forwardFailed reports whether the last attempt at some forward zone has failed.
func (r *Registrar) forwardFailed() bool {
	for _, u := range r.forward {
		if u.failures > 0 {
			return true
		}
	}
	return false
}

// registered returns the addresses that have an A or AAAA record of ours, as far as is known.
func (r *Registrar) registered() []netip.Addr {
	var out []netip.Addr
	for k, s := range r.memory {
		if k.rtype == dns.TypeA || k.rtype == dns.TypeAAAA {
			for d := range s.own {
				out = append(out, d.addr)
			}
		}
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return slices.Compact(out)
}

// standing returns the addresses that still have an A or AAAA record of ours where they should have none.
func (r *Registrar) standing(d decision) map[netip.Addr]bool {
	out := make(map[netip.Addr]bool)
	for _, n := range d.names {
		for _, rtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
			s := r.memory[setKey{n.name, rtype}]
			if s == nil || len(s.own) == 0 {
				continue
			}
			wanted := make(map[netip.Addr]bool)
			for _, addr := range n.eligible {
				wanted[addr] = true
			}
			for x := range s.own {
				out[x.addr] = out[x.addr] || !wanted[x.addr]
			}
		}
	}
	return out
}
