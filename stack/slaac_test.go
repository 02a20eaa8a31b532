package stack_test

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/internal/ndp"
)

// routers is the far side of a host's Ethernet: whatever routers the test makes of it. It answers
// duplicate address detection for the addresses that it is told to have.
type routers struct {
	link stack.Link

	mu    sync.Mutex
	seen  [][]byte // frames from the host
	taken map[netip.Addr]bool
	all   bool // takes every address
}

var routerMAC = net.HardwareAddr{2, 0, 0, 0, 0, 2}

// slaacHost attaches a host with an interface "eth0" to routers.
func slaacHost(t *testing.T, cfg stack.Config, icfg stack.InterfaceConfig) (*stack.Stack, *stack.Interface, *routers) {
	t.Helper()
	near, far := ethernet()
	r := &routers{link: far, taken: make(map[netip.Addr]bool)}
	done := make(chan struct{})
	go func() { defer close(done); r.read() }()
	t.Cleanup(func() { far.Close(); <-done })
	s := newStack(t, cfg)
	icfg.Name, icfg.Link = "eth0", near
	i, err := s.Attach(icfg)
	if err != nil {
		t.Fatal(err)
	}
	return s, i, r
}

func (r *routers) read() {
	bufs, sizes := [][]byte{make([]byte, 1600)}, make([]int, 1)
	for {
		if _, err := r.link.ReadPackets(bufs, sizes); err != nil {
			return
		}
		f := slices.Clone(bufs[0][:sizes[0]])
		r.mu.Lock()
		r.seen = append(r.seen, f)
		r.mu.Unlock()
		if len(f) >= 78 && f[20] == 58 && f[54] == 135 && netip.AddrFrom16([16]byte(f[22:38])).IsUnspecified() {
			r.defend(netip.AddrFrom16([16]byte(f[62:78])))
		}
	}
}

// take makes addresses somebody else's.
func (r *routers) take(addrs ...netip.Addr) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range addrs {
		r.taken[a] = true
	}
}

// defend answers a probe for an address that is taken (RFC 4862 section 5.4.4).
func (r *routers) defend(target netip.Addr) {
	r.mu.Lock()
	mine := r.all || r.taken[target]
	r.mu.Unlock()
	if mine {
		b := target.As16()
		msg := append([]byte{136, 0, 0, 0, 0x20, 0, 0, 0}, b[:]...)
		r.write(ndpPacket(netip.MustParseAddr("fe80::1"), ndp.AllNodes, append(append(msg, 2, 1), routerMAC...)))
	}
}

func (r *routers) write(pkt []byte) {
	frame := append([]byte{0x33, 0x33, 0, 0, 0, 1}, routerMAC...)
	r.link.WritePackets([][]byte{append(append(frame, 0x86, 0xdd), pkt...)})
}

// advertise sends an advertisement to all nodes and waits until the host has dealt with it.
func (r *routers) advertise(ra ndp.Advertisement) {
	r.write(ra.Packet(ndp.AllNodes, routerMAC))
	synctest.Wait()
}

// packets returns the IPv6 packets of an ICMPv6 type that the host has sent since it was last asked.
func (r *routers) packets(typ byte) (pkts [][]byte) {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range r.seen {
		if len(f) > 54 && f[20] == 58 && f[54] == typ {
			pkts = append(pkts, f[14:])
		}
	}
	r.seen = nil
	return pkts
}

var (
	router1 = netip.MustParseAddr("fe80::1")
	router2 = netip.MustParseAddr("fe80::a")
)

// from is an advertisement of a default router with prefixes, each on-link and autonomous, valid for a
// day and preferred for four hours.
func from(router netip.Addr, prefixes ...string) ndp.Advertisement {
	ra := ndp.Advertisement{Router: router, Lifetime: 30 * time.Minute}
	for _, p := range prefixes {
		ra.Prefixes = append(ra.Prefixes, ndp.Prefix{
			Prefix: netip.MustParsePrefix(p), OnLink: true, Autonomous: true, Valid: 24 * time.Hour, Preferred: 4 * time.Hour,
		})
	}
	return ra
}

