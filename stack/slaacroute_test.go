package stack_test

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/internal/ndp"
)

// sent returns the last UDP packet that the host put on the link, with the MAC address that it went to.
func (r *routers) sent(t *testing.T) (src netip.Addr, hops byte, to net.HardwareAddr) {
	t.Helper()
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range slices.Backward(r.seen) {
		if len(f) > 62 && f[20] == 17 {
			return netip.AddrFrom16([16]byte(f[22:38])), f[21], net.HardwareAddr(f[:6])
		}
	}
	t.Fatal("nothing was sent")
	return netip.Addr{}, 0, nil
}

// send sends a datagram by an unconnected socket.
func send(t *testing.T, s *stack.Stack, dst string) {
	t.Helper()
	c, err := s.ListenPacket(t.Context(), "udp6", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	to := &net.UDPAddr{IP: net.ParseIP(dst), Port: 9}
	if _, err := c.WriteTo([]byte("x"), to); err != nil {
		t.Fatalf("to %s: %v", dst, err)
	}
}

// RFC 6724 section 5, rule 5.5, end to end: two routers, a prefix each. Whichever router a packet goes
// to, its source is from that router's prefix, since the other would drop it (RFC 8028 section 1).
func TestRule55OnTheWire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, i, r := slaacHost(t, stack.Config{NoTCP: true}, stack.InterfaceConfig{SLAAC: true, DAD: true})
		mac1, mac2 := net.HardwareAddr{2, 0, 0, 0, 0, 0x11}, net.HardwareAddr{2, 0, 0, 0, 0, 0x22}
		advertise := func(ra ndp.Advertisement, mac net.HardwareAddr) {
			r.write(ra.Packet(ndp.AllNodes, mac))
			synctest.Wait()
		}
		// The destination's bits are more like those of router 1's prefix, for rule 8 to be wrong.
		ra1, ra2 := from(router1, "2001:db8:1::/64"), from(router2, "2001:db8:ff00::/64")
		ra2.Routes = []ndp.Route{{Prefix: netip.MustParsePrefix("2001:db8:2::/48"), Lifetime: time.Hour}}
		advertise(ra1, mac1)
		advertise(ra2, mac2)
		pass(2 * time.Second)
		expect := func(what, dst, source string, mac net.HardwareAddr) {
			t.Helper()
			send(t, s, dst)
			if src, _, to := r.sent(t); src.String() != source || to.String() != mac.String() {
				t.Errorf("%s: to %s it went from %v to %v, want %s to %v", what, dst, src, to, source, mac)
			}
		}
		const one, two = "2001:db8:1::ff:fe00:1", "2001:db8:ff00::ff:fe00:1"
		expect("default route", "2001:db8:ff01::9", one, mac1)
		expect("more specific route", "2001:db8:2::9", two, mac2)
		if err := s.AddRoute(stack.Route{Destination: netip.MustParsePrefix("2001:db8:3::/48"), NextHop: router2, Interface: "eth0"}); err != nil {
			t.Fatal(err)
		}
		expect("configured route", "2001:db8:3::9", two, mac2)

		// An address that the program adds under a prefix is that router's too.
		if err := i.AddAddress(plain("2001:db8:ff00::5/64")); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		i.SetSkipAsSource(netip.MustParseAddr(two), true)
		expect("the program's address", "2001:db8:2::9", "2001:db8:ff00::5", mac2)
		i.RemoveAddress(netip.MustParseAddr("2001:db8:ff00::5"))
		i.SetSkipAsSource(netip.MustParseAddr(two), false)

		// Router 2 takes over router 1's prefix as well; then both are as good, and rule 8 decides.
		ra2.Prefixes = append(ra2.Prefixes, ra1.Prefixes...)
		advertise(ra2, mac2)
		expect("both prefixes from router 2", "2001:db8:2::9", one, mac2)
		addrs, _ := s.Addresses()
		for _, a := range addrs {
			if a.Prefix.Addr() == netip.MustParseAddr(one) && !slices.Equal(a.Routers, []netip.Addr{router1, router2}) {
				t.Errorf("routers of %v: %v", a.Prefix, a.Routers)
			}
		}

		// Router 1 goes: its route does, its prefix stays until that is over.
		ra1.Lifetime = 0
		ra1.Prefixes[0].Valid, ra1.Prefixes[0].Preferred = 0, 0
		ra2.Prefixes = ra2.Prefixes[:1]
		advertise(ra1, mac1)
		advertise(ra2, mac2)
		expect("router 1 is gone", "2001:db8:ff01::9", two, mac2)
		if got := i.RouterInfo(); len(got.Routers) != 1 || len(got.Prefixes) != 2 {
			t.Errorf("%v: %+v", got, got)
		}
	})
}

