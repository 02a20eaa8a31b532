package lab_test

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/lab"
)

// slaacHost adds a host that listens to routers.
func slaacHost(l *lab.Lab, name string, seg *lab.Segment) (*lab.Host, *stack.Interface) {
	h := l.Host(lab.HostConfig{Name: name, Interfaces: []lab.InterfaceConfig{{Segment: seg, Stack: stack.InterfaceConfig{SLAAC: true, DAD: true}}}})
	return h, h.Interfaces()[0]
}

// globals are an interface's addresses that are not link-local, sorted.
func globals(i *stack.Interface) (all []string) {
	for _, a := range i.Addresses() {
		if addr := a.Prefix.Addr(); !addr.IsLinkLocalUnicast() && a.State == stack.Assigned {
			s := a.Prefix.String()
			if a.Deprecated {
				s += " deprecated"
			}
			all = append(all, s)
		}
	}
	slices.Sort(all)
	return all
}

// Two networks and a router between them: hosts configure themselves, and reach each other.
func TestRouterForwards(t *testing.T) {
	l := lab.New(t)
	home, office := l.Segment(lab.SegmentConfig{Name: "home"}), l.Segment(lab.SegmentConfig{Name: "office"})
	l.Router(lab.RouterConfig{
		Interfaces: []lab.InterfaceConfig{
			{Segment: home, Addresses: lab.Addresses("2001:db8:1::1/64", "10.0.1.1/24")},
			{Segment: office, Addresses: lab.Addresses("2001:db8:2::1/64", "10.0.2.1/24")},
		},
		Advertise: []lab.Advertisement{
			{Prefixes: lab.Prefixes("2001:db8:1::/64")},
			{Interface: "eth1", Prefixes: lab.Prefixes("2001:db8:2::/64")},
		},
	})
	a, ia := slaacHost(l, "a", home)
	b, ib := slaacHost(l, "b", office)
	l.Advance(5 * time.Second)
	if got := fmt.Sprint(globals(ia), globals(ib)); got != "[2001:db8:1::ff:fe00:2/64] [2001:db8:2::ff:fe00:3/64]" {
		t.Fatal(got)
	}
	ln, err := b.Listen(t.Context(), "tcp", ":80")
	if err != nil {
		t.Fatal(err)
	}
	l.Go("server", func(context.Context) error {
		c, err := ln.Accept()
		if err != nil {
			return err
		}
		io.WriteString(c, c.RemoteAddr().String())
		return c.Close()
	})
	c, err := a.DialContext(t.Context(), "tcp", "[2001:db8:2::ff:fe00:3]:80")
	if err != nil {
		t.Fatal(err)
	}
	said, err := io.ReadAll(c)
	if err != nil || !strings.HasPrefix(string(said), "[2001:db8:1::ff:fe00:2]") {
		t.Errorf("%s, %v", said, err)
	}
	c.Close()
}

// Three times a long interval is not less than nothing.
func TestAdvertisementInterval(t *testing.T) {
	l := lab.New(t)
	r := l.Router(lab.RouterConfig{})
	_, i := slaacHost(l, "h", nil)
	for _, interval := range []time.Duration{20 * time.Hour, lab.Forever / 2, lab.Forever} {
		if err := r.AdvertiseOnce(lab.Advertisement{Lifetime: -1}); err != nil {
			t.Fatal(err)
		}
		l.Advance(time.Second)
		if err := r.AdvertiseOnce(lab.Advertisement{Interval: interval}); err != nil {
			t.Fatal(err)
		}
		start := l.Now()
		l.Advance(time.Second)
		if info := i.RouterInfo(); len(info.Routers) != 1 || !info.Routers[0].Until.Equal(start.Add(65535*time.Second)) {
			t.Errorf("an interval of %v: routers %v", interval, info.Routers)
		}
	}
}

// What was advertised is the router's: who changes his slices changes nothing.
func TestAdvertisementSlices(t *testing.T) {
	r := lab.New(t).Router(lab.RouterConfig{})
	prefixes := lab.Prefixes("2001:db8:1::/64")
	if err := r.Advertise(lab.Advertisement{Prefixes: prefixes}); err != nil {
		t.Fatal(err)
	}
	prefixes[0].NotOnLink = true
	a, _ := r.Advertises("")
	if a.Prefixes[0].NotOnLink {
		t.Error("the caller's slice is advertised")
	}
	a.Prefixes[0].NotAutonomous = true
	if again, _ := r.Advertises(""); again.Prefixes[0].NotAutonomous {
		t.Error("Advertises returns the slice that is advertised")
	}
}

