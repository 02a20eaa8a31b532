package dnsreg

import (
	"math"
	"slices"
)

// want is what an RRset ought to hold of ours.
type want struct {
	key   setKey
	data  map[rdata]bool
	adopt func(rdata) bool // claims a record that we have no memory of writing
	only  bool             // what is there and in data may stay, and nothing is added
}

// edit is what one message does to one RRset.
type edit struct {
	key           setKey
	ttl           uint32  // of adds, in seconds
	free          bool    // no record of any type is at the name
	doubt         bool    // before is what it was when the last update got no reply
	since         uint64  // as that of rrset
	before        []rdata // everything there: the prerequisite
	deletes, adds []rdata // a record that only gets another TTL is in both
	after         []rdata // ours when it is done, as far as it is there
}

func (e edit) empty() bool { return len(e.deletes) == 0 && len(e.adds) == 0 }

// take makes the records ours that w claims, for good: that nothing has to be done about a record now does
// not mean that it may stay once the host no longer has the address.
func (s *rrset) take(w want) {
	for d := range s.all {
		if w.adopt(d) {
			s.own[d] = true
		}
	}
}

// diff compares what is known with what is wanted, once w's claims are taken. An RRset has one TTL (RFC 2181 section 5.2), and servers see to
// it: beside records of others ours take theirs, since it is not ours to change.
func (s *rrset) diff(w want, ttl uint32) edit {
	e := edit{key: w.key, ttl: ttl, free: s.free, doubt: s.doubt, since: s.since}
	others := uint32(math.MaxUint32)
	for d, old := range s.all {
		if !s.own[d] && !w.data[d] {
			others = min(others, old)
			e.ttl = others
		}
	}
	for d, old := range s.all {
		e.before = append(e.before, d)
		switch {
		case w.data[d] && old != e.ttl && !w.only:
			e.deletes = append(e.deletes, d)
			e.adds = append(e.adds, d)
		case s.own[d] && !w.data[d]:
			e.deletes = append(e.deletes, d)
		}
	}
	for d := range w.data {
		if _, there := s.all[d]; !there && !w.only {
			e.adds = append(e.adds, d)
		}
		e.after = append(e.after, d)
	}
	for _, list := range [][]rdata{e.before, e.deletes, e.adds, e.after} {
		slices.SortFunc(list, compareRdata) // messages and plans come out the same every time
	}
	return e
}

// commit notes that the server has carried the edit out. fenced says that no earlier update of the RRset can be
// carried out any more: its prerequisites don't hold.
func (r *Registrar) commit(e edit, fenced bool) {
	if !e.empty() {
		for _, rtype := range registeredTypes {
			if s := r.memory[setKey{e.key.name, rtype}]; s != nil {
				s.free = false
			}
		}
	}
	s := r.set(e.key)
	s.doubt = false
	for _, d := range e.deletes {
		delete(s.all, d)
		delete(s.own, d)
	}
	for _, d := range e.adds {
		s.all[d] = e.ttl
	}
	for _, d := range e.after {
		if _, there := s.all[d]; there {
			s.own[d] = true
		}
	}
	if fenced || r.overdue(s) {
		clear(s.maybe)
	}
}

// doubt notes that nobody knows whether the server has carried the edit out. What may have been written is
// ours if it is there. The next update requires what was there before: either nothing has happened yet, and
// it does all of it, or it is refused, and the records are read back.
func (r *Registrar) doubt(e edit) {
	s := r.set(e.key)
	s.doubt = s.doubt || !e.empty()
	for _, d := range e.adds {
		s.maybe[d], s.sent = true, r.cfg.Clock.Now()
	}
}

// forget notes that the records are not what they were thought to be, and have to be read.
func (r *Registrar) forget(e edit) {
	r.doubt(e)
	r.set(e.key).known = false
}
