package stack

import (
	"net/netip"
	"slices"
	"time"

	"github.com/hextet/hextet/stack/internal/ndp"
)

// learntPrefix is a prefix that routers advertise, and the addresses that were formed from it.
type learntPrefix struct {
	prefix      netip.Prefix
	onLink      bool
	onLinkUntil time.Time
	advertisers []advertiser
	routerKnown bool // one of them said its link-layer address

	stable     *addressEntry
	dadCounter uint8 // of RFC 7217

	temporary   []*temporaryAddress // the newest last
	tempRetries int                 // how many in a row turned out duplicate
	renewAt     time.Time           // when the newest needs a successor; zero: not known
}

type advertiser struct {
	router netip.Addr
	until  time.Time
}

// learnPrefix deals with a Prefix Information option. RFC 4861 section 6.3.4: "A router SHOULD NOT send a
// prefix option for the link-local prefix and a host SHOULD ignore such a prefix option."
func (a *autoconf) learnPrefix(now time.Time, pi ndp.Prefix, ra *ndp.Advertisement) {
	if pi.Prefix.Bits() == 0 || pi.Prefix.Addr().IsMulticast() || pi.Prefix.Overlaps(linkLocalScope) {
		return
	}
	p := a.prefix(pi)
	if p == nil {
		return
	}
	p.routerKnown = p.routerKnown || ra.LinkAddr != nil
	a.advertisedBy(p, ra.Router, pi.Valid, deadlineAfter(now, pi.Valid))
	if pi.OnLink {
		a.setOnLink(p, pi.Valid > 0, deadlineAfter(now, pi.Valid))
	}
	if pi.Autonomous {
		a.autonomous(now, p, pi)
	}
	a.forgetPrefixes()
}

var (
	linkLocalPrefix = netip.MustParsePrefix("fe80::/64")
	linkLocalScope  = netip.MustParsePrefix("fe80::/10")
)

// prefix returns the record of a prefix, a new one if it is worth one.
func (a *autoconf) prefix(pi ndp.Prefix) *learntPrefix {
	for _, p := range a.prefixes {
		if p.prefix == pi.Prefix {
			return p
		}
	}
	switch {
	case pi.Valid == 0:
		return nil
	case len(a.prefixes) == maxLearntPrefixes:
		a.count.ignored.Add(1)
		return nil
	}
	p := &learntPrefix{prefix: pi.Prefix}
	a.prefixes = append(a.prefixes, p)
	return p
}

// advertisedBy records that a router advertises p, or no longer does if the lifetime is 0, for rule 5.5
// of RFC 6724 section 5.
func (a *autoconf) advertisedBy(p *learntPrefix, router netip.Addr, lifetime time.Duration, until time.Time) {
	n := slices.IndexFunc(p.advertisers, func(v advertiser) bool { return v.router == router })
	switch {
	case n >= 0 && lifetime > 0:
		p.advertisers[n].until = until
		return
	case n >= 0:
		p.advertisers = slices.Delete(p.advertisers, n, n+1)
	case lifetime == 0:
		return
	case len(p.advertisers) == maxAdvertisers:
		a.count.ignored.Add(1)
		return
	default:
		p.advertisers = append(p.advertisers, advertiser{router, until})
	}
	a.tellAdvertisers(p)
}

func (a *autoconf) tellAdvertisers(p *learntPrefix) {
	var routers []netip.Addr
	for _, v := range p.advertisers {
		routers = append(routers, v.router)
	}
	a.i.s.book.advertise(a.i.index, p.prefix, routers)
}

// setOnLink makes hosts under p be reached directly until a time, or no longer.
func (a *autoconf) setOnLink(p *learntPrefix, on bool, until time.Time) {
	rib := &a.i.s.rib
	if on != p.onLink {
		p.onLink = on
		if on {
			rib.addConnected(a.i, p.prefix)
		} else {
			rib.removeConnected(a.i, p.prefix)
		}
		a.i.s.republishRoutes()
	}
	p.onLinkUntil = until
	if !on {
		p.onLinkUntil = time.Time{}
	}
}

