package stack_test

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/hextet/hextet/srcselect"
	"github.com/hextet/hextet/stack"
)

func route(dst, via string) stack.Route {
	r := stack.Route{Destination: netip.MustParsePrefix(dst)}
	if via != "" {
		r.NextHop = netip.MustParseAddr(via)
	}
	return r
}

func TestAddRouteRefuses(t *testing.T) {
	a, _, _, _ := pair(t)
	ok := route("2001:db8:9::/48", "2001:db8::2")
	if err := a.AddRoute(ok); err != nil {
		t.Fatal(err)
	}
	with := func(r stack.Route, change func(*stack.Route)) stack.Route { change(&r); return r }
	for _, tt := range []struct {
		name  string
		r     stack.Route
		errno syscall.Errno
		text  string
	}{
		{"zero", stack.Route{}, syscall.EINVAL, "not a valid prefix"},
		{"host bits", route("2001:db8::5/64", "2001:db8::2"), syscall.EINVAL, "2001:db8::/64"},
		{"mapped", route("::ffff:192.0.2.0/120", "2001:db8::2"), syscall.EINVAL, "IPv4-mapped"},
		{"next hop of another family", route("::/0", "192.0.2.2"), syscall.EINVAL, "next hop is of another family"},
		{"source of another family", with(ok, func(r *stack.Route) { r.Source = netip.MustParseAddr("192.0.2.1") }), syscall.EINVAL, "source is of another family"},
		{"no way out", route("::/0", ""), syscall.EINVAL, "neither"},
		{"unknown interface", with(ok, func(r *stack.Route) { r.Interface = "eth7" }), syscall.ENODEV, "eth7"},
		{"next hop out of reach", route("::/0", "2001:db8:5::1"), syscall.ENETUNREACH, "2001:db8:5::1"},
		{"out of reach of the interface named", with(route("::/0", "2001:db8:5::1"), func(r *stack.Route) { r.Interface = "eth0" }), syscall.ENETUNREACH, "in reach"},
		{"link-local next hop without interface", route("::/0", "fe80::1"), syscall.EINVAL, "needs an interface"},
		{"own address", route("::/0", "2001:db8::1"), syscall.EINVAL, "own address"},
		{"multicast next hop", with(route("::/0", "ff02::1"), func(r *stack.Route) { r.Interface = "eth0" }), syscall.EINVAL, "unicast"},
		{"negative metric", with(ok, func(r *stack.Route) { r.Metric = -1 }), syscall.EINVAL, "metric"},
		{"MTU too small for IPv6", with(ok, func(r *stack.Route) { r.MTU = 1279 }), syscall.EINVAL, "1280"},
		{"source of another zone", with(ok, func(r *stack.Route) { r.Source = netip.MustParseAddr("fe80::1%eth7") }), syscall.EINVAL, "source's zone"},
		{"next hop of another zone", with(route("::/0", "fe80::1%eth7"), func(r *stack.Route) { r.Interface = "eth0" }), syscall.EINVAL, "next hop's zone"},
		{"source not assigned", with(ok, func(r *stack.Route) { r.Source = netip.MustParseAddr("2001:db8::77") }), syscall.EADDRNOTAVAIL, "source"},
		{"twice", ok, syscall.EEXIST, "2001:db8:9::/48 via 2001:db8::2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := len(a.Routes())
			err := a.AddRoute(tt.r)
			if !errors.Is(err, tt.errno) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("error %v, want %v with %q", err, tt.errno, tt.text)
			}
			if len(a.Routes()) != before {
				t.Error("the route is there all the same")
			}
		})
	}
	if err := a.RemoveRoute(route("2001:db8:9::/48", "2001:db8::7")); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("removing what is not there: %v", err)
	}
	if err := a.RemoveRoute(ok); err != nil {
		t.Error(err)
	}
}

// Routes through routers of one address on two links differ in the zone, which may be an index.
func TestRoutesOfTwoZones(t *testing.T) {
	s := newStack(t, stack.Config{})
	for _, name := range []string{"eth0", "eth1"} {
		l, _ := stack.Pipe(1500)
		attach(t, s, name, l, plain("fe80::1/64"))
	}
	both := []stack.Route{route("::/0", "fe80::9%eth0"), route("::/0", "fe80::9%2")}
	both[1].Interface, both[1].Source = "2", netip.MustParseAddr("fe80::1%eth1")
	for _, r := range both {
		if err := s.AddRoute(r); err != nil {
			t.Fatal(err)
		}
	}
	defaults := func() (names []string) {
		for _, r := range s.Routes() {
			if r.Destination.Bits() == 0 {
				names = append(names, r.String())
			}
		}
		return names
	}
	want := []string{"::/0 via fe80::9 dev eth0", "::/0 via fe80::9 dev eth1 src fe80::1"}
	if got := defaults(); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if err := s.RemoveRoute(both[1]); err != nil {
		t.Error(err)
	}
	if got := defaults(); !slices.Equal(got, want[:1]) {
		t.Errorf("after the second was removed: %q, want %q", got, want[:1])
	}
	if err := s.RemoveRoute(route("::/0", "fe80::9%eth7")); !errors.Is(err, syscall.ENODEV) {
		t.Errorf("unknown zone: %v", err)
	}
}

