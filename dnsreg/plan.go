package dnsreg

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
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
	d, limit := r.cfg.decide(addrs, off)
	d = r.withFormer(d)
	plan.Addresses = d.verdicts
	how := effort{urgent: true, plan: true}
	dir := r.forwards(ctx, d, how)
	groups, failed := gather(d.allNames(), dir.find, dir.wants)
	errs := append([]error{limit}, slices.Collect(maps.Values(failed))...)
	var gone []netip.Addr
	for _, g := range groups {
		edits, err := r.planZone(ctx, g, &plan)
		errs = append(errs, err)
		for _, e := range edits {
			for _, x := range e.deletes {
				gone = append(gone, x.addr)
			}
		}
	}
	if r.cfg.NoPTR {
		return plan, errors.Join(errs...)
	}
	ps := r.pointersOf(d, func(name string) bool { return failed[name] == nil }, how, gone)
	_, groups, err = r.reverses(ctx, ps, how)
	errs = append(errs, err)
	for _, g := range groups {
		_, err := r.planZone(ctx, g, &plan)
		errs = append(errs, err)
	}
	plan.Skipped = r.skipped()
	return plan, errors.Join(errs...)
}

// planZone adds the messages that a zone would get.
func (r *Registrar) planZone(ctx context.Context, g *group, plan *Plan) ([]edit, error) {
	s := r.newSettlement(g.place, g.wants, false)
	all, err := s.prepare(ctx)
	if err != nil {
		return nil, err
	}
	pn := *r.pinOf(g.place)
	for edits := toSend(all, false, s.done); len(edits) > 0; {
		m, err := r.compose(ctx, g.place, &pn, edits)
		if err != nil {
			return all, err
		}
		if len(m.edits) == 0 {
			return all, errTooLarge(edits)
		}
		plan.Zones = append(plan.Zones, m.plan(g.place))
		if pn.soa != nil {
			next := *pn.soa
			next.Serial++
			pn.soa = &next
		}
		edits = m.rest
	}
	return all, errors.Join(slices.Collect(maps.Values(s.refused))...)
}

func (r *Registrar) skipped() []SkippedPTR {
	var out []SkippedPTR
	for _, name := range slices.Sorted(maps.Keys(r.missing)) {
		out = append(out, SkippedPTR{name, r.missing[name]})
	}
	return out
}

// String returns the plan for people: the verdict on each address, then what changes in each zone, removed
// records after "-" and added ones after "+".
func (p Plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "name %s\n", p.Name)
	width := 0
	for _, v := range p.Addresses {
		width = max(width, len(v.Address.Prefix.Addr().String()))
	}
	for _, v := range p.Addresses {
		fmt.Fprintf(&b, "  %-*s  %v", width, v.Address.Prefix.Addr(), v.Reason)
		for _, name := range v.Names {
			if len(v.Names) > 1 || name != p.Name {
				fmt.Fprintf(&b, " %s", name)
			}
		}
		b.WriteByte('\n')
	}
	for _, z := range p.Zones {
		fmt.Fprintf(&b, "zone %s at %s\n", z.Zone, z.Server)
		for _, line := range z.Deletes {
			fmt.Fprintf(&b, "  - %s\n", strings.TrimPrefix(line, "update delete "))
		}
		for _, line := range z.Adds {
			fmt.Fprintf(&b, "  + %s\n", strings.TrimPrefix(line, "update add "))
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

// Script returns the messages as nsupdate reads them, prerequisites included, keys not.
func (p Plan) Script() string {
	var b strings.Builder
	for _, z := range p.Zones {
		host, port, _ := net.SplitHostPort(z.Server)
		fmt.Fprintf(&b, "server %s %s\nzone %s\n", host, port, z.Zone)
		for _, line := range slices.Concat(z.Prerequisites, z.Deletes, z.Adds) {
			fmt.Fprintf(&b, "%s\n", line)
		}
		b.WriteString("send\n")
	}
	return b.String()
}
