package dnsreg

import (
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// OwnerError is a name that is somebody else's, or nobody's as far as its records tell, while Config.Owner asks for
// proof. Nothing is written there.
type OwnerError struct {
	Name   string // of the host
	Record string // that says so, as a master file has it without the name
}

func (e *OwnerError) Error() string {
	return fmt.Sprintf("dnsreg: %s: the name is not ours: it has %s", e.Name, e.Record)
}

// Class implements the classification of ClassOf.
func (e *OwnerError) Class() Class { return Permanent }

// marks are the records of ownership: ours is to be there as long as the name has addresses, and none of the
// other kind. Marks of an earlier Owner, as far as State tells, go.
func (r *Registrar) marks(name string, wanted bool) (out []want) {
	rtype, text := r.cfg.Owner.record(name)
	ours := rdata{text: text}
	for _, t := range []uint16{dns.TypeTXT, dns.TypeDHCID} {
		w := want{key: setKey{name, t}, data: make(map[rdata]bool), adopt: func(d rdata) bool { return t == rtype && d == ours }}
		if t == rtype && wanted {
			w.data[ours] = true
		}
		if s := r.memory[w.key]; rtype != 0 || s != nil && len(s.own)+len(s.maybe) > 0 {
			out = append(out, w)
		}
	}
	return out
}

// claim decides whose a name is, once its RRsets are known, and returns what is wanted there.
//
// RFC 4703 section 5.3.2: if the name has our mark, all its addresses are ours, and those that are not wanted go.
// With somebody else's mark, or addresses without any, nothing may be touched; addresses that we have reason to
// take for ours, since the host has them or an earlier run has written them, get the mark.
func (r *Registrar) claim(wants []want) ([]want, error) {
	name := wants[0].key.name
	if r.cfg.Owner == (Owner{}) {
		return wants, nil
	}
	marked := false
	for _, w := range wants {
		for d := range r.set(w.key).all {
			switch {
			case w.key.rtype == dns.TypeA || w.key.rtype == dns.TypeAAAA:
			case r.set(w.key).own[d] || r.cfg.Owner.mine(name, w.key.rtype, d.text):
				marked = true // an earlier Owner of this host counts as well
			case r.cfg.Owner.foreign(name, w.key.rtype, d.text):
				return nil, &OwnerError{name, describeMark(w.key, d)}
			}
		}
	}
	wants = slices.Clone(wants)
	for i, w := range wants {
		if w.key.rtype != dns.TypeA && w.key.rtype != dns.TypeAAAA {
			continue
		}
		if marked {
			wants[i].adopt = func(rdata) bool { return true }
			continue
		}
		for d := range r.set(w.key).all {
			if !r.set(w.key).own[d] && !w.adopt(d) && r.configured(name) { // of a former name only what we know to be ours goes
				return nil, &OwnerError{name, describeMark(w.key, d)}
			}
		}
	}
	return wants, nil
}

func describeMark(k setKey, d rdata) string {
	return strings.TrimPrefix(words("", "", record(k, d, dns.ClassINET, 0)), "  "+k.name+" ")
}