// pass lets a time pass and what is due then be done. In a bubble that takes no real time.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// addresses returns an interface's addresses as text, without the link-local one.
func addresses(i *stack.Interface) (texts []string) {
	for _, a := range i.Addresses() {
		if a.Origin == stack.OriginLinkLocal {
			continue
		}
		s := a.Prefix.String() + " " + a.State.String()
		if a.Deprecated {
			s += " deprecated"
		}
		if a.SkipAsSource {
			s += " skip"
		}
		texts = append(texts, s)
	}
	return texts
}

func expectAddresses(t *testing.T, i *stack.Interface, want ...string) {
	t.Helper()
	synctest.Wait()
	if got := addresses(i); !slices.Equal(got, want) {
		t.Errorf("addresses %q, want %q", got, want)
	}
}

// expectRoutes compares the routes, without those to link-local prefixes.
func expectRoutes(t *testing.T, s *stack.Stack, want ...string) {
	t.Helper()
	var got []string
	for _, r := range s.Routes() {
		if !r.Destination.Addr().IsLinkLocalUnicast() {
			got = append(got, r.String())
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("routes %q, want %q", got, want)
	}
}

// The whole life: solicitation, advertisement, detection, use, deprecation, end; a day in no time.
func TestSLAAC(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, i, r := slaacHost(t, stack.Config{NoTCP: true}, stack.InterfaceConfig{SLAAC: true, DAD: true})
		start := time.Now()
		for len(r.packets(ndp.TypeRouterSolicitation)) == 0 {
			pass(10 * time.Millisecond)
		}
		if took := time.Since(start); took > time.Second+10*time.Millisecond {
			t.Errorf("the first solicitation came after %v, want MAX_RTR_SOLICITATION_DELAY, 1 s, at most", took)
		}
		ra := from(router1, "2001:db8:1::/64")
		ra.Servers = []ndp.Server{{Addr: netip.MustParseAddr("2001:db8::53"), Lifetime: time.Hour}, {Addr: netip.MustParseAddr("fe80::53"), Lifetime: time.Hour}}
		ra.Search = []ndp.Domain{{Name: "example.org", Lifetime: time.Hour}}
		ra.Managed = true
		r.advertise(ra)
		advertised := time.Now()
		expectAddresses(t, i, "2001:db8:1::ff:fe00:1/64 tentative")
		expectRoutes(t, s, "2001:db8:1::/64 dev eth0", "::/0 via fe80::1 dev eth0 metric 1024")
		if err := i.WaitAssigned(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(advertised); took != time.Second {
			t.Errorf("detection took %v, want 1 s", took)
		}
		expectAddresses(t, i, "2001:db8:1::ff:fe00:1/64 assigned")
		if got := source(t, s, "2001:db8:ffff::1"); got != "2001:db8:1::ff:fe00:1" {
			t.Errorf("source %s", got)
		}
		info := i.RouterInfo()
		if got := info.String(); got != "1 router, 0 routes, 1 prefix, 2 DNS servers, 1 search domain" || !info.Managed || info.Other {
			t.Errorf("%v, managed %v, other %v", got, info.Managed, info.Other)
		}
		if got := info.Servers[1].Addr; got != netip.MustParseAddr("fe80::53%eth0") || info.Search[0].Name != "example.org" {
			t.Errorf("DNS: %v %v", got, info.Search)
		}
		if want := advertised.Add(time.Hour); !info.Servers[0].Until.Equal(want) {
			t.Errorf("server until %v, want %v", info.Servers[0].Until, want)
		}
		for _, step := range []struct {
			after time.Duration
			check func()
		}{
			{30*time.Minute - 1, func() {
				expectRoutes(t, s, "2001:db8:1::/64 dev eth0", "::/0 via fe80::1 dev eth0 metric 1024")
			}},
			{30 * time.Minute, func() { expectRoutes(t, s, "2001:db8:1::/64 dev eth0") }},
			{time.Hour, func() {
				if got := i.RouterInfo().String(); got != "0 routers, 0 routes, 1 prefix, 0 DNS servers, 0 search domains" {
					t.Errorf("after an hour: %s", got)
				}
			}},
			{4*time.Hour - 1, func() { expectAddresses(t, i, "2001:db8:1::ff:fe00:1/64 assigned") }},
			{4 * time.Hour, func() { expectAddresses(t, i, "2001:db8:1::ff:fe00:1/64 assigned deprecated") }},
			{24*time.Hour - 1, func() { expectAddresses(t, i, "2001:db8:1::ff:fe00:1/64 assigned deprecated") }},
			{24 * time.Hour, func() { expectAddresses(t, i); expectRoutes(t, s) }},
		} {
			pass(time.Until(advertised.Add(step.after)))
			step.check()
		}
		if c := i.Counters(); c.Advertisements != 1 || c.AdvertisementsInvalid+c.AdvertisementsDropped+c.AdvertisedIgnored != 0 {
			t.Errorf("counters %+v", c)
		}
	})
}

