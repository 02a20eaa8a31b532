package dnsregtest

import (
	"maps"
	"slices"

	"github.com/miekg/dns"
)

// transferSize is how long the messages of a zone transfer become, before compression: beyond that a name
// could not be pointed at (RFC 1035 section 4.1.4: an offset has 14 bits).
const transferSize = 16 << 10

// transfer returns the records of an AXFR reply, or nil with an rcode set.
// RFC 5936 section 2.2: "The first message ... MUST begin with the SOA resource record of the zone, and the
// last message MUST conclude with the same SOA resource record."
func (s *Server) transfer(req, m *dns.Msg, network string) []dns.RR {
	if network != "tcp" { // section 4.2: "AXFR sessions over UDP transport are not defined"
		m.Rcode = dns.RcodeFormatError
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	z := s.zones[dns.CanonicalName(req.Question[0].Name)]
	if z == nil || req.Question[0].Qclass != dns.ClassINET {
		m.Rcode = dns.RcodeNotAuth
		return nil
	}
	s.stats.Transfers++
	soa := z.soa()
	records := []dns.RR{soa}
	for _, name := range slices.Sorted(maps.Keys(z.nodes)) {
		for _, rtype := range slices.Sorted(maps.Keys(z.nodes[name])) {
			if name != z.name || rtype != dns.TypeSOA {
				records = append(records, z.nodes[name][rtype]...)
			}
		}
	}
	return append(records, soa)
}

// split packs the messages of a zone transfer, each signed (RFC 8945 section 5.3.1).
func split(m *dns.Msg, records []dns.RR, sig *signature) (messages [][]byte) {
	m.Authoritative = true
	for len(records) > 0 {
		n, size := 0, 0
		for n < len(records) && (n == 0 || size+dns.Len(records[n]) <= transferSize) {
			size += dns.Len(records[n])
			n++
		}
		m.Answer, records = records[:n], records[n:]
		packed := sig.sign(m)
		if packed == nil {
			return nil
		}
		messages = append(messages, packed)
		// RFC 5936 section 2.2.1: "QDCOUNT MUST be 1 in the first message; MUST be 0 or 1 in all subsequent messages."
		m.Question = nil
	}
	return messages
}
