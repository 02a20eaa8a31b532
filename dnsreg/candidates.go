package dnsreg

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"
)

// dnsPort is where the servers named by SOA and NS records are reached.
const dnsPort = "53"

// maxCandidates bounds the servers tried for a zone, and the addresses of each.
const maxCandidates = 16

// candidates are the servers that may take a zone's updates, best first. Those that it takes questions to find are
// looked for when the ones before have failed.
type candidates struct {
	zone    string // that they must have; "": whatever zone they say
	mname   string
	until   time.Time
	servers []string
	hosts   map[string]string // the names of servers that were found by them
	more    []func(context.Context) ([]endpoint, error)
	errs    []error // why there are no more
}

// endpoint is a server, and the name by which it was found: "" if it was given.
type endpoint struct{ server, host string }

// given are the servers of Config.Servers.
func (ps *places) given(context.Context) ([]endpoint, error) {
	var servers []endpoint
	for _, s := range ps.cfg.Servers {
		servers = append(servers, endpoint{server: s})
	}
	return servers, nil
}

// candidates are those of a zone that the resolvers know: the primary by its name in the SOA record, the
// other name servers, then the servers given.
func (ps *places) candidates(soa *dns.SOA) *candidates {
	zone, mname := dns.CanonicalName(soa.Hdr.Name), dns.CanonicalName(soa.Ns)
	if c := ps.choices[zone]; c != nil && c.mname == mname && ps.lives(c.until) {
		return c
	}
	c := &candidates{zone: zone, mname: mname, until: ps.cfg.Clock.Now().Add(placeLife), hosts: make(map[string]string)}
	c.more = []func(context.Context) ([]endpoint, error){
		func(ctx context.Context) ([]endpoint, error) { return ps.addresses(ctx, mname) },
		func(ctx context.Context) ([]endpoint, error) { return ps.nameServers(ctx, zone, mname) },
		ps.given,
	}
	ps.choices[zone] = c
	return c
}

// inOrder yields the candidates for a name: those without a blemish, then those that did not reply to an
// update, then those that failed otherwise, the longest ago first, then those that were silent in this pass.
// It looks for more as long as the loop goes on.
func (ps *places) inOrder(ctx context.Context, name string, c *candidates) iter.Seq[string] {
	return func(yield func(string) bool) {
		var later []blemish
		for i := 0; ctx.Err() == nil && c.reaches(ctx, i); i++ {
			if b := ps.blemish(name, c.servers[i]); b.degree > 0 {
				later = append(later, b)
			} else if !yield(b.server) {
				return
			}
		}
		slices.SortStableFunc(later, func(a, b blemish) int {
			return cmp.Or(cmp.Compare(a.degree, b.degree), a.since.Compare(b.since))
		})
		for _, b := range later {
			if ctx.Err() != nil || !yield(b.server) {
				return
			}
		}
	}
}

// reaches reports whether there is a candidate i, and looks for one if it has to.
func (c *candidates) reaches(ctx context.Context, i int) bool {
	for i >= len(c.servers) && len(c.more) > 0 {
		next, err := c.more[0](ctx)
		if err != nil {
			c.errs = append(c.errs, err)
			if !lasting(err) {
				c.until = time.Time{} // not to be remembered
			}
		}
		c.more = c.more[1:]
		for _, e := range next {
			if len(c.servers) < maxCandidates && !slices.Contains(c.servers, e.server) {
				c.servers = append(c.servers, e.server)
				c.hosts[e.server] = e.host
			}
		}
	}
	return i < len(c.servers)
}

// failure is what to say when none of the candidates was of use, for these reasons.
func (c *candidates) failure(ctx context.Context, name string, errs []error) error {
	errs = slices.Concat(c.errs, errs)
	switch {
	case len(errs) > 0:
		return errors.Join(errs...)
	case ctx.Err() != nil:
		return fmt.Errorf("dnsreg: look-up of %s: %w", name, context.Cause(ctx))
	}
	return fmt.Errorf("dnsreg: %s: %w: there is no server to ask", name, ErrNoZone)
}

// blemish is what speaks against a server.
type blemish struct {
	server string
	degree int // 0: nothing
	since  time.Time
}

func (ps *places) blemish(name, server string) blemish {
	b := blemish{server: server}
	for zone := name; zone != "."; zone = parent(zone) {
		s, ok := ps.shunned[place{zone: zone, server: server}]
		switch {
		case !ok || !ps.lasts(s):
			continue
		case s.away:
			return blemish{server, 1, s.since}
		}
		b = blemish{server, 2, s.since}
		break
	}
	if n := ps.silent[server]; n > 0 {
		b.degree = 2 + n
	}
	return b
}

// addresses looks a name server up, IPv6 first.
func (ps *places) addresses(ctx context.Context, host string) ([]endpoint, error) {
	if as112Host(host) || noPrimary(host) {
		return nil, fmt.Errorf("dnsreg: name server %s: %w", host, ErrLocalZone)
	}
	if known, ok := ps.hosts[host]; ok {
		return known, nil
	}
	var servers []endpoint
	var errs []error
	for _, qtype := range []uint16{dns.TypeAAAA, dns.TypeA} {
		records, err := ps.lookup(ctx, host, qtype)
		if err != nil {
			errs = append(errs, err) // some servers fail for AAAA only
		}
		for _, rr := range records[:min(len(records), maxCandidates)] {
			if addr := addressOf(rr); usable(addr) {
				servers = append(servers, endpoint{net.JoinHostPort(addr.String(), dnsPort), host})
			}
		}
	}
	if len(servers) == 0 && len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	if len(servers) == 0 {
		return nil, fmt.Errorf("dnsreg: name server %s: %w: it has no address that can be used", host, ErrNoZone)
	}
	ps.hosts[host] = servers
	return servers, nil
}

// nameServers looks up the servers by the zone's NS records, the primary aside.
func (ps *places) nameServers(ctx context.Context, zone, mname string) ([]endpoint, error) {
	records, err := ps.lookup(ctx, zone, dns.TypeNS)
	errs := []error{err}
	var servers []endpoint
	for _, rr := range records[:min(len(records), maxCandidates)] {
		ns, ok := rr.(*dns.NS)
		if !ok || dns.CanonicalName(ns.Ns) == mname {
			continue
		}
		found, err := ps.addresses(ctx, dns.CanonicalName(ns.Ns))
		servers, errs = append(servers, found...), append(errs, err)
	}
	return servers, errors.Join(errs...)
}

// lookup asks the resolvers in turn for records. Only those of the name count, or of what its CNAMEs lead to.
func (ps *places) lookup(ctx context.Context, name string, qtype uint16) ([]dns.RR, error) {
	var errs []error
	resolvers := &candidates{servers: ps.cfg.Resolvers}
	for server := range ps.inOrder(ctx, name, resolvers) {
		m, err := ps.ask(ctx, name, qtype, server, false)
		if err != nil {
			errs = append(errs, ps.heed(ctx, server, err))
			continue
		}
		owner := name
		for range maxAliases {
			if target := aliasOf(m, owner); target != "" {
				owner = target
			}
		}
		return slices.DeleteFunc(m.Answer, func(rr dns.RR) bool {
			h := rr.Header()
			return h.Rrtype != qtype || h.Class != dns.ClassINET || dns.CanonicalName(h.Name) != owner
		}), nil
	}
	return nil, resolvers.failure(ctx, name, errs)
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
