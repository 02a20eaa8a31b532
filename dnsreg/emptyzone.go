package dnsreg

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// unregistrable returns why a zone found for a name is none to send updates to; nil when it is one.
//
// Empty zones are recognised by what their SOA record says. The name alone proves nothing: a site may well
// serve 10.in-addr.arpa itself, and then wants its hosts there.
func unregistrable(soa *dns.SOA) error {
	zone, mname, rname := dns.CanonicalName(soa.Hdr.Name), dns.CanonicalName(soa.Ns), dns.CanonicalName(soa.Mbox)
	switch {
	case zone == ".", zone == "arpa.", zone == "in-addr.arpa.", zone == "ip6.arpa.":
		return ErrNoZone
	case dns.IsSubDomain(emptyAS112, zone), as112Host(mname):
		return ErrLocalZone
	case mname != zone && mname != "localhost.":
		return nil
	case rname == "nobody.invalid.", mname == zone && rname == ".":
		// RFC 6303 section 3: the MNAME of a locally served zone is the zone's own name, and the responsible
		// person is "nobody.invalid."; BIND writes the root, and Unbound has localhost as MNAME.
		return ErrLocalZone
	}
	return nil
}

// doubtful is unregistrable for a zone that resolvers have found, or that a server without a key has. There a guess is
// better than an update that goes astray; a server that was given, with a key for it, knows what it serves: "internal." or
// "lan." may well be a zone of its own, and home.arpa have its own name as MNAME.
func doubtful(soa *dns.SOA) error {
	zone := dns.CanonicalName(soa.Hdr.Name)
	switch err := unregistrable(soa); {
	case err != nil:
		return err
	case dns.CountLabel(zone) < 2: // the name exists nowhere, and this is the top-level domain that says so
		return ErrNoZone
	case dns.CanonicalName(soa.Ns) == zone && locallyServed(zone): // BIND's empty-contact sets another RNAME
		return ErrLocalZone
	}
	return nil
}

// noPrimary reports whether an MNAME leads nowhere: resolvers that serve zones of RFC 6303 put localhost there
// (Unbound, PowerDNS Recursor). A server that was given by its address may have it in a real zone.
func noPrimary(mname string) bool { return dns.IsSubDomain("localhost.", mname) }

// emptyAS112 is where RFC 7535 sends, by DNAME, what nobody ought to ask.
const emptyAS112 = "empty.as112.arpa."

// as112Host reports whether a host is one of AS112's sinks: the MNAME and the name servers of RFC 7534
// section 3.5 and of RFC 7535 section 3.3.
func as112Host(name string) bool {
	switch name {
	case "prisoner.iana.org.", "blackhole-1.iana.org.", "blackhole-2.iana.org.", "blackhole.as112.arpa.":
		return true
	}
	return false
}

// as112Prefixes are their addresses (RFC 7534 section 3.4, RFC 7535 section 3.2).
var as112Prefixes = []netip.Prefix{
	netip.MustParsePrefix("192.175.48.0/24"), netip.MustParsePrefix("2620:4f:8000::/48"),
	netip.MustParsePrefix("192.31.196.0/24"), netip.MustParsePrefix("2001:4:112::/48"),
}

// usable reports whether a name server's address is one to send anything to.
func usable(addr netip.Addr) bool {
	return addr.IsValid() && !addr.Is4In6() && !addr.IsUnspecified() && !addr.IsMulticast() && !addr.IsLinkLocalUnicast() &&
		!slices.ContainsFunc(as112Prefixes, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// locallyServed reports whether RFC 6303 section 4, RFC 7793 or RFC 8375 has resolvers serve the zone.
func locallyServed(zone string) bool { return localZones[zone] }

var localZones = func() map[string]bool {
	zones := map[string]bool{
		reverseName(netip.IPv6Unspecified()): true,
		reverseName(netip.IPv6Loopback()):    true,
		"home.arpa.":                         true,
	}
	for _, z := range strings.Fields("10 168.192 0 127 254.169 255.255.255.255 2.0.192 100.51.198 113.0.203") {
		zones[z+".in-addr.arpa."] = true
	}
	for i := range 16 {
		zones[fmt.Sprintf("%d.172.in-addr.arpa.", 16+i)] = true
	}
	for i := range 64 {
		zones[fmt.Sprintf("%d.100.in-addr.arpa.", 64+i)] = true
	}
	for _, z := range strings.Fields("d.f 8.e.f 9.e.f a.e.f b.e.f 8.b.d.0.1.0.0.2") {
		zones[z+".ip6.arpa."] = true
	}
	return zones
}()
