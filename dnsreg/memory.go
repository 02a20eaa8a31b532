package dnsreg

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// registeredTypes are those that a Registrar writes: addresses, pointers, and marks of ownership.
var registeredTypes = []uint16{dns.TypeA, dns.TypeAAAA, dns.TypePTR, dns.TypeTXT, dns.TypeDHCID}

// setKey names an RRset.
type setKey struct {
	name  string // canonical
	rtype uint16
}

// rdata is what a record says: addr for A and AAAA; text is the target of PTR, the digest of DHCID, and
// the strings of TXT, joined by NUL, which the codec's form of them does not have.
type rdata struct {
	addr netip.Addr
	text string
}

func compareRdata(a, b rdata) int {
	return cmp.Or(a.addr.Compare(b.addr), cmp.Compare(a.text, b.text))
}

// rrset is what is known about an RRset at its server.
type rrset struct {
	known bool             // all is what the server last said, or took
	free  bool             // the name owned nothing at all when it was read, and has got nothing since
	doubt bool             // an update of it was sent and no reply came: all is what it was before
	pass  uint64           // in which it was read
	since uint64           // the state of the zone, as pinned, that it was read in; see pin
	all   map[rdata]uint32 // every record with its TTL in seconds
	own   map[rdata]bool   // those of all that are ours
	maybe map[rdata]bool   // ours too, should a read find them: they were sent, and no reply came
	sent  time.Time        // not before the last of maybe was
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
	m, err := r.askAt(ctx, k.name, k.rtype, p)
	if err != nil {
		return err
	}
	if target := aliasOf(m, k.name); target != "" {
		return &aliasError{k.name, target}
	}
	if !m.Authoritative {
		// An empty referral would otherwise pass for a name without records.
		return fmt.Errorf("dnsreg: %s at %s: %w: the server is not authoritative", k.name, p.server, ErrNoZone)
	}
	r.learn(p, k, m)
	return nil
}

// learn takes over what an authoritative reply says about an RRset.
func (r *Registrar) learn(p place, k setKey, m *dns.Msg) {
	s := r.set(k)
	if soa := soaOf(m.Ns, p.zone); soa != nil { // RFC 2308 section 3: negative replies have it
		r.pinOf(p).saw(soa, r.cfg.Clock.Now())
	}
	s.known, s.doubt = true, false
	s.pass, s.since = r.passes, r.pinOf(p).state
	s.free = m.Rcode == dns.RcodeNameError
	s.all = dataOf(m, k)
	for d := range s.all {
		s.own[d] = s.own[d] || s.maybe[d]
		delete(s.maybe, d)
	}
	for d := range s.maybe {
		r.retire(k, d) // nobody knows whether it has ever been there, or is still to come
	}
	if r.overdue(s) {
		clear(s.maybe)
	}
	for d, ours := range s.own {
		if _, ok := s.all[d]; !ok {
			r.retire(k, d) // somebody else took the record; its PTR record may still be there
			ours = false
		}
		if !ours {
			delete(s.own, d)
		}
	}
}

// lateTime is for how long an update that got no reply may still be carried out: its signature counts for five
// minutes (RFC 8945 section 10) by the server's clock, which may differ from ours by as much.
const lateTime = 10 * time.Minute

// overdue reports whether what may be ours has come by now, if it comes at all.
func (r *Registrar) overdue(s *rrset) bool { return r.cfg.Clock.Now().Sub(s.sent) >= lateTime }

// dataOf returns the RRset in a reply: what each record says, with its TTL.
func dataOf(m *dns.Msg, k setKey) map[rdata]uint32 {
	out := make(map[rdata]uint32)
	for _, rr := range m.Answer {
		h := rr.Header()
		d, ok := rdataOf(rr)
		if ok && h.Rrtype == k.rtype && h.Class == dns.ClassINET && dns.CanonicalName(h.Name) == k.name {
			out[d] = h.Ttl
		}
	}
	return out
}

// rdataOf returns what a record says; ok is false for one that is of no type that is registered, or has no data.
func rdataOf(rr dns.RR) (d rdata, ok bool) {
	switch rr := rr.(type) {
	case *dns.PTR:
		return rdata{text: dns.CanonicalName(rr.Ptr)}, true
	case *dns.TXT:
		return rdata{text: strings.Join(rr.Txt, "\x00")}, true // "" is data as well
	case *dns.DHCID:
		return rdata{text: rr.Digest}, true
	}
	addr := addressOf(rr)
	return rdata{addr: addr}, addr.IsValid()
}
