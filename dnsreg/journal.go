package dnsreg

import (
	"bytes"
	"cmp"
	"errors"
	"maps"
	"net/netip"
	"slices"

	"github.com/miekg/dns"
)

// recall takes over what an earlier run has kept: its records are ours if they are still there. Names that
// are no longer registered are former ones: their records go.
func (r *Registrar) recall(m memo) {
	before := func(name string) {
		if !r.configured(name) && !r.cfg.NoPTR {
			r.earlier[name] = true
		}
	}
	for _, name := range m.Names {
		before(name)
	}
	for _, s := range m.RRsets {
		rtype := dns.StringToType[s.Type]
		set := r.set(setKey{s.Name, rtype})
		for _, data := range slices.Concat(s.Own, s.Maybe) {
			set.maybe[parseRdata(rtype, data)], set.sent = true, r.cfg.Clock.Now()
		}
		if !r.configured(s.Name) && !slices.Contains(r.former, s.Name) {
			r.former = append(r.former, s.Name)
			before(s.Name)
		}
	}
	for _, a := range m.Retired {
		r.retired[a.Address] = a.Name
		before(a.Name)
	}
}

func (r *Registrar) configured(name string) bool {
	return slices.ContainsFunc(r.cfg.Names, func(n HostName) bool { return n.Name == name })
}

// withFormer adds the former names to a decision, with nothing to register.
func (r *Registrar) withFormer(d decision) decision {
	for _, name := range r.former {
		d.names = append(d.names, nameDecision{name: name})
	}
	return d
}

// dropFormer forgets the former names that are rid of our records, and will not get any of an update that is on its
// way.
func (r *Registrar) dropFormer(settled map[string]bool) {
	r.former = slices.DeleteFunc(r.former, func(name string) bool {
		if !settled[name] || r.expects(name) {
			return false
		}
		r.forgetName(name)
		return true
	})
}

// expects reports whether records of a name may be on their way.
func (r *Registrar) expects(name string) bool {
	for k, s := range r.memory {
		if k.name == name && len(s.maybe) > 0 {
			return true
		}
	}
	return false
}

func (r *Registrar) forgetName(name string) {
	maps.DeleteFunc(r.memory, func(k setKey, _ *rrset) bool { return k.name == name })
}

// disowned reports whether err says that a former name is somebody else's by now, or an alias, of the new name
// perhaps. Then no record of ours is there, or none that may be touched.
func (r *Registrar) disowned(name string, err error) bool {
	_, foreign := errors.AsType[*OwnerError](err)
	return slices.Contains(r.former, name) && (foreign || errors.Is(err, ErrAlias))
}

// disown forgets a former name that is disowned. The PTR records go all the same.
func (r *Registrar) disown(name string, why error) {
	for k, s := range r.memory {
		if k.name == name {
			for d := range s.own {
				r.retire(k, d)
			}
			for d := range s.maybe {
				r.retire(k, d)
			}
		}
	}
	r.cfg.Logger.Info("dnsreg: a former name is somebody else's", "name", name, "reason", why)
	r.former = slices.DeleteFunc(r.former, func(n string) bool { return n == name })
	r.forgetName(name)
}

// journal keeps what is ours, and what will be if the edits about to be sent succeed: after a crash at any
// moment the next run knows of every record that this one may have written. It is saved before each change
// and after it. PTR records need no memory: they are known by the name that they point to.
func (r *Registrar) journal(pending []edit) {
	if r.cfg.State == nil {
		return
	}
	var m memo
	for _, n := range r.cfg.Names {
		m.Names = append(m.Names, n.Name)
	}
	for name := range r.earlier {
		m.Names = append(m.Names, name)
	}
	for k, s := range r.memory {
		maybe := maps.Clone(s.maybe)
		for _, e := range pending {
			for _, d := range e.adds {
				if e.key == k {
					maybe[d] = true
				}
			}
		}
		if k.rtype != dns.TypePTR && len(s.own)+len(maybe) > 0 {
			m.RRsets = append(m.RRsets, memoRRset{Name: k.name, Type: dns.TypeToString[k.rtype], Own: texts(s.own), Maybe: texts(maybe)})
		}
	}
	for addr, name := range r.retired {
		m.Retired = append(m.Retired, memoRetired{addr, name})
	}
	data := m.encode()
	if bytes.Equal(data, r.saved) {
		return
	}
	if r.stateErr = r.cfg.State.Save(data); r.stateErr != nil {
		r.cfg.Logger.Warn("dnsreg: the state can't be kept", "error", r.stateErr)
		return
	}
	r.saved = data
}

// texts lists record data as the memo has it.
func texts(set map[rdata]bool) (out []string) {
	for d := range set {
		out = append(out, cmp.Or(d.text, d.addr.String()))
	}
	return out
}

// parseRdata is the other way round; decodeMemo has checked the text.
func parseRdata(rtype uint16, data string) rdata {
	if rtype == dns.TypeA || rtype == dns.TypeAAAA {
		addr, _ := netip.ParseAddr(data)
		return rdata{addr: addr}
	}
	return rdata{text: data}
}

// remember loads what State has kept.
func (r *Registrar) remember() error {
	if r.cfg.State == nil {
		return nil
	}
	m, err := loadMemo(r.cfg.State, r.cfg.Logger)
	if err != nil {
		return errors.Join(errors.New("dnsreg: Config.State"), err)
	}
	r.recall(m)
	return nil
}
