package dnsreg

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// Plan is what Sync would do now.
type Plan struct {
	Name      string
	Addresses []Verdict    // every address of the Source, in its order
	Zones     []ZonePlan   // one for each message that would be sent, the forward zone first
	Skipped   []SkippedPTR // addresses without a reverse zone
}

// ZonePlan is one update message, in the words of nsupdate.
type ZonePlan struct {
	Zone          string
	Server        string // host:port
	Prerequisites []string
	Deletes       []string
	Adds          []string
}

// SkippedPTR is an address that gets no PTR record.
type SkippedPTR struct {
	Name string // of the record, as in "1.2.0.192.in-addr.arpa."
	Err  error  // ErrNoZone, ErrLocalZone, or a server's refusal
}

// Plan finds the zones and reads records as Sync would, sends no update, and returns what Sync would
// send, refreshes aside. With an error the plan holds what could be found out.
func (r *Registrar) Plan(ctx context.Context) (Plan, error) {
	plan := Plan{Name: r.cfg.Name}
	give, err := r.take(ctx)
	if err != nil {
		return plan, err
	}
	defer give()
	r.places.begin()
	clear(r.missing) // as Sync does
	addrs, _ := r.cfg.Source.Addresses()
	off, _ := r.switches.now()
	d, err := r.cfg.decide(addrs, off)
	plan.Addresses = d.verdicts
	if err != nil {
		return plan, err
	}
	p, err := r.locateForward(ctx)
	if err != nil {
		return plan, err
	}
	edits, err := r.prepare(ctx, p, r.forwardWants(d))
	if err != nil {
		return plan, err
	}
	plan.add(p, edits, r.ttl)
	if r.cfg.NoPTR {
		return plan, nil
	}
	var gone []netip.Addr
	for _, e := range edits {
		for _, x := range e.deletes {
			gone = append(gone, x.addr)
		}
	}
	groups, err := r.groups(ctx, d, gone, true)
	errs := []error{err}
	for _, g := range groups {
		edits, err := r.prepare(ctx, g.place, g.wants)
		errs = append(errs, err)
		if err == nil {
			plan.add(g.place, edits, r.ttl)
		}
	}
	plan.Skipped = r.skipped()
	return plan, errors.Join(errs...)
}

func (p *Plan) add(at place, edits []edit, ttl uint32) {
	changes := toSend(edits, false)
	if len(changes) == 0 {
		return
	}
	z := ZonePlan{Zone: at.zone, Server: at.server}
	z.Prerequisites, z.Deletes, z.Adds = describe(updateMessage(at.zone, changes, ttl))
	p.Zones = append(p.Zones, z)
}

func (r *Registrar) skipped() []SkippedPTR {
	var out []SkippedPTR
	for _, name := range slices.Sorted(maps.Keys(r.missing)) {
		out = append(out, SkippedPTR{name, r.missing[name]})
	}
	return out
}

// registered returns the addresses that have an A or AAAA record of ours, as far as is known.
func (r *Registrar) registered() []netip.Addr {
	var out []netip.Addr
	for _, rtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
		if s := r.memory[setKey{r.cfg.Name, rtype}]; s != nil {
			for d := range s.own {
				out = append(out, d.addr)
			}
		}
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return out
}

// String returns the plan as text: the verdict on each address, then each message.
func (p Plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "name %s\n", p.Name)
	width := 0
	for _, v := range p.Addresses {
		width = max(width, len(v.Address.Prefix.Addr().String()))
	}
	for _, v := range p.Addresses {
		fmt.Fprintf(&b, "  %-*s  %v\n", width, v.Address.Prefix.Addr(), v.Reason)
	}
	for _, z := range p.Zones {
		fmt.Fprintf(&b, "zone %s at %s\n", z.Zone, z.Server)
		for _, line := range slices.Concat(z.Prerequisites, z.Deletes, z.Adds) {
			fmt.Fprintf(&b, "  %s\n", line)
		}
	}
	if len(p.Zones) == 0 {
		b.WriteString("nothing to send\n")
	}
	for _, s := range p.Skipped {
		fmt.Fprintf(&b, "skipped %s: %v\n", s.Name, s.Err)
	}
	return b.String()
}
