package dnsreg

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/miekg/dns"
)

// place is where a name's records live.
type place struct {
	owner  string // the name, or where a CNAME leads to (RFC 2317 delegates single PTR records that way)
	zone   string
	server string // host:port that takes the zone's updates
}

// maxAliases bounds a chain of CNAMEs.
const maxAliases = 8

// dnsPort is where the primary named by an SOA record is reached.
const dnsPort = "53"

// find looks for the closest zone that the name is in and a server for it.
func (r *Registrar) find(ctx context.Context, name string) (place, error) {
	if len(r.cfg.Servers) > 0 {
		p, _, err := r.findAt(ctx, name, r.cfg.Servers, true)
		return p, err
	}
	p, soa, err := r.findAt(ctx, name, r.cfg.Resolvers, false)
	if err != nil {
		return place{}, err
	}
	if dns.CountLabel(p.zone) < 2 {
		// The name exists nowhere, and this is the top-level domain that says so.
		return place{}, fmt.Errorf("dnsreg: %s: %w: the closest is %s", name, ErrNoZone, p.zone)
	}
	if dns.CanonicalName(soa.Ns) == "localhost." {
		// Unbound and PowerDNS Recursor mark the zones of RFC 6303 so. Nobody else's primary is there.
		return place{}, fmt.Errorf("dnsreg: %s: %w: %s, whose primary is localhost", name, ErrLocalZone, p.zone)
	}
	primaries, err := r.lookup(ctx, soa.Ns)
	if err != nil {
		return place{}, err
	}
	p, _, err = r.findAt(ctx, p.owner, primaries, true)
	return p, err
}

// findAt asks the servers in turn until one knows the zone. Those that were silent in this pass come last:
// they would cost a timeout for each name.
func (r *Registrar) findAt(ctx context.Context, name string, servers []string, sign bool) (place, *dns.SOA, error) {
	var errs []error
	servers = slices.Clone(servers)
	slices.SortStableFunc(servers, func(a, b string) int { return cmp.Compare(r.silent[a], r.silent[b]) })
	for _, server := range servers {
		owner, soa, err := r.zoneOf(ctx, name, server, sign)
		if err == nil {
			err = unregistrable(soa)
			if err != nil {
				err = fmt.Errorf("dnsreg: %s: %w: %s", name, err, dns.CanonicalName(soa.Hdr.Name))
			}
		}
		if err == nil {
			return place{owner, dns.CanonicalName(soa.Hdr.Name), server}, soa, nil
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
		if _, ok := errors.AsType[*NoReplyError](err); ok {
			r.silent[server]++
		}
	}
	return place{}, nil, errors.Join(errs...)
}

// zoneOf asks one server for the SOA record of the zone that the name is in, following CNAMEs.
func (r *Registrar) zoneOf(ctx context.Context, name, server string, sign bool) (owner string, soa *dns.SOA, err error) {
	for range maxAliases {
		m, err := r.ask(ctx, name, dns.TypeSOA, server, sign)
		if err != nil {
			return "", nil, err
		}
		if target := aliasOf(m, name); target != "" {
			name = target
			continue
		}
		soa, err := closestSOA(m, name)
		if err != nil {
			return "", nil, fmt.Errorf("dnsreg: SOA of %s at %s: %w", name, server, err)
		}
		return name, soa, nil
	}
	return "", nil, fmt.Errorf("dnsreg: %s: %w: a chain of more than %d aliases", name, ErrNoZone, maxAliases)
}

// closestSOA returns the SOA record by which a reply names the zone: in the answer for the zone's own
// name, in the authority section for a name below (RFC 2308 section 2). Anything but an ancestor of the
// name, or the name itself, is no zone for it.
func closestSOA(m *dns.Msg, name string) (*dns.SOA, error) {
	for _, rr := range append(append([]dns.RR(nil), m.Answer...), m.Ns...) {
		soa, ok := rr.(*dns.SOA)
		if !ok {
			continue
		}
		if !dns.IsSubDomain(soa.Hdr.Name, name) {
			return nil, fmt.Errorf("%w: the server answers with %s, which the name is not in", ErrNoZone, soa.Hdr.Name)
		}
		return soa, nil
	}
	for _, rr := range m.Ns {
		if ns, ok := rr.(*dns.NS); ok {
			return nil, fmt.Errorf("%w: %s is delegated to %s", ErrNoZone, ns.Hdr.Name, ns.Ns)
		}
	}
	return nil, fmt.Errorf("%w: the server names none", ErrNoZone)
}

// aliasOf returns the target of the name's CNAME record, "" when the reply has none.
func aliasOf(m *dns.Msg, name string) string {
	for _, rr := range m.Answer {
		if c, ok := rr.(*dns.CNAME); ok && dns.CanonicalName(c.Hdr.Name) == name {
			return dns.CanonicalName(c.Target)
		}
	}
	return ""
}

// lookup returns the addresses of a primary, by name through the resolvers.
func (r *Registrar) lookup(ctx context.Context, mname string) ([]string, error) {
	var servers []string
	var errs []error
	for _, resolver := range r.cfg.Resolvers {
		for _, qtype := range []uint16{dns.TypeAAAA, dns.TypeA} {
			m, err := r.ask(ctx, dns.CanonicalName(mname), qtype, resolver, false)
			if err != nil {
				errs = append(errs, err)
				break
			}
			for _, rr := range m.Answer {
				if addr := addressOf(rr); addr.IsValid() {
					servers = append(servers, net.JoinHostPort(addr.String(), dnsPort))
				}
			}
		}
		if len(servers) > 0 {
			return servers, nil
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("dnsreg: the primary %s has no address: %w", mname, ErrNoZone)
}

func addressOf(rr dns.RR) netip.Addr {
	var addr netip.Addr
	switch rr := rr.(type) {
	case *dns.A:
		addr, _ = netip.AddrFromSlice(rr.A)
	case *dns.AAAA:
		addr, _ = netip.AddrFromSlice(rr.AAAA)
		return addr
	}
	return addr.Unmap() // the codec keeps IPv4 addresses in 16 octets
}

// ask sends one question. A name that does not exist is an answer, not an error.
func (r *Registrar) ask(ctx context.Context, name string, qtype uint16, server string, sign bool) (*dns.Msg, error) {
	m := new(dns.Msg)
	m.Question = []dns.Question{{Name: name, Qtype: qtype, Qclass: dns.ClassINET}}
	m.RecursionDesired = !sign // asked of resolvers only
	return r.exchange(ctx, server, m, sign)
}

// exchange signs with the key for the server, if that is wanted and there is one. An Auth that can make another
// key gets one chance to, when the server refuses this one.
func (r *Registrar) exchange(ctx context.Context, server string, m *dns.Msg, sign bool) (*dns.Msg, error) {
	for again := false; ; again = true {
		var key Key
		if sign && r.cfg.Auth != nil {
			var err error
			if key, err = r.cfg.Auth.Key(ctx, server); err != nil {
				return nil, fmt.Errorf("dnsreg: key for %s: %w", server, err)
			}
		}
		reply, err := r.net.exchange(ctx, server, m, key)
		if key != nil && rejected(r.cfg.Auth, server, key, err) && !again {
			continue
		}
		if e, ok := errors.AsType[*ServerError](err); ok && e.Authentic && e.Op == "query" && e.Rcode == dns.RcodeNameError {
			return reply, nil
		}
		return reply, err
	}
}
