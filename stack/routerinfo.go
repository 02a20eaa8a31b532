package stack

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"time"
)

// RouterInfo is what an interface has learnt from Router Advertisements (RFC 4861 section 4.2, RFC 4191,
// RFC 8106) and still holds true. The zero RouterInfo is that of an interface without SLAAC, or without
// routers. Its slices are not to be changed.
type RouterInfo struct {
	Routers  []Router       // default routers
	Routes   []RouterRoute  // more specific routes
	Prefixes []RouterPrefix // in the order in which they were first advertised
	Servers  []DNSServer
	Search   []SearchDomain

	// Managed and Other tell that addresses, or other configuration, are there from DHCPv6 (the M and O
	// flags of the latest advertisement).
	Managed, Other bool

	// HopLimit and MTU, in bytes, are in force for IPv6 if they are not 0.
	HopLimit, MTU int

	// Reachable and Retrans are in force for neighbour discovery if they are not 0.
	Reachable, Retrans time.Duration
}

// RouterPreference ranks routers and routes (RFC 4191 section 2.1): Low is -1, medium 0, high 1.
type RouterPreference int8

// Router is a default router. A zero Until means for ever, here and below.
type Router struct {
	Addr       netip.Addr // link-local, with the interface as zone
	Preference RouterPreference
	Until      time.Time
}

// RouterRoute is a route to a prefix by a router.
type RouterRoute struct {
	Destination netip.Prefix
	Router      netip.Addr
	Preference  RouterPreference
	Until       time.Time
}

// RouterPrefix is a prefix that routers advertise.
type RouterPrefix struct {
	Prefix      netip.Prefix
	OnLink      bool // hosts under it are reached directly
	OnLinkUntil time.Time
	Routers     []netip.Addr // that advertise it
}

// DNSServer is the address of a recursive DNS server. A link-local one has the interface as zone.
type DNSServer struct {
	Addr   netip.Addr
	Router netip.Addr // that advertised it last
	Until  time.Time
}

// SearchDomain is a suffix for names without dots, itself without a final dot.
type SearchDomain struct {
	Name   string
	Router netip.Addr
	Until  time.Time
}

// String returns a line such as "2 routers, 0 routes, 1 prefix, 1 DNS server, 0 search domains".
func (r RouterInfo) String() string {
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{len(r.Routers), "router"}, {len(r.Routes), "route"}, {len(r.Prefixes), "prefix"}, {len(r.Servers), "DNS server"}, {len(r.Search), "search domain"}} {
		plural := "s"
		switch {
		case p.n == 1:
			plural = ""
		case strings.HasSuffix(p.what, "x"):
			plural = "es"
		}
		parts = append(parts, fmt.Sprintf("%d %s%s", p.n, p.what, plural))
	}
	return strings.Join(parts, ", ")
}

// RouterInfo returns what the interface has learnt from routers. A RouterEvent tells when it changes.
func (i *Interface) RouterInfo() RouterInfo { return *i.auto.info.Load() }

// publish shows what is known now. a.mu is held.
func (a *autoconf) publish() {
	zone := func(addr netip.Addr) netip.Addr { return addr.WithZone(a.i.name) }
	info := &RouterInfo{
		Managed: a.params.Managed, Other: a.params.Other,
		HopLimit: int(a.params.HopLimit), MTU: int(a.params.MTU),
		Reachable: a.params.Reachable, Retrans: a.params.Retrans,
	}
	for _, r := range a.routes {
		if r.prefix == defaultRoute6 {
			info.Routers = append(info.Routers, Router{zone(r.router), RouterPreference(r.preference), r.until})
		} else {
			info.Routes = append(info.Routes, RouterRoute{r.prefix, zone(r.router), RouterPreference(r.preference), r.until})
		}
	}
	for _, p := range a.prefixes {
		rp := RouterPrefix{Prefix: p.prefix, OnLink: p.onLink, OnLinkUntil: p.onLinkUntil}
		for _, v := range p.advertisers {
			rp.Routers = append(rp.Routers, zone(v.router))
		}
		info.Prefixes = append(info.Prefixes, rp)
	}
	for _, d := range a.servers {
		if d.addr.IsLinkLocalUnicast() {
			d.addr = zone(d.addr)
		}
		info.Servers = append(info.Servers, DNSServer{d.addr, zone(d.router), d.until})
	}
	for _, d := range a.search {
		info.Search = append(info.Search, SearchDomain{d.name, zone(d.router), d.until})
	}
	if !reflect.DeepEqual(info, a.info.Load()) {
		a.info.Store(info)
		a.i.s.watch.post(routersKey(a.i), a.event)
	}
}

// event tells how things are.
func (a *autoconf) event() (e Event, removed bool) {
	if removed = a.i.gone.Load(); removed {
		return RouterEvent{Interface: a.i.name, Index: a.i.index, Removed: true}, true
	}
	return RouterEvent{Interface: a.i.name, Index: a.i.index, RouterInfo: *a.info.Load()}, false
}
