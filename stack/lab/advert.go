package lab

import (
	"cmp"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/internal/ndp"
)

// Forever is a lifetime without an end.
const Forever time.Duration = math.MaxInt64

// Advertisement is what a router says in Router Advertisements (RFC 4861 section 4.2). The zero
// Advertisement is that of a default router and nothing else. A router copies the slices. Only what can't be written into the message
// is an error: a router may well be scripted to say nonsense.
//
// A lifetime of zero is the default that is named with the field, and a negative one is 0 on the wire, which
// takes back what was said. Fractions of the unit on the wire are cut off.
type Advertisement struct {
	// Interface is who advertises it, by name. Empty: the router's first.
	Interface string

	// Lifetime is for how long the router is one of hosts' default routers, at most 65535 s. Zero: three
	// times Interval as far as that goes, 30 minutes if Interval is zero too or negative. Negative: it is
	// none of theirs.
	Lifetime time.Duration

	// Preference among default routers (RFC 4191 section 2.1): -1, 0 or 1.
	Preference stack.RouterPreference

	// Managed and Other say that addresses, or other configuration, are there from DHCPv6.
	Managed, Other bool

	// HopLimit, Reachable, Retrans and MTU are what hosts are to use. Zero: the router does not say.
	HopLimit           uint8
	Reachable, Retrans time.Duration // in milliseconds
	MTU                uint32

	Prefixes []Prefix

	// Routes are more specific ones (RFC 4191 section 2.3).
	Routes []RouteInfo

	// DNS and Search are name servers and search domains (RFC 8106 section 5), for DNSLifetime. Zero: what
	// a Lifetime of zero is, whatever Lifetime says.
	DNS         []netip.Addr
	Search      []string
	DNSLifetime time.Duration

	// Interval is the longest time between two unsolicited advertisements, and MinInterval the
	// shortest (MaxRtrAdvInterval, 70 ms or more, and MinRtrAdvInterval of RFC 4861 section 6.2.1). Zero: 10 minutes, and
	// a third of Interval. Negative: none are sent but those that Advertise sends, and answers.
	Interval, MinInterval time.Duration

	// Deaf leaves solicitations without an answer.
	Deaf bool

	// Source is who sends it. Zero: the interface's link-local address, as RFC 4861 section 4.2 demands.
	Source netip.Addr
}

// Prefix is a prefix that a router advertises (RFC 4861 section 4.6.2).
type Prefix struct {
	Prefix netip.Prefix

	// NotOnLink says that hosts under it are not reached directly, and NotAutonomous that no addresses
	// are to be formed from it: the L and A flags, inverted.
	NotOnLink, NotAutonomous bool

	// Valid and Preferred are lifetimes, in seconds. Zero: 30 days and 7 days (RFC 4861 section 6.2.1).
	Valid, Preferred time.Duration
}

// RouteInfo is a route that a router advertises (RFC 4191 section 2.3).
type RouteInfo struct {
	Prefix     netip.Prefix
	Preference stack.RouterPreference
	Lifetime   time.Duration // in seconds. Zero: what Advertisement.Lifetime is if it is zero
}

// Prefixes are prefixes with all that their zero values say. It panics if a text is no prefix.
func Prefixes(texts ...string) []Prefix {
	var all []Prefix
	for _, s := range texts {
		all = append(all, Prefix{Prefix: netip.MustParsePrefix(s)})
	}
	return all
}

const (
	defaultAdvInterval = 10 * time.Minute
	leastAdvInterval   = 70 * time.Millisecond        // for routers of mobile hosts; others have 4 s
	maxLifetime        = math.MaxUint16 * time.Second // of a router, on the wire
	maxUint32          = math.MaxUint32
)

