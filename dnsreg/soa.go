package dnsreg

import (
	"context"
	"fmt"

	"github.com/miekg/dns"
)

// finding is what one server says about where a name lives: the SOA record of the closest zone, or the
// target of a CNAME that has to be followed first.
type finding struct {
	soa   *dns.SOA
	alias string
}

// zoneOf asks one server for the SOA record of the zone that the name is in. An authority has to be
// authoritative for what it says; any other server is a resolver.
//
// Resolvers and forwarders that strip the authority section (dnsmasq, systemd-resolved) leave nothing but the
// answer to go by: then the labels are taken off one by one until the name is that of a zone.
func (ps *places) zoneOf(ctx context.Context, name, server string, authority bool) (finding, error) {
	for at := name; at == name || dns.CountLabel(at) > 1; at = parent(at) {
		m, err := ps.ask(ctx, at, dns.TypeSOA, server, authority)
		if err != nil {
			return finding{}, err
		}
		if err = lame(m, authority); err == nil {
			target := aliasOf(m, at)
			switch {
			case target == "":
				var soa *dns.SOA
				if soa, err = closestSOA(m, at); soa != nil {
					return finding{soa: soa}, nil
				}
			case at == name:
				return finding{alias: target}, nil
			}
			// An alias above the name is no zone, and what else the reply says is about its target.
		}
		if err != nil {
			return finding{}, fmt.Errorf("dnsreg: SOA of %s at %s: %w", at, server, err)
		}
	}
	return finding{}, fmt.Errorf("dnsreg: SOA of %s at %s: %w: the server names none", name, server, ErrNoZone)
}

func parent(name string) string {
	next, end := dns.NextLabel(name, 0)
	if end {
		return "."
	}
	return name[next:]
}

// lame returns why a reply is not worth a look: it refers to other servers, or comes from one that would have to be
// authoritative and is not.
func lame(m *dns.Msg, authority bool) error {
	if ns := referral(m); ns != nil {
		return fmt.Errorf("%w: %s is delegated to %s", ErrNoZone, ns.Hdr.Name, ns.Ns)
	}
	if authority && !m.Authoritative {
		return fmt.Errorf("%w: the server is not authoritative", ErrNoZone)
	}
	return nil
}

// referral returns an NS record by which a reply refers to other servers. RFC 2308 section 2.2: that it is
// no statement about the name shows by there being no SOA record in the authority section.
func referral(m *dns.Msg) *dns.NS {
	if m.Authoritative || m.Rcode != dns.RcodeSuccess || len(m.Answer) > 0 {
		return nil
	}
	var found *dns.NS
	for _, rr := range m.Ns {
		switch rr := rr.(type) {
		case *dns.SOA:
			return nil
		case *dns.NS:
			found = rr
		}
	}
	return found
}

// closestSOA returns the SOA record by which a reply names the zone: in the answer for the zone's own name, in
// the authority section for a name below (RFC 2308 section 2); nil when there is none. Anything but an
// ancestor of the name, or the name itself, is no zone for it.
func closestSOA(m *dns.Msg, name string) (*dns.SOA, error) {
	for _, rr := range m.Answer {
		if soa, ok := rr.(*dns.SOA); ok && soa.Hdr.Class == dns.ClassINET {
			if dns.CanonicalName(soa.Hdr.Name) != name {
				return nil, fmt.Errorf("%w: the server answers with %s, which was not asked for", ErrNoZone, soa.Hdr.Name)
			}
			return soa, nil
		}
	}
	for _, rr := range m.Ns {
		if soa, ok := rr.(*dns.SOA); ok && soa.Hdr.Class == dns.ClassINET {
			if !dns.IsSubDomain(soa.Hdr.Name, name) {
				return nil, fmt.Errorf("%w: the server answers with %s, which the name is not in", ErrNoZone, soa.Hdr.Name)
			}
			return soa, nil
		}
	}
	return nil, nil
}

// aliasOf returns the target of the name's CNAME record, "" when the reply has none. A DNAME record comes with
// the CNAME that it amounts to (RFC 6672 section 3.1).
func aliasOf(m *dns.Msg, name string) string {
	for _, rr := range m.Answer {
		if c, ok := rr.(*dns.CNAME); ok && dns.CanonicalName(c.Hdr.Name) == name {
			return dns.CanonicalName(c.Target)
		}
	}
	return ""
}
