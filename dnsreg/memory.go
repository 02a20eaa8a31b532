package dnsreg

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/miekg/dns"
)

// setKey names an RRset.
type setKey struct {
	name  string // canonical
	rtype uint16
}

// rdata is what a record says: addr for A and AAAA, target for PTR.
type rdata struct {
	addr   netip.Addr
	target string
}

func compareRdata(a, b rdata) int {
	return cmp.Or(a.addr.Compare(b.addr), cmp.Compare(a.target, b.target))
}

// rrset is what is known about an RRset at its server.
type rrset struct {
	known bool             // all is what the server last said, or took
	free  bool             // the name owned nothing at all when it was read, and has got nothing since
	all   map[rdata]uint32 // every record with its TTL in seconds
	own   map[rdata]bool   // those of all that are ours
	maybe map[rdata]bool   // ours too, should the next read find them: they were sent, and no reply came
}

// set returns the memory of an RRset.
func (r *Registrar) set(k setKey) *rrset {
	s := r.memory[k]
	if s == nil {
		s = &rrset{all: make(map[rdata]uint32), own: make(map[rdata]bool), maybe: make(map[rdata]bool)}
		r.memory[k] = s
	}
	return s
}

// read asks the server for an RRset. What was thought ours stays so if it is still there.
func (r *Registrar) read(ctx context.Context, p place, k setKey) error {
	m, err := r.ask(ctx, k.name, k.rtype, p.server, true)
	if err != nil {
		return err
	}
	if target := aliasOf(m, k.name); target != "" {
		return fmt.Errorf("dnsreg: %s: %w to %s", k.name, ErrAlias, target)
	}
	if !m.Authoritative {
		// An empty referral would otherwise pass for a name without records.
		return fmt.Errorf("dnsreg: %s at %s: %w: the server is not authoritative", k.name, p.server, ErrNoZone)
	}
	s := r.set(k)
	s.known = true
	s.free = m.Rcode == dns.RcodeNameError
	clear(s.all)
	for _, rr := range m.Answer {
		h, d := rr.Header(), rdataOf(rr)
		if h.Rrtype == k.rtype && h.Class == dns.ClassINET && dns.CanonicalName(h.Name) == k.name && d != (rdata{}) {
			s.all[d] = h.Ttl
			s.own[d] = s.own[d] || s.maybe[d]
		}
	}
	clear(s.maybe)
	for d, ours := range s.own {
		if _, ok := s.all[d]; !ok {
			r.retire(k, d) // somebody else took the record; its PTR record may still be there
			ours = false
		}
		if !ours {
			delete(s.own, d)
		}
	}
	return nil
}

// rdataOf returns zero for what is no record of the three types.
func rdataOf(rr dns.RR) rdata {
	if ptr, ok := rr.(*dns.PTR); ok {
		return rdata{target: dns.CanonicalName(ptr.Ptr)}
	}
	return rdata{addr: addressOf(rr)}
}

// want is what an RRset ought to hold of ours.
type want struct {
	key   setKey
	data  map[rdata]bool
	adopt func(rdata) bool // claims a record that we have no memory of writing
}

// edit is what one message does to one RRset.
type edit struct {
	key           setKey
	free          bool    // no record of any type is at the name
	read          bool    // before was read in this pass
	before        []rdata // everything there: the prerequisite
	deletes, adds []rdata // a record that only gets another TTL is in both
	after         []rdata // ours when it is done
}

func (e edit) empty() bool { return len(e.deletes) == 0 && len(e.adds) == 0 }

// diff compares what is known with what is wanted.
func (s *rrset) diff(w want, ttl uint32) edit {
	e := edit{key: w.key, free: s.free}
	for d, old := range s.all {
		ours := s.own[d] || w.adopt(d)
		e.before = append(e.before, d)
		switch {
		case w.data[d] && old != ttl:
			e.deletes = append(e.deletes, d)
			e.adds = append(e.adds, d)
		case ours && !w.data[d]:
			e.deletes = append(e.deletes, d)
		}
	}
	for d := range w.data {
		if _, there := s.all[d]; !there {
			e.adds = append(e.adds, d)
		}
		e.after = append(e.after, d)
	}
	for _, list := range [][]rdata{e.before, e.deletes, e.adds, e.after} {
		slices.SortFunc(list, compareRdata) // messages and plans come out the same every time
	}
	return e
}

// commit notes that the server has carried the edit out.
func (r *Registrar) commit(e edit, ttl uint32) {
	for _, rtype := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypePTR} {
		if s := r.memory[setKey{e.key.name, rtype}]; s != nil {
			s.free = false
		}
	}
	s := r.set(e.key)
	for _, d := range e.deletes {
		delete(s.all, d)
	}
	for _, d := range e.adds {
		s.all[d] = ttl
	}
	clear(s.own)
	clear(s.maybe)
	for _, d := range e.after {
		s.own[d] = true
	}
}

// doubt notes that nobody knows whether the server has carried the edit out: it has to be read back,
// and what may have been written is ours if it is there.
func (r *Registrar) doubt(e edit) {
	s := r.set(e.key)
	s.known = false
	for _, d := range e.adds {
		s.maybe[d] = true
	}
}