// check says what can't be written.
func (a Advertisement) check() error {
	if s := a.Lifetime / time.Second; s > math.MaxUint16 {
		return fmt.Errorf("the Lifetime %v is more than 65535 s", a.Lifetime)
	}
	if err := checkPreference("the Preference", a.Preference); err != nil {
		return err
	}
	for _, d := range []struct {
		name string
		of   time.Duration
	}{{"Reachable", a.Reachable}, {"Retrans", a.Retrans}} {
		if d.of < 0 || d.of/time.Millisecond > maxUint32 {
			return fmt.Errorf("the %s time %v is not between 0 and 4294967295 ms", d.name, d.of)
		}
	}
	for _, p := range a.Prefixes {
		if err := checkPrefix(p.Prefix, p.Valid, p.Preferred); err != nil {
			return err
		}
	}
	for _, r := range a.Routes {
		if err := checkPrefix(r.Prefix, r.Lifetime); err != nil {
			return err
		}
		if err := checkPreference(fmt.Sprintf("the Preference of %v", r.Prefix), r.Preference); err != nil {
			return err
		}
	}
	for _, d := range a.DNS {
		if !d.Is6() {
			return fmt.Errorf("the name server %v is no IPv6 address (RFC 8106 section 5.1)", d)
		}
	}
	for _, name := range a.Search {
		if err := checkDomain(name); err != nil {
			return err
		}
	}
	switch {
	case tooLong(a.DNSLifetime):
		return fmt.Errorf("the DNSLifetime %v is more than 4294967294 s, and not Forever", a.DNSLifetime)
	case a.Source.IsValid() && !a.Source.Is6():
		return fmt.Errorf("the Source %v is no IPv6 address", a.Source)
	case a.Interval > 0 && a.Interval < leastAdvInterval:
		return fmt.Errorf("the Interval %v is less than %v (RFC 6275 section 7.5)", a.Interval, leastAdvInterval)
	case a.MinInterval < 0 || a.MinInterval > a.interval():
		return fmt.Errorf("the MinInterval %v is not between 0 and Interval, %v", a.MinInterval, a.interval())
	}
	return nil
}

func checkPreference(what string, p stack.RouterPreference) error {
	if p < -1 || p > 1 {
		return fmt.Errorf("%s is %d, not -1, 0 or 1 (RFC 4191 section 2.1)", what, p)
	}
	return nil
}

func checkPrefix(p netip.Prefix, lifetimes ...time.Duration) error {
	if !p.IsValid() || !p.Addr().Is6() {
		return fmt.Errorf("%v is no IPv6 prefix", p)
	}
	for _, d := range lifetimes {
		if tooLong(d) {
			return fmt.Errorf("prefix %v: the lifetime %v is more than 4294967294 s, and not Forever", p, d)
		}
	}
	return nil
}

func tooLong(d time.Duration) bool { return d != Forever && d/time.Second >= maxUint32 }

// checkDomain says why a name does not go into an option (RFC 1035 section 2.3.4).
func checkDomain(name string) error {
	if len(name) > 253 {
		return fmt.Errorf("the search domain %q has %d bytes, more than 253", name, len(name))
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return fmt.Errorf("the search domain %q has a label of %d bytes, not 1 to 63", name, len(label))
		}
	}
	return nil
}

// clone is a with slices of its own.
func (a Advertisement) clone() Advertisement {
	a.Prefixes, a.Routes = slices.Clone(a.Prefixes), slices.Clone(a.Routes)
	a.DNS, a.Search = slices.Clone(a.DNS), slices.Clone(a.Search)
	return a
}

func (a Advertisement) interval() time.Duration {
	return cmp.Or(max(a.Interval, 0), defaultAdvInterval)
}

// lifetime is what is meant by d.
func lifetime(d, zero time.Duration) time.Duration { return max(cmp.Or(d, zero), 0) }

// message is the advertisement as src sends it.
func (a Advertisement) message(src netip.Addr) ndp.Advertisement {
	own := 3 * min(a.interval(), maxLifetime/3)
	ra := ndp.Advertisement{
		Router: src, HopLimit: a.HopLimit, Managed: a.Managed, Other: a.Other,
		Preference: ndp.Preference(a.Preference), Lifetime: lifetime(a.Lifetime, own),
		Reachable: a.Reachable, Retrans: a.Retrans, MTU: a.MTU,
	}
	for _, p := range a.Prefixes {
		ra.Prefixes = append(ra.Prefixes, ndp.Prefix{
			Prefix: p.Prefix.Masked(), OnLink: !p.NotOnLink, Autonomous: !p.NotAutonomous,
			Valid: lifetime(p.Valid, 30*24*time.Hour), Preferred: lifetime(p.Preferred, 7*24*time.Hour),
		})
	}
	for _, r := range a.Routes {
		ra.Routes = append(ra.Routes, ndp.Route{Prefix: r.Prefix.Masked(), Preference: ndp.Preference(r.Preference), Lifetime: lifetime(r.Lifetime, own)})
	}
	for _, d := range a.DNS {
		ra.Servers = append(ra.Servers, ndp.Server{Addr: d.WithZone(""), Lifetime: lifetime(a.DNSLifetime, own)})
	}
	for _, name := range a.Search {
		ra.Search = append(ra.Search, ndp.Domain{Name: name, Lifetime: lifetime(a.DNSLifetime, own)})
	}
	return ra
}
