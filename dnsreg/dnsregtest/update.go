package dnsregtest

import (
	"slices"

	"github.com/miekg/dns"
)

// update carries out an UPDATE request and returns its rcode (RFC 2136 section 3).
func (s *Server) update(req *dns.Msg) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := req.Question[0]
	if q.Qtype != dns.TypeSOA {
		return dns.RcodeFormatError
	}
	z := s.zones[dns.CanonicalName(q.Name)]
	if z == nil || q.Qclass != dns.ClassINET {
		return dns.RcodeNotAuth
	}
	for _, check := range []func(*dns.Msg) int{z.prerequisites, z.prescan} {
		if rcode := check(req); rcode != dns.RcodeSuccess {
			return rcode
		}
	}
	names := make([]string, 0, len(req.Ns))
	for _, rr := range req.Ns {
		names = append(names, dns.CanonicalName(rr.Header().Name))
	}
	slices.Sort(names)
	names = slices.Compact(names)
	before := z.text(names...)
	for _, rr := range req.Ns {
		z.apply(rr)
	}
	// RFC 2136 section 3.6: the serial is incremented when "an update operation modifies the zone".
	if !slices.Equal(before, z.text(names...)) {
		soa := *z.soa()
		soa.Serial++
		z.put(&soa)
		s.stats.Changed++
	}
	return dns.RcodeSuccess
}

// prerequisites is RFC 2136 section 3.2.5, one record after the other; RRsets given by value are
// compared when all their records are known.
func (z *zone) prerequisites(req *dns.Msg) int {
	type key struct {
		name  string
		rtype uint16
	}
	temp := make(map[key][]dns.RR)
	for _, rr := range req.Answer {
		h := rr.Header()
		name := dns.CanonicalName(h.Name)
		n, set := z.nodes[name], z.nodes[name][h.Rrtype]
		switch {
		case h.Ttl != 0:
			return dns.RcodeFormatError
		case !dns.IsSubDomain(z.name, name):
			return dns.RcodeNotZone
		case h.Class != dns.ClassINET && h.Rdlength != 0:
			return dns.RcodeFormatError
		case h.Class == dns.ClassANY && h.Rrtype == dns.TypeANY:
			if n == nil {
				return dns.RcodeNameError
			}
		case h.Class == dns.ClassANY:
			if set == nil {
				return dns.RcodeNXRrset
			}
		case h.Class == dns.ClassNONE && h.Rrtype == dns.TypeANY:
			if n != nil {
				return dns.RcodeYXDomain
			}
		case h.Class == dns.ClassNONE:
			if set != nil {
				return dns.RcodeYXRrset
			}
		case h.Class == dns.ClassINET:
			k := key{name, h.Rrtype}
			temp[k] = append(temp[k], rr)
		default:
			return dns.RcodeFormatError
		}
	}
	for k, want := range temp {
		if !equalSets(want, z.nodes[k.name][k.rtype]) {
			return dns.RcodeNXRrset
		}
	}
	return dns.RcodeSuccess
}

// equalSets compares without regard to order, TTL and repetition.
func equalSets(a, b []dns.RR) bool {
	within := func(a, b []dns.RR) bool {
		return !slices.ContainsFunc(a, func(x dns.RR) bool {
			return !slices.ContainsFunc(b, func(y dns.RR) bool { return dns.IsDuplicate(x, y) })
		})
	}
	return within(a, b) && within(b, a)
}

// prescan is RFC 2136 section 3.4.1.3: the whole update section is checked before the zone is touched.
func (z *zone) prescan(req *dns.Msg) int {
	for _, rr := range req.Ns {
		h := rr.Header()
		meta := h.Rrtype == dns.TypeAXFR || h.Rrtype == dns.TypeIXFR || h.Rrtype == dns.TypeMAILA ||
			h.Rrtype == dns.TypeMAILB || h.Rrtype == dns.TypeOPT || h.Rrtype == dns.TypeTSIG
		bad := meta
		switch h.Class {
		case dns.ClassINET:
			bad = bad || h.Rrtype == dns.TypeANY || h.Rdlength == 0
		case dns.ClassANY:
			bad = bad || h.Ttl != 0 || h.Rdlength != 0
		case dns.ClassNONE:
			bad = bad || h.Ttl != 0 || h.Rrtype == dns.TypeANY
		default:
			bad = true
		}
		switch {
		case !dns.IsSubDomain(z.name, h.Name):
			return dns.RcodeNotZone
		case bad:
			return dns.RcodeFormatError
		}
	}
	return dns.RcodeSuccess
}

// apply is RFC 2136 section 3.4.2.
func (z *zone) apply(rr dns.RR) {
	h := rr.Header()
	name := dns.CanonicalName(h.Name)
	apex := func(rtype uint16) bool {
		return name == z.name && (rtype == dns.TypeSOA || rtype == dns.TypeNS)
	}
	all := func(dns.RR) bool { return true }
	switch {
	case h.Class == dns.ClassANY && h.Rrtype == dns.TypeANY: // section 3.4.2.3, delete a name
		for rtype := range z.nodes[name] {
			if !apex(rtype) {
				z.remove(name, rtype, all)
			}
		}
	case h.Class == dns.ClassANY: // section 3.4.2.3, delete an RRset
		if !apex(h.Rrtype) {
			z.remove(name, h.Rrtype, all)
		}
	case h.Class == dns.ClassNONE: // section 3.4.2.4, delete a record
		last := apex(dns.TypeNS) && h.Rrtype == dns.TypeNS && len(z.nodes[name][dns.TypeNS]) == 1
		if h.Rrtype == dns.TypeSOA || last {
			return
		}
		exact := dns.Copy(rr)
		exact.Header().Class = dns.ClassINET
		z.remove(name, h.Rrtype, func(old dns.RR) bool { return dns.IsDuplicate(old, exact) })
	default:
		z.add(name, rr)
	}
}

// add is RFC 2136 section 3.4.2.2. A CNAME stands alone: what would break that is silently ignored.
func (z *zone) add(name string, rr dns.RR) {
	n := z.nodes[name]
	switch rr := rr.(type) {
	case *dns.CNAME:
		if len(n) > 1 || len(n) == 1 && n[dns.TypeCNAME] == nil {
			return
		}
	case *dns.SOA:
		if name != z.name || int32(rr.Serial-z.soa().Serial) <= 0 { // RFC 1982 serial arithmetic
			return
		}
	default:
		if n[dns.TypeCNAME] != nil {
			return
		}
	}
	rr = dns.Copy(rr)
	rr.Header().Name = name
	z.put(rr)
}
