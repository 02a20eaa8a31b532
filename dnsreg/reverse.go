package dnsreg

import (
	"net/netip"
	"strconv"

	"github.com/miekg/dns"
)

// reverseName returns the name of an address's PTR record: RFC 1035 section 3.5 for IPv4,
// RFC 3596 section 2.5 for IPv6.
func reverseName(addr netip.Addr) string {
	if addr.Is4() {
		b := addr.As4()
		name := make([]byte, 0, len("255.255.255.255.in-addr.arpa."))
		for i := len(b) - 1; i >= 0; i-- {
			name = append(strconv.AppendUint(name, uint64(b[i]), 10), '.')
		}
		return string(name) + "in-addr.arpa."
	}
	const hex = "0123456789abcdef"
	b := addr.As16()
	name := make([]byte, 0, 4*len(b))
	for i := len(b) - 1; i >= 0; i-- {
		name = append(name, hex[b[i]&0xf], '.', hex[b[i]>>4], '.')
	}
	return string(name) + "ip6.arpa."
}

// unregistrable returns why a zone found for a name is none to send updates to; nil when it is one.
func unregistrable(soa *dns.SOA) error {
	zone := dns.CanonicalName(soa.Hdr.Name)
	switch zone {
	case ".", "arpa.", "in-addr.arpa.", "ip6.arpa.":
		return ErrNoZone
	}
	// RFC 6303 section 3: the SOA of a locally served zone has the zone's own name as MNAME; the
	// responsible person is "nobody.invalid." or, in BIND, the root.
	mname, rname := dns.CanonicalName(soa.Ns), dns.CanonicalName(soa.Mbox)
	if mname == zone && (rname == "." || rname == "nobody.invalid.") {
		return ErrLocalZone
	}
	switch mname { // RFC 7534 section 3.5 and RFC 7535 section 3.3
	case "prisoner.iana.org.", "blackhole.as112.arpa.":
		return ErrLocalZone
	}
	return nil
}
