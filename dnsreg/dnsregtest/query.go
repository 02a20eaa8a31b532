package dnsregtest

import (
	"cmp"
	"maps"
	"slices"
	"strings"

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
		n, exists := z.lookup(name)
		if q.Qtype == dns.TypeANY {
			for _, rtype := range slices.Sorted(maps.Keys(n)) {
				reply.Answer = append(reply.Answer, n[rtype]...)
			}
		} else {
			reply.Answer = append(reply.Answer, n[q.Qtype]...)
		}
		alias := n[dns.TypeCNAME]
		if alias == nil || q.Qtype == dns.TypeCNAME || q.Qtype == dns.TypeANY {
			z.negative(n, exists, q.Qtype, reply)
			return
		}
		reply.Answer = append(reply.Answer, alias...)
		name = dns.CanonicalName(alias[0].(*dns.CNAME).Target)
	}
	reply.Rcode = dns.RcodeServerFailure // a chain longer than any honest one
}

// lookup returns what queries find at a name: the records that it owns, or, if there is no such name, those of the
// wildcard below its closest encloser, as the name's (RFC 1034 section 4.3.3, RFC 4592 section 3.3.1). exists
// tells a name without records, or a wildcard without, from none.
func (z *zone) lookup(name string) (n node, exists bool) {
	if z.exists(name) {
		return z.nodes[name], true
	}
	encloser := name
	for !z.exists(encloser) { // the zone's own name does
		next, _ := dns.NextLabel(encloser, 0)
		encloser = cmp.Or(encloser[next:], ".")
	}
	source := "*." + strings.TrimPrefix(encloser, ".")
	n = make(node)
	for rtype, set := range z.nodes[source] {
		for _, rr := range set {
			rr = dns.Copy(rr)
			rr.Header().Name = name
			n[rtype] = append(n[rtype], rr)
		}
	}
	return n, z.exists(source)
}

// negative adds what tells a missing name or type from a found one (RFC 2308 section 2).
func (z *zone) negative(n node, exists bool, qtype uint16, reply *dns.Msg) {
	if n[qtype] != nil || qtype == dns.TypeANY && len(n) > 0 {
		return
	}
	reply.Ns = append(reply.Ns, z.soa())
	if !exists {
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
