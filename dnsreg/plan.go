package dnsreg

import (
	"cmp"
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
	Name      string       `json:"name"`      // as Config.Name became: canonical, with a final dot; empty if that was
	Addresses []Verdict    `json:"addresses"` // every address of the Source, in its order
	Zones     []ZonePlan   `json:"zones"`     // one for each message that would be sent, the forward zones first
	Skipped   []SkippedPTR `json:"skipped"`   // reverse names without a zone
}

// ZonePlan is one update message, in the words of nsupdate.
type ZonePlan struct {
	Zone          string   `json:"zone"`
	Server        string   `json:"server"`        // host:port
	Prerequisites []string `json:"prerequisites"` // without which nothing is done, as in "prereq nxdomain host.example.test."
	Deletes       []string `json:"deletes"`       // single records, as in "update delete host.example.test. A 192.0.2.1"
	Adds          []string `json:"adds"`          // as in "update add host.example.test. 1200 A 192.0.2.2"
}

// SkippedPTR is the name of an address that gets no PTR record, or one that has lost its A or AAAA record and
// whose PTR record, if there is one, can't be removed yet.
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
	maps.DeleteFunc(failed, r.disowned)
	var gone []netip.Addr
	for _, g := range groups {
		edits, bad := r.planZone(ctx, g, &plan)
		maps.DeleteFunc(bad, r.disowned)
		maps.Copy(failed, bad)
		for _, e := range edits {
			for _, x := range e.deletes {
				gone = append(gone, x.addr)
			}
		}
	}
	errs := []error{limit, joined(failed)}
	if r.cfg.NoPTR {
		return plan, errors.Join(errs...)
	}
	r.seekOrphans(ctx, d)
	ps := r.pointersOf(d, func(name string) bool { return failed[name] == nil }, how, gone)
	_, groups, err = r.reverses(ctx, ps, how)
	errs = append(errs, err)
	for _, g := range groups {
		_, bad := r.planZone(ctx, g, &plan)
		errs = append(errs, joined(bad))
	}
	plan.Skipped = r.skipped()
	return plan, errors.Join(errs...)
}

// planZone adds the messages that a zone would get. failed has the names that would get none.
func (r *Registrar) planZone(ctx context.Context, g *group, plan *Plan) (all []edit, failed map[string]error) {
	s := r.newSettlement(g.place, g.wants, false)
	s.plan = true
	all, err := s.prepare(ctx)
	if err == nil {
		err = r.planMessages(ctx, g.place, toSend(all, false, s.done), plan)
	}
	failed = make(map[string]error)
	for name, owner := range g.names {
		if e := cmp.Or(err, s.refused[owner]); e != nil {
			failed[name] = e
		}
	}
	return all, failed
}

func (r *Registrar) planMessages(ctx context.Context, at place, edits []edit, plan *Plan) error {
	pn := *r.pinOf(at)
	for len(edits) > 0 {
		m, err := r.compose(ctx, at, &pn, edits, false)
		if err != nil {
			return err
		}
		if len(m.edits) == 0 {
			return errTooLarge(edits)
		}
		plan.Zones = append(plan.Zones, m.plan(at))
		if pn.soa != nil {
			next := *pn.soa
			next.Serial++
			pn.soa = &next
		}
		edits = m.rest
	}
	return nil
}

// joined joins the errors of names, each once, in the order of the names.
func joined(failed map[string]error) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(failed)) {
		if !slices.Contains(errs, failed[name]) {
			errs = append(errs, failed[name])
		}
	}
	return errors.Join(errs...)
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
