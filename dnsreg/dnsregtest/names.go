package dnsregtest

import (
	"strings"

	"github.com/miekg/dns"
)

// goodNames reports whether a record may be added by its names, which BIND checks in a primary zone:
// addresses and mail exchangers belong to host names, and the targets of NS, MX, SRV and, in the reverse
// zones, PTR are host names. Nobody adds what only signers make.
func (z *zone) goodNames(rr dns.RR) bool {
	owner := dns.CanonicalName(rr.Header().Name)
	switch rr := rr.(type) {
	case *dns.A, *dns.AAAA:
		return isHost(owner, true)
	case *dns.MX:
		return isHost(owner, true) && isHost(rr.Mx, false)
	case *dns.NS:
		return isHost(rr.Ns, false)
	case *dns.SRV:
		return isHost(rr.Target, false)
	case *dns.PTR:
		reverse := dns.IsSubDomain("in-addr.arpa.", owner) || dns.IsSubDomain("ip6.arpa.", owner)
		return !reverse || isHost(rr.Ptr, false)
	case *dns.NSEC, *dns.NSEC3:
		return false
	case *dns.RRSIG:
		return owner == z.name
	}
	return true
}

// isHost reports whether each label is letters, digits and inner hyphens (RFC 1123 section 2.1). The first
// one may be a wildcard.
func isHost(name string, wildcard bool) bool {
	labels := dns.SplitDomainName(name)
	if wildcard && len(labels) > 0 && labels[0] == "*" {
		labels = labels[1:]
	}
	const inner = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"
	for _, label := range labels {
		if strings.Trim(label, inner) != "" || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return false
		}
	}
	return true
}
