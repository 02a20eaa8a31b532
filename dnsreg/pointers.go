package dnsreg

import (
	"context"
	"errors"
	"maps"
	"net/netip"
	"slices"

	"github.com/miekg/dns"
)

// maxRetired bounds the memory of addresses whose PTR record could not be removed yet, maxHomeless those among them
// that have no zone, so far: they are looked for at each refresh.
const (
	maxRetired  = 4096
	maxHomeless = 64
)

// pointers are the reverse names that matter in a pass.
type pointers struct {
	target map[netip.Addr]string // of addresses that get a PTR record, by address
	frozen map[netip.Addr]bool   // of those: what is there may stay, and none is added
	addrs  []netip.Addr          // of target, then those that lose theirs
	byName map[string]netip.Addr
}

// passReverse brings the PTR records to the A and AAAA records that are right.
func (r *Registrar) passReverse(ctx context.Context, d decision, settled map[string]bool, how effort) error {
	if r.cfg.NoPTR {
		return nil
	}
	if r.again {
		r.seekOrphans(ctx, d)
	}
	ps := r.pointersOf(d, func(name string) bool { return settled[name] }, how, nil)
	for addr := range ps.target {
		if !ps.frozen[addr] {
			delete(r.retired, addr) // back again
		}
	}
	r.prune(d, ps)
	dir, groups, err := r.reverses(ctx, ps, how)
	done, failed := dir.settleAll(ctx, groups)
	for name := range done {
		if addr := ps.byName[name]; ps.target[addr] == "" {
			delete(r.retired, addr)
		}
	}
	// A zone whose names wait for their A and AAAA records keeps its schedule.
	waiting := len(ps.target) < len(d.pointer)
	maps.DeleteFunc(r.reverse, func(_ place, u *unit) bool { return u.pass != r.passes && !waiting })
	err = errors.Join(err, failed)
	if err == nil && !waiting && len(r.former) == 0 && len(r.retired) == 0 {
		clear(r.earlier) // no PTR record can point there any more
	}
	return err
}

// pointersOf lists the reverse names that matter: those of addresses whose name is right, and those of
// retired and leaving ones. A forward record that is still there because its removal failed keeps its PTR
// record, unless everything goes.
func (r *Registrar) pointersOf(d decision, right func(name string) bool, how effort, leaving []netip.Addr) pointers {
	ps := pointers{target: make(map[netip.Addr]string), frozen: make(map[netip.Addr]bool), byName: make(map[string]netip.Addr)}
	for _, addr := range d.eligible {
		if name := d.pointer[addr]; name != "" && right(name) {
			ps.target[addr], ps.frozen[addr] = name, d.frozen(name, family(addr))
			ps.addrs = append(ps.addrs, addr)
		}
	}
	gone := slices.Collect(maps.Keys(r.retired))
	if how.remove {
		gone = append(gone, r.registered()...)
	} else {
		standing := r.standing(d)
		gone = slices.DeleteFunc(gone, func(a netip.Addr) bool { return standing[a] })
	}
	gone = append(gone, leaving...)
	slices.SortFunc(gone, netip.Addr.Compare)
	for _, addr := range slices.Compact(gone) {
		if d.pointer[addr] == "" {
			ps.addrs = append(ps.addrs, addr)
		}
	}
	for _, addr := range ps.addrs {
		ps.byName[reverseName(addr)] = addr
	}
	return ps
}

