package stack_test

import (
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/internal/ndp"
)

// answer sends what a router says to the last solicitation for it.
func (r *routers) answer(t *testing.T, router netip.Addr, mac net.HardwareAddr) {
	t.Helper()
	var asker netip.Addr
	for _, p := range r.packets(135) {
		if netip.AddrFrom16([16]byte(p[48:64])) == router {
			asker = netip.AddrFrom16([16]byte(p[8:24]))
		}
	}
	if !asker.IsValid() {
		t.Fatalf("nobody asked for %v", router)
	}
	b := router.As16()
	msg := append([]byte{136, 0, 0, 0, 0xe0, 0, 0, 0}, b[:]...) // router, solicited, override
	r.write(ndpPacket(router, asker, append(append(msg, 2, 1), mac...)))
	synctest.Wait()
}

// RFC 4861 section 6.3.6: a router that does not answer gives way to another until it is heard of again.
func TestSilentRouterGivesWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, r := slaacHost(t, stack.Config{NoTCP: true}, stack.InterfaceConfig{SLAAC: true})
		mac1, mac2 := net.HardwareAddr{2, 0, 0, 0, 0, 0x11}, net.HardwareAddr{2, 0, 0, 0, 0, 0x22}
		ra1, ra2 := from(router1, "2001:db8:1::/64"), from(router2)
		ra1.Preference = ndp.High
		advertise := func(ra ndp.Advertisement, mac net.HardwareAddr) {
			r.write(ra.Packet(ndp.AllNodes, mac))
			synctest.Wait()
		}
		expect := func(what string, mac net.HardwareAddr) {
			t.Helper()
			r.packets(0) // forgets
			send(t, s, "2001:db8:9::9")
			if _, _, to := r.sent(t); to.String() != mac.String() {
				t.Errorf("%s: it went to %v, want %v", what, to, mac)
			}
		}
		const detection = 10 * time.Second // DELAY_FIRST_PROBE_TIME and MAX_UNICAST_SOLICIT probes are 8
		advertise(ra1, mac1)
		advertise(ra2, mac2)
		expect("at first", mac1)
		pass(6 * time.Second)
		r.answer(t, router1, mac1)
		pass(detection)
		expect("router 1 answers", mac1)

		pass(time.Minute) // it is reachable no more
		expect("before it is asked", mac1)
		pass(detection)
		expect("router 1 is silent", mac2)
		pass(6 * time.Second)
		r.answer(t, router2, mac2)
		advertise(ra1, mac1)
		expect("router 1 advertises again", mac1)

		pass(detection)
		pass(time.Minute)
		expect("router 1 is silent again", mac2)
		pass(detection)
		expectRoutes(t, s,
			"2001:db8:1::/64 dev eth0",
			"::/0 via fe80::1 dev eth0 metric 66048", "::/0 via fe80::a dev eth0 metric 66560")
		send(t, s, "2001:db8:9::9") // to whom the routes say, who has to be asked for
		r.answer(t, router1, mac1)
		if _, _, to := r.sent(t); to.String() != mac1.String() {
			t.Errorf("both are silent, router 1 answers: it went to %v", to)
		}
		expectRoutes(t, s,
			"2001:db8:1::/64 dev eth0",
			"::/0 via fe80::1 dev eth0 metric 512", "::/0 via fe80::a dev eth0 metric 66560")
	})
}

// A neighbour that is no router has no say.
func TestSilentNeighbourChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, r := slaacHost(t, stack.Config{NoTCP: true}, stack.InterfaceConfig{SLAAC: true})
		r.advertise(from(router1, "2001:db8:1::/64"))
		send(t, s, "2001:db8:1::77") // nobody has it
		pass(10 * time.Second)
		expectRoutes(t, s, "2001:db8:1::/64 dev eth0", "::/0 via fe80::1 dev eth0 metric 1024")
	})
}