// Everything that an advertisement can say, and hosts hear.
func TestAdvertisement(t *testing.T) {
	l := lab.New(t)
	r := l.Router(lab.RouterConfig{Name: "r"})
	_, i := slaacHost(l, "h", nil)
	full := lab.Advertisement{
		Lifetime: 20 * time.Minute, Preference: 1, Managed: true, Other: true, HopLimit: 33, Reachable: 20 * time.Second, Retrans: 2 * time.Second, MTU: 1400,
		Prefixes: []lab.Prefix{
			{Prefix: netip.MustParsePrefix("2001:db8:1::/64"), Valid: time.Hour, Preferred: 10 * time.Minute},
			{Prefix: netip.MustParsePrefix("2001:db8:2::/64"), NotAutonomous: true},
			{Prefix: netip.MustParsePrefix("2001:db8:3::/64"), NotOnLink: true, Valid: lab.Forever, Preferred: lab.Forever},
		},
		Routes:      []lab.RouteInfo{{Prefix: netip.MustParsePrefix("2001:db8:f000::/36"), Preference: -1, Lifetime: time.Hour}},
		DNS:         []netip.Addr{netip.MustParseAddr("2001:db8::53")},
		Search:      []string{"example.org"},
		DNSLifetime: time.Hour,
	}
	if err := r.AdvertiseOnce(full); err != nil {
		t.Fatal(err)
	}
	start := l.Now()
	l.Advance(5 * time.Second)
	info := i.RouterInfo()
	at := func(d time.Duration) time.Time { return start.Add(d) }
	switch {
	case len(info.Routers) != 1 || info.Routers[0].Preference != 1 || !info.Routers[0].Until.Equal(at(20*time.Minute)):
		t.Errorf("routers %v", info.Routers)
	case !info.Managed || !info.Other || info.HopLimit != 33 || info.MTU != 1400 || info.Reachable != 20*time.Second || info.Retrans != 2*time.Second:
		t.Errorf("%+v", info)
	case len(info.Routes) != 1 || info.Routes[0].Destination.String() != "2001:db8:f000::/36" || info.Routes[0].Preference != -1:
		t.Errorf("routes %v", info.Routes)
	case len(info.Servers) != 1 || info.Servers[0].Addr.String() != "2001:db8::53" || !info.Servers[0].Until.Equal(at(time.Hour)):
		t.Errorf("servers %v", info.Servers)
	case len(info.Search) != 1 || info.Search[0].Name != "example.org":
		t.Errorf("search %v", info.Search)
	}
	if got := fmt.Sprint(globals(i)); got != "[2001:db8:1::ff:fe00:2/64 2001:db8:3::ff:fe00:2/64]" {
		t.Error(got)
	}
	l.Advance(10 * time.Minute)
	if got := fmt.Sprint(globals(i)); !strings.Contains(got, "2001:db8:1::ff:fe00:2/64 deprecated") {
		t.Errorf("after ten minutes: %v", got)
	}
	l.Advance(time.Hour)
	if got := fmt.Sprint(globals(i)); got != "[2001:db8:3::ff:fe00:2/64]" {
		t.Errorf("after an hour: %v", got)
	}
}

// advertisements are the times of the Router Advertisements that were sent.
func advertisements(l *lab.Lab, start time.Time) (at []time.Duration) {
	for _, p := range l.Packets() {
		if len(p.Data) > 54 && p.Data[54] == 134 && p.Data[20] == 58 {
			at = append(at, p.Time.Sub(start))
		}
	}
	return at
}

// The times of RFC 4861 section 6.2.4: at once, twice within 16 s, and then between a third of the interval and
// all of it; a final one at the end.
func TestAdvertisementTimes(t *testing.T) {
	l := lab.New(t)
	start := l.Now()
	r := l.Router(lab.RouterConfig{Advertise: []lab.Advertisement{{Interval: time.Minute}}})
	l.Advance(24 * time.Hour)
	at := advertisements(l, start)
	if len(at) < 24*60 || len(at) > 3*24*60 {
		t.Fatalf("%d advertisements in a day", len(at))
	}
	if at[0] != 0 {
		t.Errorf("the first came after %v", at[0])
	}
	shortest, longest := time.Hour, time.Duration(0)
	for n := 1; n < len(at); n++ {
		gap := at[n] - at[n-1]
		if n < 3 {
			if gap != 16*time.Second {
				t.Errorf("after %v", gap)
			}
			continue
		}
		shortest, longest = min(shortest, gap), max(longest, gap)
	}
	if shortest < 20*time.Second || shortest > 21*time.Second || longest > time.Minute || longest < 59*time.Second {
		t.Errorf("between %v and %v apart", shortest, longest)
	}

	// What changes is said at once. In the end, nothing is.
	before := len(at)
	if err := r.Advertise(lab.Advertisement{Interval: -1, Lifetime: time.Hour}); err != nil {
		t.Fatal(err)
	}
	l.Advance(time.Hour)
	if n := len(advertisements(l, start)); n != before+1 {
		t.Errorf("%d more, not one", n-before)
	}
	if err := r.StopAdvertising("eth0"); err != nil {
		t.Fatal(err)
	}
	if _, on := r.Advertises(""); on {
		t.Error("it still advertises")
	}
	l.Advance(time.Hour)
	last, _ := l.LastPacket(func(p lab.Packet) bool { return len(p.Data) > 54 && p.Data[54] == 134 })
	if n := len(advertisements(l, start)); n != before+2 || last.Data[60] != 0 || last.Data[61] != 0 {
		t.Errorf("%d more, the last % x", n-before, last.Data)
	}
}

