package dnsregtest

import (
	"maps"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// carryOut applies the update section and raises the serial if that changed anything. before is what the
// nodes that it touched were, nil if they still are. An rcode other than NOERROR means that nothing was done.
func (z *zone) carryOut(updates []dns.RR, limit int) (before map[string]node, rcode int) {
	before = map[string]node{z.name: maps.Clone(z.nodes[z.name])}
	for _, rr := range updates {
		name := dns.CanonicalName(rr.Header().Name)
		if _, ok := before[name]; !ok {
			before[name] = maps.Clone(z.nodes[name])
		}
		if rcode := z.apply(name, rr, limit); rcode != dns.RcodeSuccess {
			z.restore(before)
			return nil, rcode
		}
	}
	changed := false
	for name, n := range before {
		changed = changed || !sameNode(n, z.nodes[name])
	}
	if !changed {
		z.restore(before) // the order too
		return nil, dns.RcodeSuccess
	}
	// RFC 2136 section 3.6: the serial is incremented, unless the update itself brought a new one.
	if soa := z.soa(); soa == before[z.name][dns.TypeSOA][0] {
		next := *soa
		next.Serial = max(next.Serial+1, 1)
		z.nodes[z.name][dns.TypeSOA] = []dns.RR{&next}
	}
	return before, dns.RcodeSuccess
}

// restore puts nodes back.
func (z *zone) restore(before map[string]node) {
	for name, n := range before {
		if n == nil {
			delete(z.nodes, name)
		} else {
			z.nodes[name] = n
		}
	}
}

// sameNode compares RRsets as sets of records with their TTLs, down to upper and lower case.
func sameNode(a, b node) bool {
	return maps.EqualFunc(a, b, func(x, y []dns.RR) bool {
		if len(x) != len(y) || &x[0] == &y[0] {
			return len(x) == len(y) // RRsets are not empty, and never changed in place
		}
		return slices.Equal(sortedText(x), sortedText(y))
	})
}

func sortedText(set []dns.RR) []string {
	var lines []string
	for _, rr := range set {
		lines = append(lines, rr.String())
	}
	slices.Sort(lines)
	return lines
}

// apply is RFC 2136 section 3.4.2, for a record with the canonical owner name.
func (z *zone) apply(name string, rr dns.RR, limit int) (rcode int) {
	h := rr.Header()
	apex := func(rtype uint16) bool {
		return name == z.name && (rtype == dns.TypeSOA || rtype == dns.TypeNS)
	}
	switch {
	case h.Class == dns.ClassANY && h.Rrtype == dns.TypeANY: // section 3.4.2.3, delete a name
		for rtype := range z.nodes[name] {
			if !apex(rtype) {
				z.removeSet(name, rtype)
			}
		}
	case h.Class == dns.ClassANY: // section 3.4.2.3, delete an RRset
		if !apex(h.Rrtype) {
			z.removeSet(name, h.Rrtype)
		}
	case h.Class == dns.ClassNONE: // section 3.4.2.4, delete a record
		// "SOA RRs and the last NS RR at the zone's apex" stay.
		last := apex(h.Rrtype) && len(z.nodes[name][h.Rrtype]) == 1
		if !last {
			z.remove(name, rr)
		}
	case !z.ignores(name, rr):
		rr = dns.Copy(rr)
		rr.Header().Name = name
		z.put(rr)
		if limit > 0 && len(z.nodes[name][h.Rrtype]) > limit {
			return dns.RcodeServerFailure
		}
	}
	return dns.RcodeSuccess
}

// ignores reports what is silently not added (RFC 2136 section 3.4.2.2): what would stand beside a CNAME,
// an SOA that is not newer or not at the apex; and as BIND has it, what no zone can hold at that place.
func (z *zone) ignores(name string, rr dns.RR) bool {
	n := z.nodes[name]
	switch rr := rr.(type) {
	case *dns.CNAME:
		return len(n) > 1 || len(n) == 1 && n[dns.TypeCNAME] == nil
	case *dns.SOA:
		return name != z.name || int32(rr.Serial-z.soa().Serial) <= 0 // RFC 1982 serial arithmetic
	case *dns.DS:
		if name == z.name {
			return true
		}
	case *dns.NS, *dns.DNAME:
		if strings.HasPrefix(name, "*.") {
			return true
		}
	case *dns.MD, *dns.MF:
		return true
	}
	return n[dns.TypeCNAME] != nil
}
