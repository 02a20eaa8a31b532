package dnsreg

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/miekg/dns"
)

// maxRaces is how often a pass starts over because somebody else changed the records meanwhile.
const maxRaces = 3

// settle brings the RRsets of one zone to what is wanted with one message, none if nothing differs.
// With confirm, what does not differ is confirmed by a message of prerequisites only.
// heard says that the server has confirmed or changed anything.
func (r *Registrar) settle(ctx context.Context, p place, wants []want, confirm bool) (heard bool, err error) {
	for range maxRaces {
		var edits []edit
		if edits, err = r.prepare(ctx, p, wants); err != nil {
			return heard, err
		}
		heard = heard || slices.ContainsFunc(edits, func(e edit) bool { return e.read })
		changes := toSend(edits, confirm)
		if len(changes) == 0 {
			return heard, nil
		}
		r.retireDeleted(changes)
		m := updateMessage(p.zone, changes, r.ttl)
		if _, err = r.exchange(ctx, p.server, m, true); err == nil {
			for _, e := range changes {
				r.commit(e, r.ttl)
			}
			r.logUpdate(p, m)
			return true, nil
		}
		for _, e := range changes {
			r.doubt(e)
		}
		if !lostRace(err) {
			return heard, err
		}
		r.net.counters.conflicts.Add(1)
	}
	return heard, fmt.Errorf("dnsreg: zone %s changed %d times while it was being updated: %w", p.zone, maxRaces, err)
}

// prepare reads what is not known and returns what has to be done.
func (r *Registrar) prepare(ctx context.Context, p place, wants []want) ([]edit, error) {
	var edits []edit
	for _, w := range wants {
		known := r.set(w.key).known
		if !known {
			if err := r.read(ctx, p, w.key); err != nil {
				return nil, err
			}
		}
		e := r.set(w.key).diff(w, r.ttl)
		e.read = !known
		edits = append(edits, e)
	}
	return edits, nil
}

// toSend returns the edits of the names at which something changes: the RRsets beside it are pinned down
// by the same message, so that it fits one state of the name only, however often it is replayed.
// With confirm it adds the RRsets that were not read just now, the empty ones too: somebody else may have
// registered an address there that must not be.
func toSend(edits []edit, confirm bool) (out []edit) {
	changing := make(map[string]bool)
	for _, e := range edits {
		changing[e.key.name] = changing[e.key.name] || !e.empty()
	}
	for _, e := range edits {
		if changing[e.key.name] || confirm && !e.read {
			out = append(out, e)
		}
	}
	return out
}

// lostRace reports whether a prerequisite failed. After a retransmission it may have been our own
// message that made it fail; reading back tells.
func lostRace(err error) bool {
	e, ok := errors.AsType[*ServerError](err)
	return ok && e.Authentic && e.Op == "update" &&
		(e.Rcode == dns.RcodeNXRrset || e.Rcode == dns.RcodeYXRrset || e.Rcode == dns.RcodeYXDomain)
}

func (r *Registrar) logUpdate(p place, m *dns.Msg) {
	if len(m.Ns) == 0 {
		r.cfg.Logger.Debug("dnsreg: zone confirmed", "zone", p.zone, "server", p.server)
		return
	}
	_, deletes, adds := describe(m)
	r.cfg.Logger.Info("dnsreg: zone updated", "zone", p.zone, "server", p.server, "deletes", deletes, "adds", adds)
}
