package dnsreg

import (
	"context"
	"maps"

	"github.com/miekg/dns"
)

// place is where a name's records live.
type place struct {
	owner  string // the name, or where a CNAME leads to (RFC 2317 delegates single PTR records that way)
	zone   string
	server string // host:port that takes the zone's updates
}

// places finds where names live, and remembers it. Who has the Registrar's turn may use it.
type places struct {
	cfg *Config
	ask func(ctx context.Context, name string, qtype uint16, server string, sign bool) (*dns.Msg, error)

	byName map[string]place // of the names in use
	silent map[string]int   // timeouts by server, in this pass
}

func newPlaces(r *Registrar) places {
	return places{cfg: &r.cfg, ask: r.ask, byName: make(map[string]place), silent: make(map[string]int)}
}

// begin starts a pass.
func (ps *places) begin() { clear(ps.silent) }

// knows reports whether locate has the answer already.
func (ps *places) knows(name string) bool {
	_, ok := ps.byName[name]
	return ok
}

// locate is find with a memory.
func (ps *places) locate(ctx context.Context, name string) (place, error) {
	if p, ok := ps.byName[name]; ok {
		return p, nil
	}
	p, err := ps.find(ctx, name)
	if err == nil {
		ps.byName[name] = p
	}
	return p, err
}

// displace forgets where the names of a zone live.
func (ps *places) displace(gone place) {
	maps.DeleteFunc(ps.byName, func(_ string, p place) bool { return p.zone == gone.zone && p.server == gone.server })
}

// keep forgets all names but these, and returns the owners of their records.
func (ps *places) keep(names map[string]bool) (owners map[string]bool) {
	owners = make(map[string]bool)
	maps.DeleteFunc(ps.byName, func(name string, p place) bool {
		if names[name] {
			owners[p.owner] = true
		}
		return !names[name]
	})
	return owners
}
