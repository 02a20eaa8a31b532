package dnsreg

import (
	"context"
	"errors"
	"net/netip"
	"slices"

	"github.com/miekg/dns"

	"github.com/hextet/hextet/srcselect"
)

// maxOrphans bounds the questions for PTR records that an earlier run may have left.
const maxOrphans = 64

// orphansOf returns addresses of the host that are not registered, and may have been.
func orphansOf(d decision) (out []netip.Addr) {
	for _, v := range d.verdicts {
		addr := v.Address.Prefix.Addr()
		if v.Reason != Registered && d.pointer[addr] == "" && ineligible(srcselect.Address{Prefix: v.Address.Prefix}) == Registered &&
			!slices.Contains(out, addr) && len(out) < maxOrphans {
			out = append(out, addr)
		}
	}
	return out
}

// seekOrphans retires addresses whose A or AAAA record an earlier run has removed, and not their PTR record any more:
// without a State nothing else tells of them. The addresses are those of the first pass. One question each does, to
// whoever may know; finding the zone is for those few whose answer is one of our names.
func (r *Registrar) seekOrphans(ctx context.Context, d decision) {
	if r.cfg.State != nil {
		return
	}
	if !r.sought {
		r.sought, r.orphans = true, orphansOf(d)
	}
	for len(r.orphans) > 0 {
		addr := r.orphans[0]
		targets, err := r.places.pointedTo(ctx, reverseName(addr))
		if i := slices.IndexFunc(targets, r.pointsToUs); i >= 0 {
			r.retired[addr], err = targets[i].text, nil
		}
		if err != nil {
			return // until zones are looked for again
		}
		r.orphans = r.orphans[1:]
	}
}

// pointedTo returns where the PTR records of a name lead to, as far as the resolvers and the servers say. The error
// is that of one that did not answer.
func (ps *places) pointedTo(ctx context.Context, name string) (targets []rdata, silence error) {
	for i, server := range slices.Concat(ps.cfg.Resolvers, ps.cfg.Servers) {
		if ps.silent[server] > 0 {
			silence = errTimeout
			continue
		}
		m, err := ps.ask(ctx, name, dns.TypePTR, server, i >= len(ps.cfg.Resolvers))
		if _, silent := errors.AsType[*NoReplyError](err); silent {
			silence = ps.heed(ctx, server, err)
		}
		if err != nil {
			continue
		}
		for _, rr := range m.Answer { // at the name, or at what its alias leads to: reading the zone will tell
			if ptr, ok := rr.(*dns.PTR); ok {
				targets = append(targets, rdata{text: dns.CanonicalName(ptr.Ptr)})
			}
		}
	}
	return targets, silence
}