// autonomous forms addresses from a prefix, or renews them. RFC 4862 section 5.5.3:
//
//	c) If the preferred lifetime is greater than the valid lifetime, silently ignore the Prefix
//	   Information option.
//	d) If the prefix advertised is not equal to the prefix of an address configured by stateless
//	   autoconfiguration already in the list of addresses associated with the interface (where "equal"
//	   means the two prefix lengths are the same and the first prefix-length bits of the prefixes are
//	   identical), and if the Valid Lifetime is not 0, form an address [...] If the sum of the prefix
//	   length and interface identifier length does not equal 128 bits, the Prefix Information option MUST
//	   be ignored.
func (a *autoconf) autonomous(now time.Time, p *learntPrefix, pi ndp.Prefix) {
	if pi.Preferred > pi.Valid || pi.Prefix.Bits()+identifierBits != 128 {
		return
	}
	if !a.there(p.stable) {
		if pi.Valid == 0 {
			return
		}
		p.stable = a.addStable(p, pi.Preferred, pi.Valid)
	} else {
		valid := twoHours(pi.Valid, remaining(now, a.i.s.book.info(p.stable).ValidUntil))
		a.i.s.book.setLifetimes(a.i.s.clock, p.stable, min(pi.Preferred, valid), valid)
		a.refreshTemporary(now, p, pi.Preferred, valid)
	}
	a.temporaryFor(now, p)
}

// twoHours returns an address's new valid lifetime. RFC 4862 section 5.5.3 e:
//
//  1. If the received Valid Lifetime is greater than 2 hours or greater than RemainingLifetime, set the
//     valid lifetime of the corresponding address to the advertised Valid Lifetime.
//  2. If RemainingLifetime is less than or equal to 2 hours, ignore the Prefix Information option with
//     regards to the valid lifetime, unless the Router Advertisement from which this option was obtained
//     has been authenticated [...]
//  3. Otherwise, reset the valid lifetime of the corresponding address to 2 hours.
func twoHours(received, remaining time.Duration) time.Duration {
	switch {
	case received > 2*time.Hour || received > remaining:
		return received
	case remaining <= 2*time.Hour:
		return remaining
	}
	return 2 * time.Hour
}

// dues returns when something about p is due; zero times mean nothing.
func (a *autoconf) dues(p *learntPrefix) []time.Time {
	ts := []time.Time{p.onLinkUntil, p.renewAt}
	for _, v := range p.advertisers {
		ts = append(ts, v.until)
	}
	for _, e := range a.formed(p) {
		ts = append(ts, a.i.s.book.info(e).ValidUntil)
	}
	return ts
}

// formed returns the addresses that were formed from p and are still there.
func (a *autoconf) formed(p *learntPrefix) (es []*addressEntry) {
	if a.there(p.stable) {
		es = append(es, p.stable)
	}
	for _, t := range p.temporary {
		if a.there(t.addressEntry) {
			es = append(es, t.addressEntry)
		}
	}
	return es
}

// expirePrefixes ends what prefixes are known for. Their addresses have timers of their own, which may
// be a moment late.
func (a *autoconf) expirePrefixes(now time.Time) {
	for _, p := range a.prefixes {
		if p.onLink && passed(now, p.onLinkUntil) {
			a.setOnLink(p, false, time.Time{})
		}
		before := len(p.advertisers)
		p.advertisers = slices.DeleteFunc(p.advertisers, func(v advertiser) bool { return passed(now, v.until) })
		if len(p.advertisers) < before {
			a.tellAdvertisers(p)
		}
		for _, e := range a.formed(p) {
			if passed(now, a.i.s.book.info(e).ValidUntil) {
				a.i.removeEntries(e)
			}
		}
	}
	a.forgetPrefixes()
}

// forgetPrefixes drops the records that say nothing any more.
func (a *autoconf) forgetPrefixes() {
	a.prefixes = slices.DeleteFunc(a.prefixes, func(p *learntPrefix) bool {
		p.temporary = slices.DeleteFunc(p.temporary, func(t *temporaryAddress) bool { return !a.there(t.addressEntry) })
		return !p.onLink && len(p.advertisers) == 0 && len(a.formed(p)) == 0
	})
}