// What an advertisement changes of what another said.
func TestAdvertisementsRenew(t *testing.T) {
	const addr = "2001:db8:1::ff:fe00:1/64 assigned"
	synctest.Test(t, func(t *testing.T) {
		s, i, r := slaacHost(t, stack.Config{NoTCP: true}, stack.InterfaceConfig{SLAAC: true})
		ra := from(router1, "2001:db8:1::/64")
		r.advertise(ra)
		expectAddresses(t, i, addr)
		pass(5 * time.Hour)
		expectAddresses(t, i, addr+" deprecated")
		r.advertise(ra)
		expectAddresses(t, i, addr) // preferred again
		valid := func(want time.Duration) {
			t.Helper()
			for _, a := range i.Addresses() {
				if got := time.Until(a.ValidUntil); a.Origin == stack.OriginAdvertised && got != want {
					t.Errorf("valid for %v, want %v", got, want)
				}
			}
		}
		valid(24 * time.Hour)
		ra.Prefixes[0].Valid, ra.Prefixes[0].Preferred = time.Minute, time.Minute // an attacker's, or a mistake
		r.advertise(ra)
		valid(2 * time.Hour)
		pass(time.Minute)
		expectAddresses(t, i, addr+" deprecated") // the preferred lifetime has no such rule
		ra.Prefixes[0].Valid, ra.Prefixes[0].Preferred = 0, 0
		r.advertise(ra)
		valid(2*time.Hour - time.Minute)
		expectRoutes(t, s, "::/0 via fe80::1 dev eth0 metric 1024") // nor has being on the link
		ra.Prefixes[0].Valid, ra.Prefixes[0].Preferred = ndp.Forever, ndp.Forever
		ra.Lifetime = 0
		r.advertise(ra)
		expectAddresses(t, i, addr)
		expectRoutes(t, s, "2001:db8:1::/64 dev eth0")
		pass(30 * 24 * time.Hour)
		expectAddresses(t, i, addr)
		expectRoutes(t, s, "2001:db8:1::/64 dev eth0")
	})
}

// RFC 4862 section 5.5.3 a to d, RFC 4861 section 6.3.4, RFC 4191: what forms no address, what no route.
func TestPrefixesThatFormNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, i, r := slaacHost(t, stack.Config{NoTCP: true}, stack.InterfaceConfig{SLAAC: true})
		ra := from(router1, "2001:db8:1::/64", "2001:db8:2::/48", "fe80::/64", "ff0e::/64", "2001:db8:3::/64", "2001:db8:4::/64", "2001:db8:5::/64", "::/0")
		ra.Prefixes[0].Autonomous = false
		ra.Prefixes[4].OnLink = false
		ra.Prefixes[5].Preferred = 25 * time.Hour // longer than valid
		ra.Prefixes[6].Valid, ra.Prefixes[6].Preferred = 0, 0
		ra.Routes = []ndp.Route{
			{Prefix: netip.MustParsePrefix("2001:db8:ff00::/40"), Preference: ndp.High, Lifetime: time.Hour},
			{Prefix: netip.MustParsePrefix("2001:db8:fe00::/40"), Preference: ndp.Low, Lifetime: time.Hour},
			{Prefix: netip.MustParsePrefix("2001:db8:fd00::/40")},
		}
		r.advertise(ra)
		expectAddresses(t, i, "2001:db8:3::ff:fe00:1/64 assigned")
		expectRoutes(t, s, "2001:db8:1::/64 dev eth0", "2001:db8:4::/64 dev eth0", "2001:db8:2::/48 dev eth0",
			"2001:db8:ff00::/40 via fe80::1 dev eth0 metric 512", "2001:db8:fe00::/40 via fe80::1 dev eth0 metric 2048",
			"::/0 via fe80::1 dev eth0 metric 1024")
		ra.Preference, ra.Routes[0].Preference, ra.Routes[1].Lifetime = ndp.High, ndp.Medium, 0
		r.advertise(ra)
		expectRoutes(t, s, "2001:db8:1::/64 dev eth0", "2001:db8:4::/64 dev eth0", "2001:db8:2::/48 dev eth0",
			"2001:db8:ff00::/40 via fe80::1 dev eth0 metric 1024", "::/0 via fe80::1 dev eth0 metric 512")
		if got := i.RouterInfo(); len(got.Routers) != 1 || got.Routers[0].Preference != 1 || len(got.Routes) != 1 {
			t.Errorf("%+v", got)
		}
	})
}