// reverses is the reverse direction and its zones. A name without a zone is noted in missing and left out.
// The error is that of a search that failed and is worth repeating.
func (r *Registrar) reverses(ctx context.Context, ps pointers, how effort) (*direction, []*group, error) {
	dir := &direction{Registrar: r, units: r.reverse, how: how}
	dir.find = func(name string) (place, error) {
		p, err := r.locatePointer(ctx, name)
		if err == nil {
			err = r.pinFirst(ctx, p, len(ps.addrs))
		}
		return p, err
	}
	dir.wants = func(name string, p place) []want {
		w := want{key: setKey{p.owner, dns.TypePTR}, data: make(map[rdata]bool), adopt: r.pointsToUs}
		if target := ps.target[ps.byName[name]]; target != "" {
			w.data[rdata{text: target}] = true
			w.only = ps.frozen[ps.byName[name]]
		}
		return []want{w}
	}
	names := make([]string, 0, len(ps.addrs))
	for _, addr := range ps.addrs {
		names = append(names, reverseName(addr))
	}
	pause := !how.urgent && r.search.waiting(r.cfg.Clock.Now())
	if n := len(names); n > 0 && r.search.failures > 0 {
		// Start elsewhere: a name that nobody answers for must not keep the others waiting for ever.
		k := r.net.dice.IntN(n)
		names = slices.Concat(names[k:], names[:k])
	}
	down := make(map[bool]error) // by family: its servers may be others
	groups, _ := gather(names, func(name string) (place, error) {
		addr := ps.byName[name]
		_, silent := errors.AsType[*NoReplyError](down[addr.Is4()])
		switch {
		case r.missing[name] != nil:
			return place{}, r.missing[name]
		case !r.places.knows(name) && (pause || silent): // it would cost a timeout for each name
			return place{}, errSuperseded
		}
		p, err := dir.look(name)
		if err != nil && !lasting(err) && down[addr.Is4()] == nil {
			down[addr.Is4()] = err
		} else if err != nil && lasting(err) {
			r.lacks(name, addr, err)
		}
		return p, err
	}, dir.wants)
	r.dropHomeless(ps)
	err := errors.Join(down[true], down[false])
	if !pause && !how.plan {
		r.conclude(ctx, &r.search, result{all: true, err: err})
	}
	return dir, groups, err
}

// lacks notes that a reverse name has no zone.
func (r *Registrar) lacks(name string, addr netip.Addr, err error) {
	r.missing[name] = err
	if _, retired := r.retired[addr]; retired {
		r.cfg.Logger.Info("dnsreg: no zone to remove a PTR record from", "address", addr, "name", name, "error", err)
		return
	}
	r.cfg.Logger.Warn("dnsreg: no PTR record", "address", addr, "name", name, "error", err)
}

// dropHomeless forgets retired addresses in whose zone there can be no PTR record of ours. A zone that nobody has
// today may be back tomorrow, with the record: a server refuses by mistake, or the zone moves.
func (r *Registrar) dropHomeless(ps pointers) {
	homeless := 0
	for _, addr := range ps.addrs {
		why := r.missing[reverseName(addr)]
		if _, retired := r.retired[addr]; !retired || why == nil || ps.target[addr] != "" {
			continue
		}
		if allLocal(why) {
			delete(r.retired, addr)
			continue
		}
		if homeless++; homeless > maxHomeless {
			r.cfg.Logger.Warn("dnsreg: PTR record may be left behind", "address", addr, "error", why)
			delete(r.retired, addr)
		}
	}
}

// allLocal reports whether an error says ErrLocalZone and nothing else, joined ones included.
func allLocal(err error) bool {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return !slices.ContainsFunc(joined.Unwrap(), func(e error) bool { return !allLocal(e) })
	}
	return errors.Is(err, ErrLocalZone)
}

// locatePointer finds the zone of a reverse name; often the reply is the PTR RRset at the same time.
func (r *Registrar) locatePointer(ctx context.Context, name string) (place, error) {
	p, answer, err := r.places.locatePointer(ctx, name)
	if err == nil && answer != nil {
		r.learn(p, setKey{p.owner, dns.TypePTR}, answer)
	}
	return p, err
}

// pointsToUs claims PTR records that lead to one of our names, or to one that was ours.
func (r *Registrar) pointsToUs(d rdata) bool { return r.configured(d.text) || r.earlier[d.text] }

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

// retireDeleted notes the addresses that an update takes from a forward zone.
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
	case k.rtype != dns.TypeA && k.rtype != dns.TypeAAAA || r.cfg.NoPTR:
	case len(r.retired) >= maxRetired:
		r.cfg.Logger.Warn("dnsreg: PTR record may be left behind", "address", d.addr)
	default:
		r.retired[d.addr] = k.name
	}
}

// prune drops what is remembered about names that no longer matter.
func (r *Registrar) prune(d decision, ps pointers) {
	names := make(map[string]bool)
	for _, name := range d.allNames() {
		names[name] = true
	}
	for addr := range d.pointer {
		names[reverseName(addr)] = true
	}
	for name := range ps.byName {
		names[name] = true
	}
	for _, addr := range r.registered() { // their PTR records go next, once the zone of the others can be reached
		names[reverseName(addr)] = true
	}
	maps.DeleteFunc(r.missing, func(name string, _ error) bool { return !names[name] })
	owners := r.places.keep(names)
	maps.DeleteFunc(r.memory, func(k setKey, _ *rrset) bool { return k.rtype == dns.TypePTR && !owners[k.name] })
	maps.DeleteFunc(r.pins, func(p place, _ *pin) bool { return r.forward[p] == nil && r.reverse[p] == nil })
}
