package dnsregtest

import (
	"maps"
	"slices"

	"github.com/miekg/dns"
)

// query answers from the closest zone, following CNAMEs as long as they stay in zones served here
// (RFC 1034 section 4.3.2).
func (s *Server) query(req, reply *dns.Msg) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := req.Question[0]
	name := dns.CanonicalName(q.Name)
	for range 8 {
		z := s.closest(name)
		if z == nil {
			if len(reply.Answer) == 0 {
				reply.Rcode = dns.RcodeRefused
			}
			return
		}
		if cut := z.cut(name); cut != "" {
			reply.Ns = z.nodes[cut][dns.TypeNS]
			return
		}
		reply.Authoritative = true
		if q.Qtype == dns.TypeANY {
			for _, rtype := range slices.Sorted(maps.Keys(z.nodes[name])) {
				reply.Answer = append(reply.Answer, z.nodes[name][rtype]...)
			}
		} else {
			reply.Answer = append(reply.Answer, z.nodes[name][q.Qtype]...)
		}
		alias := z.nodes[name][dns.TypeCNAME]
		if alias == nil || q.Qtype == dns.TypeCNAME || q.Qtype == dns.TypeANY {
			z.negative(name, q.Qtype, reply)
			return
		}
		reply.Answer = append(reply.Answer, alias...)
		name = dns.CanonicalName(alias[0].(*dns.CNAME).Target)
	}
	reply.Rcode = dns.RcodeServerFailure // a chain longer than any honest one
}

// negative adds what tells a missing name or type from a found one (RFC 2308 section 2).
func (z *zone) negative(name string, qtype uint16, reply *dns.Msg) {
	if n := z.nodes[name]; n[qtype] != nil || qtype == dns.TypeANY && n != nil {
		return
	}
	reply.Ns = append(reply.Ns, z.soa())
	if !z.exists(name) {
		reply.Rcode = dns.RcodeNameError
	}
}

// cut returns the topmost delegation at or above the name and below the zone's apex, "" when there is none.
func (z *zone) cut(name string) string {
	found := ""
	for owner := name; owner != z.name; {
		if z.nodes[owner][dns.TypeNS] != nil {
			found = owner
		}
		next, end := dns.NextLabel(owner, 0)
		if end {
			break
		}
		owner = owner[next:]
	}
	return found
}