// RFC 4861 section 6.2.6: an answer comes within half a second, and not within three seconds of another.
func TestSolicitations(t *testing.T) {
	for seed := range uint64(20) {
		l := lab.New(t, lab.Config{Seed: seed})
		start := l.Now()
		r := l.Router(lab.RouterConfig{Advertise: []lab.Advertisement{{Interval: -1}}})
		l.Advance(time.Minute)
		_, i := slaacHost(l, "a", nil)
		asked := l.Now()
		l.Advance(3 * time.Second)
		at := advertisements(l, start)
		solicited, ok := l.LastPacket(func(p lab.Packet) bool { return len(p.Data) > 54 && p.Data[54] == 133 })
		if !ok || len(at) != 2 || len(i.RouterInfo().Routers) != 1 {
			t.Fatalf("solicited after %v: advertised at %v", solicited.Time.Sub(asked), at)
		}
		if d := at[1] - solicited.Time.Sub(start); d < 0 || d > 500*time.Millisecond {
			t.Errorf("answered after %v", d)
		}
		for n := range 5 { // all at once
			slaacHost(l, fmt.Sprint("b", n), nil)
		}
		l.Advance(20 * time.Second)
		at = advertisements(l, start)
		for n := 1; n < len(at); n++ {
			if gap := at[n] - at[n-1]; gap < 3*time.Second {
				t.Errorf("%v apart", gap)
			}
		}
		if len(at) > 5 {
			t.Errorf("advertised at %v", at)
		}
		if err := r.Advertise(lab.Advertisement{Interval: -1, Deaf: true}); err != nil {
			t.Fatal(err)
		}
		before := len(advertisements(l, start))
		slaacHost(l, "c", nil)
		l.Advance(20 * time.Second)
		if n := len(advertisements(l, start)); n != before+1 {
			t.Errorf("a deaf router: %d more", n-before)
		}
		l.Close()
	}
}

func TestRouterErrors(t *testing.T) {
	l := lab.New(t)
	l.Segment(lab.SegmentConfig{MTU: 1280})
	r := l.Router(lab.RouterConfig{Name: "r"})
	p := netip.MustParsePrefix("2001:db8::/64")
	for _, tt := range []struct {
		a    lab.Advertisement
		want string
	}{
		{lab.Advertisement{Interface: "eth7"}, `no interface "eth7"`},
		{lab.Advertisement{Lifetime: 19 * time.Hour}, "65535 s"},
		{lab.Advertisement{Preference: 2}, "not -1, 0 or 1"},
		{lab.Advertisement{Retrans: -1}, "Retrans"},
		{lab.Advertisement{Reachable: 50 * 24 * time.Hour}, "Reachable"},
		{lab.Advertisement{Prefixes: []lab.Prefix{{}}}, "no IPv6 prefix"},
		{lab.Advertisement{Prefixes: lab.Prefixes("10.0.0.0/8")}, "10.0.0.0/8 is no IPv6 prefix"},
		{lab.Advertisement{Prefixes: []lab.Prefix{{Prefix: p, Valid: 1 << 62}}}, "lifetime"},
		{lab.Advertisement{Routes: []lab.RouteInfo{{Prefix: p, Preference: -2}}}, "-2"},
		{lab.Advertisement{DNS: []netip.Addr{netip.MustParseAddr("10.0.0.53")}}, "10.0.0.53"},
		{lab.Advertisement{Search: []string{"a..b"}}, `"a..b"`},
		{lab.Advertisement{Search: []string{strings.Repeat("x", 64)}}, "64 bytes"},
		{lab.Advertisement{Search: []string{strings.Repeat("abc.", 64) + "x"}}, "257 bytes"},
		{lab.Advertisement{DNSLifetime: 1 << 62}, "DNSLifetime"},
		{lab.Advertisement{MinInterval: time.Hour}, "MinInterval"},
		{lab.Advertisement{Interval: time.Nanosecond}, "the Interval 1ns is less than 70ms"},
		{lab.Advertisement{Source: netip.MustParseAddr("10.0.0.1")}, "10.0.0.1"},
		{lab.Advertisement{Prefixes: lab.Prefixes(slices.Repeat([]string{"2001:db8::/64"}, 50)...)}, "more than the MTU"},
	} {
		for _, err := range []error{r.Advertise(tt.a), r.AdvertiseOnce(tt.a)} {
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "lab: ") {
				t.Errorf("%+v: %v", tt.a, err)
			}
		}
	}
	for want, cfg := range map[string]lab.RouterConfig{
		"taken":        {Name: "r"},
		"twice":        {Advertise: []lab.Advertisement{{}, {Interface: "eth0"}}},
		"Preference":   {Advertise: []lab.Advertisement{{Preference: 3}}},
		"2001:db8::/6": {Routes: []stack.Route{{Destination: p, NextHop: netip.MustParseAddr("2001:db8:7::1")}}},
	} {
		if _, err := l.AddRouter(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if err := r.StopAdvertising("eth9"); err == nil {
		t.Error("an interface that is not there stopped")
	}
	l.Advance(time.Hour)
	if n := len(advertisements(l, l.Now())); n != 0 {
		t.Errorf("%d advertisements of what is wrong", n)
	}
}
