package dnsreg

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"

	"github.com/hextet/hextet/srcselect"
)

// Policy narrows the addresses to register. The zero value narrows nothing, and no field can bring back
// an address that Eligible puts out.
type Policy struct {
	// NoIPv4 and NoIPv6 leave a family out. False: it is in.
	NoIPv4, NoIPv6 bool
	// Prefixes has the prefixes that an address must be in, one of them at least. Empty: anywhere.
	// Addresses in IPv4-mapped prefixes, ::ffff:192.0.2.0/120 say, are those of the IPv4 prefix.
	Prefixes []netip.Prefix
	// NotPrefixes has the prefixes that an address must not be in. Empty: none.
	NotPrefixes []netip.Prefix
	// Interfaces has the indices of the interfaces that an address must be on, one of them at least.
	// Empty: any. An address is judged once for each interface that it is on.
	Interfaces []int
	// NotInterfaces has the indices of the interfaces that an address must not be on. Empty: none.
	NotInterfaces []int
	// NoPrivate leaves out addresses that mean something inside a site or a provider's network only:
	// RFC 1918, RFC 6598, unique local ones (RFC 4193) and site-local ones (RFC 3879). False: they are in.
	NoPrivate bool
	// NoHomeAddress leaves out a mobile node's home addresses (RFC 6275). False: they are in.
	NoHomeAddress bool
	// NoCareOf leaves out its care-of addresses, but not an address that is the home address too,
	// as it is while the node is at home. False: they are in.
	NoCareOf bool
	// Filter has the last word: it is asked about addresses that pass everything else, from the goroutine
	// of Sync, Plan, Deregister or Run, and returns false for those to leave out. It must not call these.
	// Nil: none.
	Filter func(srcselect.Address) bool
}

var privatePrefixes = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("fc00::/7"), netip.MustParsePrefix("fec0::/10"),
}

// verdict judges an address: first by the rules that nothing overrides, then by the policy.
func (p *Policy) verdict(a srcselect.Address) Reason {
	if why := ineligible(a); why != Registered {
		return why
	}
	addr := a.Prefix.Addr()
	switch {
	case p.NoIPv4 && addr.Is4(), p.NoIPv6 && addr.Is6():
		return ExcludedFamily
	case len(p.Prefixes) > 0 && !within(addr, p.Prefixes):
		return OtherPrefix
	case within(addr, p.NotPrefixes):
		return ExcludedPrefix
	case len(p.Interfaces) > 0 && !slices.Contains(p.Interfaces, a.Interface):
		return OtherInterface
	case slices.Contains(p.NotInterfaces, a.Interface):
		return ExcludedInterface
	case p.NoPrivate && within(addr, privatePrefixes):
		return Private
	case p.NoHomeAddress && a.HomeAddress:
		return HomeAddress
	case p.NoCareOf && a.CareOf && !a.HomeAddress:
		return CareOf
	case p.Filter != nil && !p.Filter(a):
		return Filtered
	}
	return Registered
}

func within(addr netip.Addr, prefixes []netip.Prefix) bool {
	return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// check copies the slices, unmaps the prefixes, and returns every error it finds. field is the policy's
// place in the Config.
func (p *Policy) check(field string) (errs []error) {
	prefixes := func(list []netip.Prefix, name string) []netip.Prefix {
		out := make([]netip.Prefix, 0, len(list))
		for _, given := range list {
			clean, rule := checkPrefix(given)
			if rule != "" {
				errs = append(errs, fmt.Errorf("dnsreg: %s.%s: prefix %v: %s", field, name, given, rule))
			}
			out = append(out, clean)
		}
		return out
	}
	interfaces := func(list []int, name string) []int {
		for _, index := range list {
			if index < 1 {
				errs = append(errs, fmt.Errorf("dnsreg: %s.%s: %d is no interface index: they begin at 1", field, name, index))
			}
		}
		return slices.Clone(list)
	}
	p.Prefixes, p.NotPrefixes = prefixes(p.Prefixes, "Prefixes"), prefixes(p.NotPrefixes, "NotPrefixes")
	p.Interfaces, p.NotInterfaces = interfaces(p.Interfaces, "Interfaces"), interfaces(p.NotInterfaces, "NotInterfaces")
	return errs
}

// checkPrefix returns a prefix unmapped, or the rule that it breaks.
func checkPrefix(p netip.Prefix) (clean netip.Prefix, rule string) {
	const mappedBits = 96 // ::ffff:0:0/96
	switch {
	case !p.IsValid():
		return p, "not valid"
	case p.Addr().Is4In6() && p.Bits() < mappedBits:
		return p, "shorter than the IPv4-mapped ::ffff:0:0/96"
	case p != p.Masked():
		return p, fmt.Sprintf("bits are set beyond the length: %v is meant, or /%d", p.Masked(), p.Addr().BitLen())
	case p.Addr().Is4In6():
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-mappedBits), ""
	}
	return p, ""
}

// switches tell which interfaces are switched off. All are on in the zero value.
type switches struct {
	mu      sync.Mutex
	off     map[int]bool // replaced, never modified
	changed chan struct{}
}

// set turns an interface on or off, and wakes who waits if that is news.
func (s *switches) set(index int, on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.off[index] == !on {
		return
	}
	off := maps.Clone(s.off)
	if on {
		delete(off, index)
	} else if off == nil {
		off = map[int]bool{index: true}
	} else {
		off[index] = true
	}
	s.off = off
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// now returns the interfaces that are off, to be read only, and a channel that is closed once that is
// out of date.
func (s *switches) now() (off map[int]bool, changed <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return s.off, s.changed
}

// SetInterface says whether the addresses of an interface are registered, as the check box "Register this
// connection's addresses in DNS" does on Windows: Run follows, as it follows the Source. All interfaces
// are on at first; the switch only narrows. An address that is on another interface too, one that is on,
// stays registered. It may be called from any goroutine, Policy.Filter's too.
func (r *Registrar) SetInterface(index int, register bool) { r.switches.set(index, register) }
