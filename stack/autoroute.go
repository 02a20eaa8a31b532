package stack

import (
	"net/netip"
	"slices"
	"time"

	"github.com/hextet/hextet/stack/internal/engine"
	"github.com/hextet/hextet/stack/internal/ndp"
)

// learntRoute is a default router, or a route of RFC 4191: both are a way to a prefix by a router.
type learntRoute struct {
	prefix     netip.Prefix
	router     netip.Addr
	preference ndp.Preference
	until      time.Time
	silent     bool // the router does not answer
}

// The metrics of routes that routers advertise, by their preference (RFC 4191 section 2.1). A configured
// route goes first unless its metric is higher.
const (
	metricHigh   = 512
	metricMedium = 1024
	metricLow    = 2048
	metricSilent = 1 << 16 // more, while the router does not answer
)

func (r *learntRoute) route() Route {
	metric := metricMedium
	switch r.preference {
	case ndp.High:
		metric = metricHigh
	case ndp.Low:
		metric = metricLow
	}
	if r.silent {
		metric += metricSilent
	}
	return Route{Destination: r.prefix, NextHop: r.router, Metric: metric}
}

// learnRoute takes a route up, renews it, or ends it if its lifetime is 0 (RFC 4861 section 6.3.4, RFC
// 4191 section 3.1). It reports whether the routes have to be republished.
func (a *autoconf) learnRoute(now time.Time, r ndp.Route, router netip.Addr) (changed bool) {
	n := slices.IndexFunc(a.routes, func(old *learntRoute) bool { return old.prefix == r.Prefix && old.router == router })
	next := &learntRoute{prefix: r.Prefix, router: router, preference: r.Preference, until: deadlineAfter(now, r.Lifetime)}
	switch {
	case n < 0 && r.Lifetime == 0, r.Prefix.Addr().IsMulticast(), r.Prefix.Addr().IsLinkLocalUnicast():
	case n < 0 && len(a.routes) == maxLearntRoutes:
		a.count.ignored.Add(1)
	case n < 0:
		a.routes = append(a.routes, next)
		a.i.s.rib.learn(a.i, next.route())
		return true
	case r.Lifetime == 0:
		a.i.s.rib.unlearn(a.i, next.route())
		a.routes = slices.Delete(a.routes, n, n+1)
		return true
	default:
		if old := a.routes[n]; old.preference != next.preference || old.silent { // it is there again
			changed = true
			a.i.s.rib.learn(a.i, next.route())
		}
		a.routes[n] = next
	}
	return changed
}

// expireRoutes ends the routes whose lifetime is over, and reports whether there were any.
func (a *autoconf) expireRoutes(now time.Time) bool {
	before := len(a.routes)
	a.routes = slices.DeleteFunc(a.routes, func(r *learntRoute) bool {
		if !passed(now, r.until) {
			return false
		}
		a.i.s.rib.unlearn(a.i, r.route())
		return true
	})
	return len(a.routes) < before
}

// The longest that a router may advertise for ReachableTime (RFC 4861 section 6.2.1), and what is taken
// for RetransTimer: who believed more could be kept from ever resolving a neighbour.
const (
	maxReachable = time.Hour
	maxRetrans   = 10 * time.Second
)

// parameters takes up the link's. RFC 4861 section 6.3.4: "If the received Cur Hop Limit value is
// non-zero, the host SHOULD set its CurHopLimit variable to the received value", and likewise for
// ReachableTime, RetransTimer and the MTU, "so long as the value is greater than or equal to the
// minimum link MTU and does not exceed the maximum LinkMTU value specified in the link-type-specific
// document".
func (a *autoconf) parameters(ra *ndp.Advertisement) {
	s, p := a.i.s, &a.params
	p.Managed, p.Other = ra.Managed, ra.Other
	if ra.HopLimit != 0 && ra.HopLimit != p.HopLimit {
		p.HopLimit = ra.HopLimit
		engine.SetHopLimit(s.gv, a.i.index, ra.HopLimit)
		s.gen.bump()
	}
	if ra.MTU >= minMTU && ra.MTU <= uint32(a.i.mtu) && ra.MTU != p.MTU {
		p.MTU = ra.MTU
		engine.SetIPv6MTU(s.gv, a.i.index, ra.MTU)
		s.gen.bump()
	}
	reachable, retrans := p.Reachable, p.Retrans
	if ra.Reachable > 0 && ra.Reachable <= maxReachable {
		reachable = ra.Reachable
	}
	if ra.Retrans > 0 && ra.Retrans <= maxRetrans {
		retrans = ra.Retrans
	}
	if reachable != p.Reachable || retrans != p.Retrans {
		p.Reachable, p.Retrans = reachable, retrans
		engine.SetNeighborTimers(s.gv, a.i.index, reachable, retrans)
	}
}

// learntDNS is a server or a name to search (RFC 8106 section 5).
type learntDNS struct {
	addr   netip.Addr
	name   string
	router netip.Addr
	until  time.Time
}

// learnDNS takes a server or a name up, renews it, or ends it if its lifetime is 0 (RFC 8106 section 6.2).
func (a *autoconf) learnDNS(list []learntDNS, d learntDNS, lifetime time.Duration) []learntDNS {
	n := slices.IndexFunc(list, func(old learntDNS) bool { return old.addr == d.addr && old.name == d.name })
	switch {
	case n < 0 && lifetime == 0:
	case n < 0 && len(list) == maxDNS:
		a.count.ignored.Add(1)
	case n < 0:
		list = append(list, d)
	case lifetime == 0:
		list = slices.Delete(list, n, n+1)
	default:
		list[n] = d
	}
	return list
}

func (a *autoconf) expireDNS(now time.Time) {
	over := func(d learntDNS) bool { return passed(now, d.until) }
	a.servers = slices.DeleteFunc(a.servers, over)
	a.search = slices.DeleteFunc(a.search, over)
}