// Without SLAAC nobody listens.
func TestSLAACIsOffByDefault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, i, r := slaacHost(t, stack.Config{NoTCP: true}, stack.InterfaceConfig{})
		r.advertise(from(router1, "2001:db8:1::/64"))
		pass(time.Hour)
		expectAddresses(t, i)
		expectRoutes(t, s)
		if n := len(r.packets(ndp.TypeRouterSolicitation)); n != 0 || i.Counters().Advertisements != 0 {
			t.Errorf("%d solicitations", n)
		}
	})
}

// RFC 7559: solicitations go on, ever more slowly, until there is a router.
func TestSolicitations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, i, r := slaacHost(t, stack.Config{NoTCP: true}, stack.InterfaceConfig{SLAAC: true, DAD: true})
		pass(24 * time.Hour)
		rss := r.packets(ndp.TypeRouterSolicitation)
		// 4, 8, ... 2048 s with up to a tenth of each more or less, then an hour each.
		if n := len(rss); n < 28 || n > 40 {
			t.Errorf("%d solicitations in a day", n)
		}
		last := rss[len(rss)-1]
		if want := ndp.Solicitation(netip.MustParseAddr("fe80::ff:fe00:1"), net.HardwareAddr{2, 0, 0, 0, 0, 1}); !slices.Equal(last, want) {
			t.Errorf("got  %x\nwant %x", last, want)
		}
		no := from(router1, "2001:db8:1::/64")
		no.Lifetime = 0 // no default router: go on
		r.advertise(no)
		pass(4 * time.Hour)
		if n := len(r.packets(ndp.TypeRouterSolicitation)); n == 0 {
			t.Error("no solicitations after an advertisement of no default router")
		}
		r.advertise(from(router1, "2001:db8:1::/64"))
		pass(4 * time.Hour)
		if n := len(r.packets(ndp.TypeRouterSolicitation)); n != 0 {
			t.Errorf("%d solicitations while there was a router", n)
		}
		if c := i.Counters().Advertisements; c != 2 {
			t.Errorf("%d advertisements", c)
		}
	})
}

func TestSLAACConfigRefuses(t *testing.T) {
	for _, c := range []struct {
		cfg  stack.InterfaceConfig
		want string
	}{
		{stack.InterfaceConfig{StableSecret: make([]byte, 15)}, "15 bytes"},
		{stack.InterfaceConfig{TemporaryAddresses: true}, "without SLAAC"},
		{stack.InterfaceConfig{TemporaryPreferred: 3 * 24 * time.Hour}, "TemporaryPreferred"},
		{stack.InterfaceConfig{TemporaryPreferred: time.Second}, "TemporaryPreferred"},
		{stack.InterfaceConfig{TemporaryValid: time.Hour}, "TemporaryPreferred"},
		{stack.InterfaceConfig{TemporaryPreferred: -time.Hour}, "TemporaryPreferred"},
	} {
		s := newStack(t, stack.Config{})
		c.cfg.Link, _ = stack.Pipe(1500)
		if _, err := s.Attach(c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.cfg, err, c.want)
		}
		c.cfg.Link.Close()
	}
}
