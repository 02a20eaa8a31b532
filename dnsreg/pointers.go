package dnsreg

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"

	"github.com/miekg/dns"
)

// maxRetired bounds the memory of addresses whose PTR record could not be removed yet.
const maxRetired = 1024

// group is the reverse names of one zone.
type group struct {
	place place // without owner
	wants []want
	gone  []netip.Addr // retired addresses among them
}

// passReverse brings the PTR records to the A and AAAA records.
func (r *Registrar) passReverse(ctx context.Context, d decision, how effort) error {
	if r.cfg.NoPTR {
		return nil
	}
	for _, addr := range d.eligible {
		delete(r.retired, addr) // back again
	}
	groups, err := r.groups(ctx, d, nil, how.urgent)
	errs := []error{err}
	inUse := make(map[place]bool)
	for _, g := range groups {
		inUse[g.place] = true
		u := r.reverse[g.place]
		if u == nil {
			u = &unit{place: g.place}
			r.reverse[g.place] = u
		}
		now := r.cfg.Clock.Now()
		if !how.urgent && u.waiting(now) {
			continue
		}
		due := how.urgent || u.due(now)
		heard, err := r.settle(ctx, g.place, g.wants, due)
		if err == nil {
			for _, addr := range g.gone {
				delete(r.retired, addr)
			}
		}
		r.conclude(ctx, u, result{heard, due, err})
		errs = append(errs, err)
	}
	for p := range r.reverse {
		if !inUse[p] {
			delete(r.reverse, p)
		}
	}
	return errors.Join(errs...)
}

// groups finds the zones of the reverse names: those of eligible addresses, which get a PTR record, and
// those of retired ones, which lose it. A name without a zone is noted in missing and left out.
// The error is that of a search that failed and is worth repeating.
func (r *Registrar) groups(ctx context.Context, d decision, extra []netip.Addr, urgent bool) ([]group, error) {
	byZone := make(map[place]*group)
	eligible := make(map[netip.Addr]bool, len(d.eligible))
	for _, addr := range d.eligible {
		eligible[addr] = true
	}
	pause := !urgent && r.search.waiting(r.cfg.Clock.Now())
	candidates := r.candidates(d, extra)
	r.prune(candidates)
	if n := len(candidates); n > 0 && r.search.failures > 0 {
		// Start elsewhere: a name that nobody answers for must not keep the others waiting for ever.
		k := rand.N(n)
		candidates = slices.Concat(candidates[k:], candidates[:k])
	}
	failed := make(map[string]error) // by family: its servers may be others
	for _, addr := range candidates {
		name, fam := reverseName(addr), family(addr)
		located := r.places.knows(name)
		_, down := errors.AsType[*NoReplyError](failed[fam])
		// A server that is away would cost a timeout for each name.
		switch {
		case r.missing[name] != nil:
			if !eligible[addr] {
				delete(r.retired, addr)
			}
			continue
		case !located && (pause || down):
			continue
		}
		p, err := r.places.locate(ctx, name)
		switch {
		case err == nil:
			addTo(byZone, p, addr, eligible[addr], r.cfg.Name)
		case lasting(err):
			r.missing[name] = err
			r.cfg.Logger.Warn("dnsreg: no PTR record", "address", addr, "name", name, "error", err)
			if !eligible[addr] {
				delete(r.retired, addr)
			}
		case failed[fam] == nil:
			failed[fam] = err
		}
	}
	err := errors.Join(failed["IPv4"], failed["IPv6"])
	if !pause {
		r.conclude(ctx, &r.search, result{all: true, err: err})
	}
	return sorted(byZone), err
}

func addTo(byZone map[place]*group, p place, addr netip.Addr, keep bool, name string) {
	at := place{zone: p.zone, server: p.server}
	g := byZone[at]
	if g == nil {
		g = &group{place: at}
		byZone[at] = g
	}
	if !keep {
		g.gone = append(g.gone, addr)
	}
	key := setKey{p.owner, dns.TypePTR}
	i := slices.IndexFunc(g.wants, func(w want) bool { return w.key == key })
	if i < 0 { // else two aliases lead to one name
		i = len(g.wants)
		adopt := func(d rdata) bool { return d.target == name }
		g.wants = append(g.wants, want{key, make(map[rdata]bool), adopt})
	}
	if keep {
		g.wants[i].data[rdata{target: name}] = true
	}
}

func sorted(byZone map[place]*group) []group {
	out := make([]group, 0, len(byZone))
	for _, g := range byZone {
		out = append(out, *g)
	}
	slices.SortFunc(out, func(a, b group) int {
		return cmp.Or(cmp.Compare(a.place.zone, b.place.zone), cmp.Compare(a.place.server, b.place.server))
	})
	return out
}

// lasting reports whether every server that was asked has authentically said that it has no such zone.
func lasting(err error) bool {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return !slices.ContainsFunc(joined.Unwrap(), func(e error) bool { return !lasting(e) })
	}
	if _, ok := errors.AsType[*NoReplyError](err); ok {
		return false
	}
	return ClassOf(err) == Rediscover
}

// candidates are the addresses whose reverse names matter: eligible ones, then retired ones, those with a
// forward record of ours (which is still there when its removal failed), and extra ones.
func (r *Registrar) candidates(d decision, extra []netip.Addr) []netip.Addr {
	gone := slices.Concat(slices.Collect(maps.Keys(r.retired)), r.registered(), extra)
	slices.SortFunc(gone, netip.Addr.Compare)
	list := slices.Clone(d.eligible)
	for _, addr := range slices.Compact(gone) {
		if !slices.Contains(d.eligible, addr) {
			list = append(list, addr)
		}
	}
	return list
}

// retireDeleted notes the addresses that an update takes from the forward zone.
func (r *Registrar) retireDeleted(edits []edit) {
	for _, e := range edits {
		for _, d := range e.deletes {
			if !slices.Contains(e.adds, d) { // else it only gets another TTL
				r.retire(e.key, d)
			}
		}
	}
}

// retire notes an address that no longer has its A or AAAA record: its PTR record goes next.
func (r *Registrar) retire(k setKey, d rdata) {
	switch {
	case k.rtype == dns.TypePTR || r.cfg.NoPTR:
	case len(r.retired) >= maxRetired:
		r.cfg.Logger.Warn("dnsreg: PTR record may be left behind", "address", d.addr)
	default:
		r.retired[d.addr] = struct{}{}
	}
}

// prune drops what is remembered about reverse names that no longer matter.
func (r *Registrar) prune(candidates []netip.Addr) {
	names := map[string]bool{r.cfg.Name: true}
	for _, addr := range candidates {
		names[reverseName(addr)] = true
	}
	maps.DeleteFunc(r.missing, func(name string, _ error) bool { return !names[name] })
	owners := r.places.keep(names)
	maps.DeleteFunc(r.memory, func(k setKey, _ *rrset) bool { return k.rtype == dns.TypePTR && !owners[k.name] })
}
