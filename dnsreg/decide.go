package dnsreg

import (
	"errors"
	"net/netip"
	"slices"

	"github.com/hextet/hextet/srcselect"
)

// Verdict is an address of the host and what becomes of it.
type Verdict struct {
	Address srcselect.Address `json:"address"`
	Reason  Reason            `json:"reason"`
	Names   []string          `json:"names,omitempty"` // that it is registered under, in the order of the Config
}

func cloneVerdicts(vs []Verdict) []Verdict {
	out := slices.Clone(vs)
	for i := range out {
		out[i].Names = slices.Clone(out[i].Names)
	}
	return out
}

// decision is what a snapshot of the Source means for the zones.
type decision struct {
	verdicts []Verdict
	names    []nameDecision          // of all names, in the order of the Config
	eligible []netip.Addr            // those that some name takes, without repetition, in the Source's order
	pointer  map[netip.Addr]string   // the name that the address's PTR record points to, if it gets one
	assigned map[netip.Addr]struct{} // everything that the host has, in whatever state
	over     map[nameFamily]*LimitError
}

// nameDecision is what a decision means for one name.
type nameDecision struct {
	name     string
	eligible []netip.Addr // that the name takes, without repetition, in the Source's order
}

// nameFamily stands for the addresses of a family, as family says it, under one name.
type nameFamily struct{ name, family string }

// frozen reports whether too many addresses of a family are eligible under a name. Then no record of
// theirs is added, A, AAAA or PTR to this name; those of eligible addresses that are there stay, and those
// of others go.
func (d *decision) frozen(name, family string) bool { return d.over[nameFamily{name, family}] != nil }

// allNames lists the names, in the order of the Config.
func (d *decision) allNames() (names []string) {
	for _, n := range d.names {
		names = append(names, n.name)
	}
	return names
}

// withdrawn is the decision to register nothing.
func (d decision) withdrawn() decision {
	out := decision{verdicts: d.verdicts, assigned: d.assigned, pointer: make(map[netip.Addr]string)}
	for _, n := range d.names {
		out.names = append(out.names, nameDecision{name: n.name})
	}
	return out
}

// decide judges the addresses; off has the interfaces that are switched off. An address that is
// skip-as-source on one interface is so on all of them: the exclusion is hard, and a record does not know
// interfaces. The error joins a *LimitError for each name and family that is over the limit; the decision
// holds all the same.
func (cfg *Config) decide(addrs []srcselect.Address, off map[int]bool) (decision, error) {
	d := decision{
		pointer: make(map[netip.Addr]string), assigned: make(map[netip.Addr]struct{}, len(addrs)),
		over: make(map[nameFamily]*LimitError),
	}
	skipped := make(map[netip.Addr]bool)
	for _, a := range addrs {
		addr := a.Prefix.Addr().Unmap()
		d.assigned[addr] = struct{}{}
		skipped[addr] = skipped[addr] || a.SkipAsSource
	}
	takers := make([]taker, len(cfg.Names))
	anyone := make(taker)
	for i, h := range cfg.Names {
		d.names = append(d.names, nameDecision{name: h.Name})
		takers[i] = make(taker)
	}
	for _, a := range addrs {
		v := Verdict{Address: a, Reason: cfg.verdict(a, skipped, off)}
		for i, h := range cfg.Names {
			if v.Reason == Registered && h.Policy.verdict(a) == Registered {
				v.Names = append(v.Names, h.Name)
				d.names[i].eligible = takers[i].take(d.names[i].eligible, a)
			}
		}
		switch {
		case len(v.Names) > 0:
			d.eligible = anyone.take(d.eligible, a)
		case v.Reason == Registered:
			v.Reason = Unnamed
		}
		d.verdicts = append(d.verdicts, v)
	}
	d.point(cfg)
	return d, d.limit(cfg.MaxAddresses)
}

// verdict is that of one address among the others, whatever it is called.
func (cfg *Config) verdict(a srcselect.Address, skipped map[netip.Addr]bool, off map[int]bool) Reason {
	a.SkipAsSource = skipped[a.Prefix.Addr().Unmap()]
	switch why := ineligible(a); {
	case why != Registered:
		return why
	case off[a.Interface]:
		return InterfaceOff
	}
	return cfg.Policy.verdict(a)
}

// taker makes a list without repetition.
type taker map[netip.Addr]struct{}

func (t taker) take(list []netip.Addr, a srcselect.Address) []netip.Addr {
	addr := a.Prefix.Addr()
	if _, taken := t[addr]; taken {
		return list
	}
	t[addr] = struct{}{}
	return append(list, addr)
}

// point finds the names that PTR records point to: the first that takes the address. That stays so while
// the name is over its limit, since records that come and go with a limit help nobody.
func (d *decision) point(cfg *Config) {
	for i, h := range cfg.Names {
		if cfg.NoPTR || h.NoPTR {
			continue
		}
		for _, addr := range d.names[i].eligible {
			if _, pointed := d.pointer[addr]; !pointed {
				d.pointer[addr] = h.Name
			}
		}
	}
}

// limit freezes what is over the limit, and corrects the verdicts.
func (d *decision) limit(most int) error {
	var errs []error
	for _, n := range d.names {
		count := make(map[string]int)
		for _, addr := range n.eligible {
			count[family(addr)]++
		}
		for _, fam := range []string{"IPv4", "IPv6"} {
			if count[fam] > most {
				e := &LimitError{Name: n.name, Family: fam, Count: count[fam], Limit: most}
				d.over[nameFamily{n.name, fam}] = e
				errs = append(errs, e)
			}
		}
	}
	for i := range d.verdicts {
		v := &d.verdicts[i]
		if v.Reason != Registered {
			continue
		}
		fam := family(v.Address.Prefix.Addr())
		v.Names = slices.DeleteFunc(v.Names, func(name string) bool { return d.frozen(name, fam) })
		if len(v.Names) == 0 {
			v.Names, v.Reason = nil, OverLimit
		}
	}
	return errors.Join(errs...)
}

func family(a netip.Addr) string {
	if a.Is4() {
		return "IPv4"
	}
	return "IPv6"
}
