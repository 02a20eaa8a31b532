package dnsregtest

import (
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// update carries out an UPDATE request and returns its rcode (RFC 2136 section 3), with the number of the
// last change of a zone that a reply now acknowledges; unless the server has died since the request came.
//
// The update section is scanned before the prerequisites are checked, as BIND does, so that who may not
// update a zone can't find out by prerequisites what is in it.
func (s *Server) update(req *dns.Msg, signed bool, epoch int) (rcode int, change uint64, alive bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if epoch != s.epoch {
		return 0, 0, false
	}
	rcode, change = s.change(req, signed)
	return rcode, change, true
}

// change is update on a server that lives. Callers hold s.mu.
func (s *Server) change(req *dns.Msg, signed bool) (rcode int, change uint64) {
	// Section 3.1.1: "exactly one RR therein and that the RR's ZTYPE is SOA, else signal FORMERR". There
	// are not two: such a message does not come so far.
	if len(req.Question) == 0 || req.Question[0].Qtype != dns.TypeSOA {
		return dns.RcodeFormatError, 0
	}
	q := req.Question[0]
	// "Next, the ZNAME and ZCLASS are checked to see if the zone so named is one of this server's
	// authority zones, else signal NOTAUTH".
	z := s.zones[dns.CanonicalName(q.Name)]
	switch {
	case z == nil || q.Qclass != dns.ClassINET:
		return dns.RcodeNotAuth, 0
	case s.cfg.Keys != nil && !signed || z.readOnly: // section 3.3
		return dns.RcodeRefused, 0
	}
	for _, check := range []func(*dns.Msg) int{z.prescan, z.prerequisites} {
		if rcode := check(req); rcode != dns.RcodeSuccess {
			return rcode, 0
		}
	}
	before, rcode := z.carryOut(req.Ns, s.cfg.MaxRecords)
	if rcode != dns.RcodeSuccess || before == nil {
		return rcode, 0
	}
	s.stats.Changed++
	return dns.RcodeSuccess, s.remember(z, before)
}

// prerequisites is RFC 2136 section 3.2.5, one record after the other; RRsets given by value are
// compared when all their records are known. RDLENGTH was checked in reading the message.
func (z *zone) prerequisites(req *dns.Msg) int {
	type key struct {
		name  string
		rtype uint16
	}
	temp := make(map[key][]dns.RR)
	for _, rr := range req.Answer {
		h := rr.Header()
		name := dns.CanonicalName(h.Name)
		k := key{name, h.Rrtype}
		switch {
		case h.Ttl != 0:
			return dns.RcodeFormatError
		case !dns.IsSubDomain(z.name, name):
			return dns.RcodeNotZone
		case h.Class == dns.ClassINET:
			temp[k] = append(temp[k], rr)
		case h.Class != dns.ClassANY && h.Class != dns.ClassNONE:
			return dns.RcodeFormatError
		default:
			if rcode := z.exist(h.Class, k.name, k.rtype); rcode != dns.RcodeSuccess {
				return rcode
			}
		}
	}
	for k, want := range temp {
		if !equalSets(want, z.nodes[k.name][k.rtype]) {
			return dns.RcodeNXRrset
		}
	}
	return dns.RcodeSuccess
}

// exist checks what does not depend on values: class ANY wants the name or RRset, class NONE its absence.
// Section 2.4.4: a name in use owns a record; an empty non-terminal does not count.
func (z *zone) exist(class uint16, name string, rtype uint16) int {
	n := z.nodes[name]
	found, yes, no := n[rtype] != nil, dns.RcodeYXRrset, dns.RcodeNXRrset
	if rtype == dns.TypeANY {
		found, yes, no = n != nil, dns.RcodeYXDomain, dns.RcodeNameError
	}
	switch {
	case class == dns.ClassANY && !found:
		return no
	case class == dns.ClassNONE && found:
		return yes
	}
	return dns.RcodeSuccess
}

// equalSets compares without regard to order, TTL and repetition.
func equalSets(a, b []dns.RR) bool { return within(a, b) && within(b, a) }

func within(a, b []dns.RR) bool {
	known := make(map[string][]dns.RR, len(b))
	for _, rr := range b {
		k := strings.ToLower(data(rr)) // IsDuplicate knows where case counts
		known[k] = append(known[k], rr)
	}
	return !slices.ContainsFunc(a, func(x dns.RR) bool {
		return !slices.ContainsFunc(known[strings.ToLower(data(x))], func(y dns.RR) bool { return dns.IsDuplicate(x, y) })
	})
}

// prescan is RFC 2136 section 3.4.1.3: the whole update section is checked before the zone is touched.
// RDLENGTH was checked in reading the message.
func (z *zone) prescan(req *dns.Msg) int {
	for _, rr := range req.Ns {
		h := rr.Header()
		var bad bool
		switch h.Class {
		case dns.ClassINET:
			bad = isMeta(h.Rrtype)
		case dns.ClassANY:
			bad = h.Ttl != 0 || isMeta(h.Rrtype) && h.Rrtype != dns.TypeANY
		case dns.ClassNONE:
			bad = h.Ttl != 0 || isMeta(h.Rrtype)
		default:
			bad = true
		}
		switch {
		case !dns.IsSubDomain(z.name, h.Name):
			return dns.RcodeNotZone
		case bad:
			return dns.RcodeFormatError
		case h.Class == dns.ClassINET && !z.anyName && !z.goodNames(rr):
			return dns.RcodeRefused
		}
	}
	return dns.RcodeSuccess
}

// isMeta reports types that no record in a zone has: section 3.4.1.2 names "ANY, AXFR, MAILA, MAILB, or any
// other QUERY metatype"; RFC 6895 section 3.1 sets 128 to 255 aside for them, and OPT.
func isMeta(rtype uint16) bool {
	return rtype >= 128 && rtype <= 255 || rtype == dns.TypeOPT
}
