package stack_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hextet/hextet/internal/peertest"
	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/tun"
)

const radvdConf = `
interface tap0 {
	AdvSendAdvert on;
	MinRtrAdvInterval 3;
	MaxRtrAdvInterval 4;
	AdvDefaultLifetime 60;
	AdvDefaultPreference high;
	AdvOtherConfigFlag on;
	AdvCurHopLimit 61;
	AdvLinkMTU 1400;
	AdvReachableTime 20000;
	AdvRetransTimer 500;
	prefix 2001:db8:1::/64 { AdvValidLifetime 3600; AdvPreferredLifetime 1800; };
	prefix 2001:db8:2::/64 { AdvOnLink off; AdvValidLifetime infinity; AdvPreferredLifetime infinity; };
	route 2001:db8:ff00::/40 { AdvRoutePreference low; AdvRouteLifetime 600; };
	RDNSS 2001:db8:1::53 fe80::53 { AdvRDNSSLifetime 300; };
	DNSSL example.org lab.example.com { AdvDNSSLLifetime 300; };
};
`

// kernelRouter makes the kernel of a fresh namespace a router whose radvd advertises as radvdConf says,
// at the other end of a TAP device. stop ends radvd, which takes back what it said.
func kernelRouter(t *testing.T) (dev *tun.Device, stop func()) {
	t.Helper()
	peertest.EnterNetns(t, "radvd", "ping", "sysctl")
	dev, err := tun.Open(tun.Config{Name: "tap0", TAP: true, MTU: 1500, HardwareAddr: net.HardwareAddr{2, 0, 0, 0, 0, 2}})
	if err != nil {
		t.Fatal(err)
	}
	for _, cmd := range []string{
		"sysctl -qw net.ipv6.conf.all.forwarding=1 net.ipv6.conf.tap0.accept_dad=0",
		"ip link set tap0 address 02:00:00:00:00:01",
		"ip link set tap0 up",
		"ip -6 addr add 2001:db8:1::1/64 dev tap0 nodad",
		"ip -6 addr add 2001:db8:ffff::1/128 dev lo nodad", // somewhere behind the router
		"ip -6 route add 2001:db8:2::/64 dev tap0",
	} {
		peertest.Run(t, cmd)
	}
	eventually(t, func() bool { return strings.Contains(peertest.Run(t, "ip -6 addr show dev tap0 scope link"), "fe80::") })
	dir := t.TempDir()
	conf := filepath.Join(dir, "radvd.conf")
	if err := os.WriteFile(conf, []byte(radvdConf), 0o644); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	radvd := exec.Command("radvd", "-n", "-C", conf, "-p", filepath.Join(dir, "pid"), "-m", "stderr", "-u", "root")
	radvd.Stderr = &log
	if err := radvd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		radvd.Process.Signal(os.Interrupt)
		radvd.Wait()
	})
	t.Cleanup(func() {
		stop()
		if t.Failed() {
			t.Logf("radvd said:\n%s", log.String())
		}
	})
	return dev, stop
}

// A router that is not ours: radvd and the kernel. Stable and temporary addresses, default router,
// routes, parameters, RDNSS and DNSSL; and the kernel reaches each address.
func TestRadvd(t *testing.T) {
	dev, stop := kernelRouter(t)
	s := newStack(t, stack.Config{})
	ctx, cancel := context.WithTimeoutCause(t.Context(), 30*time.Second, errors.New("not within 30 s"))
	defer cancel()
	i, err := s.Attach(stack.InterfaceConfig{Name: "tap0", Link: dev, SLAAC: true, DAD: true, TemporaryAddresses: true,
		OnAutoAddress: func(a stack.AddressInfo) stack.AddressFlags {
			return stack.AddressFlags{SkipAsSource: netip.MustParsePrefix("2001:db8:2::/64").Contains(a.Prefix.Addr())}
		}})
	if err != nil {
		t.Fatal(err)
	}
	assigned := 0
	for e := range s.Watch(ctx) { // link-local, and two of each prefix
		if a, ok := e.(stack.AddressEvent); ok && a.State == stack.Assigned {
			if assigned++; assigned == 5 {
				break
			}
		}
	}
	if assigned != 5 {
		t.Fatalf("%d addresses: %+v; %+v", assigned, i.Addresses(), i.Counters())
	}
	var texts []string
	for _, a := range i.Addresses() {
		kind := a.Prefix.String()
		if a.Temporary {
			kind = "temporary " + a.Prefix.Masked().String()
		}
		if a.SkipAsSource {
			kind += " skip"
		}
		texts = append(texts, kind)
	}
	if want := []string{"fe80::ff:fe00:2/64", "2001:db8:1::ff:fe00:2/64", "temporary 2001:db8:1::/64",
		"2001:db8:2::ff:fe00:2/64 skip", "temporary 2001:db8:2::/64 skip"}; !slices.Equal(texts, want) {
		t.Errorf("addresses %q, want %q", texts, want)
	}
	expectRoutes(t, s, "2001:db8:1::/64 dev tap0", "2001:db8:ff00::/40 via fe80::ff:fe00:1 dev tap0 metric 2048",
		"::/0 via fe80::ff:fe00:1 dev tap0 metric 512")
	info := i.RouterInfo()
	if len(info.Servers) != 2 || info.Servers[0].Addr.String() != "2001:db8:1::53" || info.Servers[1].Addr.String() != "fe80::53%tap0" {
		t.Errorf("RDNSS: %v", info.Servers)
	}
	if len(info.Search) != 2 || info.Search[0].Name != "example.org" || info.Search[1].Name != "lab.example.com" {
		t.Errorf("DNSSL: %v", info.Search)
	}
	if info.HopLimit != 61 || info.MTU != 1400 || info.Reachable != 20*time.Second || info.Retrans != 500*time.Millisecond || !info.Other || info.Managed {
		t.Errorf("%+v", info)
	}
	for _, a := range i.Addresses() {
		target := a.Prefix.Addr().String()
		if a.Prefix.Addr().IsLinkLocalUnicast() {
			target += "%tap0"
		}
		peertest.Run(t, fmt.Sprintf("ping -6 -c 1 -W 5 %s", target))
	}

	// Out through the router, from the temporary address of the prefix that may speak.
	kernel, err := net.ListenPacket("udp6", "[2001:db8:ffff::1]:7000")
	if err != nil {
		t.Fatal(err)
	}
	defer kernel.Close()
	c, err := s.DialContext(ctx, "udp", kernel.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	limit, _ := ctx.Deadline()
	kernel.SetReadDeadline(limit)
	_, peer, err := kernel.ReadFrom(make([]byte, 10))
	if err != nil {
		t.Fatal(err)
	}
	if got := peer.(*net.UDPAddr).IP.String(); got != i.Addresses()[2].Prefix.Addr().String() {
		t.Errorf("the kernel saw %s, want the temporary address %v", got, i.Addresses()[2].Prefix)
	}

	// radvd goes, and says so: no default router, and what depends on it.
	stop()
	for e := range s.Watch(ctx) {
		if r, ok := e.(stack.RouterEvent); ok && len(r.Routers) == 0 {
			break
		}
	}
	if got := i.RouterInfo(); len(got.Routers)+len(got.Servers) != 0 {
		t.Errorf("after radvd ended: %v", got)
	}
}
