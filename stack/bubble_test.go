package stack_test

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hextet/hextet/icmp6"
	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/internal/ndp"
	"golang.org/x/net/ipv6"
)

// A day of a host and a router that is a program with a raw socket, in a bubble: detection,
// advertisements, UDP, echo, deadlines. It takes no real time, and every duration is exact.
func TestBubbleOfHostAndRouter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		la, lb := ethernet()
		host, router := newStack(t, stack.Config{NoTCP: true}), newStack(t, stack.Config{NoTCP: true})
		i, err := host.Attach(stack.InterfaceConfig{Name: "eth0", Link: la, DAD: true, SLAAC: true, TemporaryAddresses: true})
		if err != nil {
			t.Fatal(err)
		}
		attach(t, router, "eth0", lb, plain("2001:db8:1::1/64"))
		daemon, err := router.ListenRaw(icmp6.Protocol, netip.Addr{})
		if err != nil {
			t.Fatal(err)
		}
		defer daemon.Close()
		ra := from(netip.MustParseAddr("fe80::ff:fe00:2"), "2001:db8:1::/64")
		msg := ra.Packet(ndp.AllNodes, routerMAC)[40:]
		cm := &ipv6.ControlMessage{HopLimit: 255, IfIndex: 1}
		advertise := func() {
			if _, err := daemon.WriteTo(msg, cm, &net.IPAddr{IP: net.ParseIP("ff02::1"), Zone: "eth0"}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		start := time.Now()
		advertise()
		if err := i.WaitAssigned(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("assigned after %v, want 1 s", took)
		}
		exchange(t, host, router, "2001:db8:1::1")
		if got := source(t, host, "2001:db8:1::1"); got != i.Addresses()[2].Prefix.Addr().String() {
			t.Errorf("source %s, want the temporary address of %v", got, i.Addresses())
		}

		raw, err := host.ListenRaw(icmp6.Protocol, netip.Addr{})
		if err != nil {
			t.Fatal(err)
		}
		defer raw.Close()
		var replies ipv6.ICMPFilter
		replies.SetAll(true)
		replies.Accept(ipv6.ICMPTypeEchoReply)
		if err := raw.SetICMPFilter(&replies); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 100)
		for range 24 { // an echo an hour, and an advertisement
			advertise()
			if _, err := raw.WriteTo([]byte{128, 0, 0, 0, 0, 1, 0, 1}, nil, &net.IPAddr{IP: net.ParseIP("2001:db8:1::1")}); err != nil {
				t.Fatal(err)
			}
			raw.SetReadDeadline(time.Now().Add(time.Second))
			if _, _, _, err := raw.ReadFrom(buf); err != nil {
				t.Fatal(err)
			}
			before := time.Now()
			raw.SetReadDeadline(before.Add(time.Hour))
			if _, _, _, err := raw.ReadFrom(buf); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(before) != time.Hour {
				t.Fatalf("%v after %v, want the deadline after an hour", err, time.Since(before))
			}
		}
		if n := len(temporary(i)); n < 2 {
			t.Errorf("%d temporary addresses after a day", n)
		}
	})
}

// The same life on a clock that the test moves, with TCP: a day, in as long as its work takes.
func TestSLAACOnASteppedClock(t *testing.T) {
	clock := newSteppedClock()
	near, far := ethernet()
	defer far.Close()
	s := newStack(t, stack.Config{Clock: clock})
	i, err := s.Attach(stack.InterfaceConfig{Name: "eth0", Link: near, SLAAC: true, DAD: true})
	if err != nil {
		t.Fatal(err)
	}
	ra := from(router1, "2001:db8:1::/64")
	frame := append([]byte{0x33, 0x33, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x86, 0xdd}, ra.Packet(ndp.AllNodes, routerMAC)...)
	far.WritePackets([][]byte{frame})
	eventually(t, func() bool { return i.Counters().RxPackets == 1 })
	step := func(d time.Duration, want string) {
		t.Helper()
		clock.Advance(d)
		got := ""
		for _, text := range addresses(i) {
			got += text
		}
		if got != want {
			t.Errorf("after another %v: %q, want %q", d, got, want)
		}
	}
	const addr = "2001:db8:1::ff:fe00:1/64 "
	eventually(t, func() bool { clock.Advance(0); return i.Counters().Advertisements == 1 })
	step(time.Second-1, addr+"tentative")
	step(1, addr+"assigned")
	step(4*time.Hour-time.Second-1, addr+"assigned")
	step(1, addr+"assigned deprecated")
	step(20*time.Hour-1, addr+"assigned deprecated")
	step(1, "")
	if len(i.RouterInfo().Prefixes) != 0 {
		t.Errorf("%+v", i.RouterInfo())
	}
}
