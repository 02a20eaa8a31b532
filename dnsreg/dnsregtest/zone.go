package dnsregtest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// Record is one resource record in presentation form.
type Record struct {
	Name string // absolute, lower case
	TTL  uint32 // seconds
	Type string // "A", "AAAA", "PTR", ...
	Data string // "192.0.2.1"
}

// String returns the record as a master file line with single spaces.
func (r Record) String() string {
	return fmt.Sprintf("%s %d %s %s", r.Name, r.TTL, r.Type, r.Data)
}

// node is what a name owns: RRsets by type. No RRset is empty and no node either.
type node map[uint16][]dns.RR

type zone struct {
	anyName  bool   // Config.AnyName
	name     string // canonical
	nodes    map[string]node
	readOnly bool // takes no updates
}

func newZone(name string) (*zone, error) {
	if _, ok := dns.IsDomainName(name); !ok || name == "" {
		return nil, fmt.Errorf("dnsregtest: %q is no domain name", name)
	}
	z := &zone{name: dns.CanonicalName(name), nodes: make(map[string]node)}
	header := func(rtype uint16) dns.RR_Header {
		return dns.RR_Header{Name: z.name, Rrtype: rtype, Class: dns.ClassINET, Ttl: 300}
	}
	below := func(label string) string { return label + "." + strings.TrimPrefix(z.name, ".") }
	z.put(&dns.SOA{Hdr: header(dns.TypeSOA), Ns: below("ns1"), Mbox: below("hostmaster"),
		Serial: 1, Refresh: 3600, Retry: 600, Expire: 86400, Minttl: 60})
	z.put(&dns.NS{Hdr: header(dns.TypeNS), Ns: below("ns1")})
	return z, nil
}

// put adds rr, or replaces the record that differs only in its TTL. The others of the RRset get its TTL: RFC
// 2181 section 5.2: "the TTLs of all RRs in an RRSet must be the same". RRsets are never changed in place.
func (z *zone) put(rr dns.RR) {
	name, rtype, ttl := dns.CanonicalName(rr.Header().Name), rr.Header().Rrtype, rr.Header().Ttl
	if z.nodes[name] == nil {
		z.nodes[name] = make(node)
	}
	old := z.nodes[name][rtype]
	single := rtype == dns.TypeSOA || rtype == dns.TypeCNAME || rtype == dns.TypeDNAME // one per name
	set := make([]dns.RR, 0, len(old)+1)
	for _, other := range old {
		switch same := sameData(other, rr); {
		case same && other.Header().Ttl == ttl:
			return
		case same || single:
			continue
		case other.Header().Ttl != ttl:
			other = dns.Copy(other)
			other.Header().Ttl = ttl
		}
		set = append(set, other)
	}
	z.nodes[name][rtype] = append(set, rr)
}

// sameData compares records of one name, without their TTLs. It is quick to tell addresses apart, of which
// some names have thousands.
func sameData(a, b dns.RR) bool {
	if x, ok := a.(*dns.A); ok {
		if y, ok := b.(*dns.A); ok && !x.A.Equal(y.A) {
			return false
		}
	}
	if x, ok := a.(*dns.AAAA); ok {
		if y, ok := b.(*dns.AAAA); ok && !x.AAAA.Equal(y.AAAA) {
			return false
		}
	}
	return dns.IsDuplicate(a, b)
}

// remove takes out the record that has the data of rr.
func (z *zone) remove(name string, rr dns.RR) {
	rr = dns.Copy(rr)
	rr.Header().Class = dns.ClassINET
	rtype := rr.Header().Rrtype
	old := z.nodes[name][rtype]
	rest := slices.DeleteFunc(slices.Clone(old), func(other dns.RR) bool { return sameData(other, rr) })
	switch len(rest) {
	case len(old):
	case 0:
		z.removeSet(name, rtype)
	default:
		z.nodes[name][rtype] = rest
	}
}

func (z *zone) removeSet(name string, rtype uint16) {
	n := z.nodes[name]
	delete(n, rtype)
	if len(n) == 0 {
		delete(z.nodes, name)
	}
}

func (z *zone) soa() *dns.SOA {
	soa, _ := z.nodes[z.name][dns.TypeSOA][0].(*dns.SOA) // put and update keep one
	return soa
}

// exists reports whether the name owns records or lies above one that does (an empty non-terminal).
func (z *zone) exists(name string) bool {
	if z.nodes[name] != nil {
		return true
	}
	for owner := range z.nodes {
		if dns.IsSubDomain(name, owner) {
			return true
		}
	}
	return false
}

// data is a record's in presentation form.
func data(rr dns.RR) string {
	_, data, _ := strings.Cut(rr.String(), "\t"+dns.Type(rr.Header().Rrtype).String()+"\t")
	return data
}

// text lists the records of the given names, sorted.
func (z *zone) text(names ...string) []Record {
	var records []Record
	for _, name := range names {
		for rtype, set := range z.nodes[name] {
			for _, rr := range set {
				records = append(records, Record{name, rr.Header().Ttl, dns.Type(rtype).String(), data(rr)})
			}
		}
	}
	slices.SortFunc(records, func(a, b Record) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Data, b.Data))
	})
	return records
}

// closest returns the zone of which the name is part, nil when none is served. Callers hold s.mu.
func (s *Server) closest(name string) *zone {
	var best *zone
	for _, z := range s.zones {
		if dns.IsSubDomain(z.name, name) && (best == nil || dns.IsSubDomain(best.name, z.name)) {
			best = z
		}
	}
	return best
}

// Insert loads records given as master file lines, absolute names, without raising the serial:
// the state of affairs before a test, also one that updates can't bring about. An SOA line replaces the zone's. After
// an error nothing is loaded.
func (s *Server) Insert(lines ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var records []dns.RR
	for _, line := range lines {
		rr, err := dns.NewRR(line)
		if err == nil && rr == nil {
			err = errors.New("there is no record in it")
		}
		if err != nil {
			return fmt.Errorf("dnsregtest: insert %q: %w", line, err)
		}
		rr.Header().Name = dns.CanonicalName(rr.Header().Name)
		z := s.closest(rr.Header().Name)
		if z == nil || rr.Header().Rrtype == dns.TypeSOA && rr.Header().Name != z.name {
			return fmt.Errorf("dnsregtest: insert %q: no zone for it", line)
		}
		records = append(records, rr)
	}
	s.pending = nil // a crash loses updates, not these
	for _, rr := range records {
		s.closest(rr.Header().Name).put(rr)
	}
	return nil
}

// Records returns the records that a name owns, sorted by type and data.
func (s *Server) Records(name string) []Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	name = dns.CanonicalName(name)
	if z := s.closest(name); z != nil {
		return z.text(name)
	}
	return nil
}

// Zone returns the whole zone, sorted by name, type and data; nil when it is not served.
func (s *Server) Zone(name string) []Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	z := s.zones[dns.CanonicalName(name)]
	if z == nil {
		return nil
	}
	return z.text(slices.Collect(maps.Keys(z.nodes))...)
}

// Serial returns the serial of a zone, 0 when it is not served.
func (s *Server) Serial(name string) uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if z := s.zones[dns.CanonicalName(name)]; z != nil {
		return z.soa().Serial
	}
	return 0
}