// The hop limit and the MTU that a router advertises are in force for IPv6.
func TestAdvertisedParameters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, i, r := slaacHost(t, stack.Config{NoTCP: true}, stack.InterfaceConfig{SLAAC: true})
		ra := from(router1, "2001:db8:1::/64")
		r.advertise(ra)
		send(t, s, "2001:db8:2::9")
		if _, hops, _ := r.sent(t); hops != 64 {
			t.Errorf("hop limit %d without an advertised one", hops)
		}
		ra.HopLimit, ra.MTU, ra.Reachable, ra.Retrans = 33, 1300, 20*time.Second, 2*time.Second
		r.advertise(ra)
		send(t, s, "2001:db8:2::9")
		if _, hops, _ := r.sent(t); hops != 33 {
			t.Errorf("hop limit %d, want 33", hops)
		}
		largest := func() (n int) {
			r.mu.Lock()
			r.seen = nil
			r.mu.Unlock()
			c, err := s.DialContext(t.Context(), "udp", "[2001:db8:2::9]:9")
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err := c.Write(make([]byte, 1400)); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			r.mu.Lock()
			defer r.mu.Unlock()
			for _, f := range r.seen {
				n = max(n, len(f)-14)
			}
			return n
		}
		if n := largest(); n > 1300 || n < 1290 {
			t.Errorf("largest packet of %d bytes, MTU 1300", n)
		}
		for _, mtu := range []uint32{1279, 1501, 0} { // not the link's to have, or not said
			ra.MTU = mtu
			r.advertise(ra)
			if got := i.RouterInfo().MTU; got != 1300 {
				t.Errorf("MTU %d was taken for %d", mtu, got)
			}
		}
		ra.MTU, ra.HopLimit, ra.Reachable, ra.Retrans = 1500, 0, 2*time.Hour, time.Minute // not to be believed
		r.advertise(ra)
		if n := largest(); n != 1448 {
			t.Errorf("largest packet of %d bytes, MTU 1500", n)
		}
		if got := i.RouterInfo(); got.HopLimit != 33 || got.Reachable != 20*time.Second || got.Retrans != 2*time.Second {
			t.Errorf("%+v", got)
		}
	})
}

// Routers that never stop: what is remembered of them is bounded, and counted.
func TestAdvertisementFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, i, r := slaacHost(t, stack.Config{NoTCP: true}, stack.InterfaceConfig{SLAAC: true, TemporaryAddresses: true})
		for n := range 200 {
			router := netip.MustParseAddr(fmt.Sprintf("fe80::%x", n+1))
			ra := from(router, fmt.Sprintf("2001:db8:%x::/64", n), "2001:db8:ffff::/64")
			ra.Routes = []ndp.Route{{Prefix: netip.MustParsePrefix(fmt.Sprintf("2001:db9:%x::/48", n)), Lifetime: time.Hour}}
			ra.Servers = []ndp.Server{{Addr: netip.MustParseAddr(fmt.Sprintf("2001:db8::%x", n+1)), Lifetime: time.Hour}}
			ra.Search = []ndp.Domain{{Name: fmt.Sprintf("d%d.example", n), Lifetime: time.Hour}}
			r.advertise(ra)
		}
		got := i.RouterInfo()
		if len(got.Routers)+len(got.Routes) != 64 || len(got.Prefixes) != 32 || len(got.Servers) != 16 || len(got.Search) != 16 || len(got.Prefixes[1].Routers) != 8 {
			t.Errorf("%v", got)
		}
		if n := len(i.Addresses()); n != 1+2*32 {
			t.Errorf("%d addresses", n)
		}
		if c := i.Counters(); c.Advertisements != 200 || c.AdvertisedIgnored == 0 {
			t.Errorf("%+v", c)
		}
		last := from(router1, "2001:db8:bad::/64")
		bad := last.Packet(ndp.AllNodes, routerMAC)
		bad[7] = 64
		r.write(bad)
		synctest.Wait()
		if c := i.Counters(); c.AdvertisementsInvalid != 1 || c.Advertisements != 200 {
			t.Errorf("%+v", c)
		}
		pass(25 * time.Hour)
		if got := i.RouterInfo().String(); got != "0 routers, 0 routes, 0 prefixes, 0 DNS servers, 0 search domains" {
			t.Errorf("after a day: %s", got)
		}
		expectAddresses(t, i)
		expectRoutes(t, s)
	})
}

// Advertisements that come faster than the clock lets them be looked at wait, but not without bound.
// When the interface is gone nothing is left, on the clock neither.
func TestAdvertisementsWait(t *testing.T) {
	clock := newSteppedClock()
	near, far := ethernet()
	defer far.Close()
	s := newStack(t, stack.Config{Clock: clock})
	before := clock.pending()
	i, err := s.Attach(stack.InterfaceConfig{Name: "eth0", Link: near, SLAAC: true, TemporaryAddresses: true})
	if err != nil {
		t.Fatal(err)
	}
	ra := from(router1, "2001:db8:1::/64")
	frame := append([]byte{0x33, 0x33, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x86, 0xdd}, ra.Packet(ndp.AllNodes, routerMAC)...)
	for range 50 {
		far.WritePackets([][]byte{frame})
	}
	eventually(t, func() bool { return i.Counters().AdvertisementsDropped == 34 })
	if n := len(i.Addresses()); n != 1 {
		t.Errorf("%d addresses before the clock moved", n)
	}
	clock.Advance(0)
	if c := i.Counters(); c.Advertisements != 16 || len(i.Addresses()) != 3 {
		t.Errorf("%+v, %v", c, i.Addresses())
	}
	far.WritePackets([][]byte{frame})
	eventually(t, func() bool { return i.Counters().RxPackets == 51 })
	if err := i.Detach(); err != nil {
		t.Fatal(err)
	}
	clock.Advance(0) // what waited comes too late
	if n := clock.pending(); n > before {
		t.Errorf("%d timers after Detach, %d before Attach", n, before)
	}
	if addrs, _ := s.Addresses(); len(addrs)+len(s.Routes()) != 0 || i.Counters().Advertisements != 16 {
		t.Errorf("left behind: %v, %v", addrs, s.Routes())
	}
}