// A loopback address that nobody has is never a packet's destination (RFC 1122 section 3.2.1.3), whatever
// the routes and explicit sources.
func TestLoopbackStaysHere(t *testing.T) {
	a, _, _, _ := pair(t)
	for _, r := range []stack.Route{route("::/0", "2001:db8::2"), route("0.0.0.0/0", "192.0.2.2")} {
		if err := a.AddRoute(r); err != nil {
			t.Fatal(err)
		}
	}
	for dst, from := range map[string]string{"127.0.0.2": "192.0.2.1"} {
		if _, err := a.Explain(netip.MustParseAddr(dst)); !errors.Is(err, syscall.ENETUNREACH) {
			t.Errorf("Explain(%s): %v", dst, err)
		}
		if _, err := a.DialContext(t.Context(), "udp", net.JoinHostPort(dst, "7")); err == nil {
			t.Errorf("dialled %s", dst)
		}
		c, err := a.ListenPacket(t.Context(), "ip4:89", from)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.WriteTo([]byte("x"), &net.IPAddr{IP: net.ParseIP(dst)}); !errors.Is(err, syscall.ENETUNREACH) {
			t.Errorf("a raw socket's packet from %s to %s: %v", from, dst, err)
		}
		c.Close()
	}
}

// query returns what Explain asked source selection for dst.
func query(t *testing.T, s *stack.Stack, dst string) srcselect.Query {
	t.Helper()
	ex, err := s.Explain(netip.MustParseAddr(dst))
	if err != nil {
		t.Fatalf("Explain(%s): %v", dst, err)
	}
	return ex.Query
}

func TestRoutesAreTriedInOrder(t *testing.T) {
	a, _, _, _ := pair(t)
	for _, r := range []stack.Route{
		route("::/0", "2001:db8::2"),
		{Destination: netip.MustParsePrefix("2001:db8:9::/48"), NextHop: netip.MustParseAddr("2001:db8::20"), Metric: 10},
		route("2001:db8:9::/48", "2001:db8::10"),
		route("2001:db8:9:1::/64", "2001:db8::30"),
	} {
		if err := a.AddRoute(r); err != nil {
			t.Fatal(err)
		}
	}
	for dst, via := range map[string]string{
		"2001:db8:5::1":   "2001:db8::2",  // default
		"2001:db8:9::1":   "2001:db8::10", // lower metric
		"2001:db8:9:1::1": "2001:db8::30", // longer prefix
	} {
		if got := query(t, a, dst).NextHop; got != netip.MustParseAddr(via) {
			t.Errorf("%s goes by %v, want %s", dst, got, via)
		}
	}
	if got := query(t, a, "2001:db8::42"); got.NextHop.IsValid() || got.Interface != 1 {
		t.Errorf("on the link: %+v", got)
	}
}

func TestRouteSource(t *testing.T) {
	a, _, i, _ := pair(t)
	if err := i.AddAddress(skip("2001:db8::66/64")); err != nil {
		t.Fatal(err)
	}
	r := route("2001:db8:9::/48", "2001:db8::2")
	r.Source = netip.MustParseAddr("2001:db8::66")
	if err := a.AddRoute(r); err != nil {
		t.Fatal(err)
	}
	if got := source(t, a, "2001:db8:9::1"); got != "2001:db8::66" {
		t.Errorf("%s, want the route's source, skipped or not", got)
	}
	if got := source(t, a, "2001:db8::2"); got != "2001:db8::1" {
		t.Errorf("beside the route: %s", got)
	}
	i.RemoveAddress(r.Source)
	if _, err := a.Explain(netip.MustParseAddr("2001:db8:9::1")); !errors.Is(err, srcselect.ErrNoSource) {
		t.Errorf("the route's source is gone: %v", err)
	}
}

func TestTwoInterfaces(t *testing.T) {
	s := newStack(t, stack.Config{})
	l0, _ := stack.Pipe(1500)
	l1, _ := stack.Pipe(1500)
	attach(t, s, "eth0", l0, plain("2001:db8:1::1/64"))
	attach(t, s, "eth1", l1, plain("2001:db8:2::1/64"))
	if err := s.AddRoute(route("::/0", "2001:db8:2::ff")); err != nil {
		t.Fatal(err)
	}
	for dst, want := range map[string]string{
		"2001:db8:1::9": "2001:db8:1::1",
		"2001:db8:2::9": "2001:db8:2::1",
		"2001:db8:9::9": "2001:db8:2::1", // strong host: the outgoing interface's
		"ff05::9%eth1":  "2001:db8:2::1",
		"ff05::9%2":     "2001:db8:2::1",
		"ff05::9":       "2001:db8:1::1", // the oldest interface
	} {
		if got := source(t, s, dst); got != want {
			t.Errorf("towards %s from %s, want %s", dst, got, want)
		}
	}
	for _, dst := range []string{"ff05::9%eth9", "192.0.2.1"} {
		if _, err := s.Explain(netip.MustParseAddr(dst)); err == nil {
			t.Errorf("Explain(%s) succeeded", dst)
		}
	}
}
