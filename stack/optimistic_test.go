package stack_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hextet/hextet/icmp6"
	"github.com/hextet/hextet/srcselect"
	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/internal/ndp"
)

// formed is the address that slaacHost's interface forms of 2001:db8:1::/64.
var formed = netip.MustParseAddr("2001:db8:1::ff:fe00:1")

var optimisticConfig = stack.InterfaceConfig{SLAAC: true, DAD: true, OptimisticDAD: true}

// optimisticHost is a host with an optimistic address, from a router that said where it is.
func optimisticHost(t *testing.T, cfg stack.InterfaceConfig) (*stack.Stack, *stack.Interface, *routers) {
	t.Helper()
	s, i, r := slaacHost(t, stack.Config{NoTCP: true}, cfg)
	r.advertise(from(router1, "2001:db8:1::/64"))
	expectAddresses(t, i, formed.String()+"/64 optimistic")
	return s, i, r
}

// frames returns the frames that the host has sent since it was last asked, without MLD and solicitations
// of routers.
func (r *routers) frames() (fs [][]byte) {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range r.seen {
		if f[20] != 0 && (f[20] != 58 || f[54] != ndp.TypeRouterSolicitation) {
			fs = append(fs, f)
		}
	}
	r.seen = nil
	return fs
}

// expectFrames compares what was sent, written as IPv6 packets without the link-layer header.
func expectFrames(t *testing.T, r *routers, want ...string) {
	t.Helper()
	got := r.frames()
	for n := range max(len(got), len(want)) {
		switch {
		case n >= len(got):
			t.Errorf("packet %d was not sent: %s", n, want[n])
		case n >= len(want):
			t.Errorf("packet %d is too much: %x", n, got[n][14:])
		case !bytes.Equal(got[n][14:], unhex(t, want[n])):
			t.Errorf("packet %d\n got %x\nwant %s", n, got[n][14:], want[n])
		}
	}
}

// tells collects what Watch tells of an address: flags left out, repetitions too. The result is complete once
// the stack is closed.
func tells(t *testing.T, s *stack.Stack, addr netip.Addr) (told func() []string) {
	var states []string
	done := make(chan struct{})
	go func() {
		defer close(done)
		for e := range s.Watch(t.Context()) {
			if a, ok := e.(stack.AddressEvent); ok && a.Prefix.Addr() == addr {
				states = append(states, strings.Fields(a.String())[3])
			}
		}
	}()
	return func() []string { <-done; return slices.Compact(states) }
}

// It is used from the moment that the router told its prefix, probed for beside that, and nothing happens
// to those who use it when the detection ends well.
func TestOptimisticAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, i, r := slaacHost(t, stack.Config{NoTCP: true}, optimisticConfig)
		told := tells(t, s, formed)
		pass(10 * time.Second)
		r.frames()
		start := time.Now()
		r.advertise(from(router1, "2001:db8:1::/64"))
		expectAddresses(t, i, formed.String()+"/64 optimistic")
		if got := source(t, s, "2001:db8:ffff::1"); got != formed.String() {
			t.Errorf("source %s", got)
		}
		if as, _ := s.Addresses(); !slices.ContainsFunc(as, func(a srcselect.Address) bool { return a.Prefix.Addr() == formed && a.Optimistic && !a.Tentative }) {
			t.Errorf("candidates %+v", as)
		}
		c := dialUDP(t, s, "[2001:db8:ffff::1]:7")
		if _, err := c.Write([]byte("now")); err != nil {
			t.Fatal(err)
		}
		fs := r.frames()
		if len(fs) != 2 {
			t.Fatalf("%d frames: %x; want a probe and the datagram", len(fs), fs)
		}
		expectProbe(t, fs[0])
		if !bytes.Equal(fs[1][:6], routerMAC) || netip.AddrFrom16([16]byte(fs[1][22:])) != formed || string(fs[1][62:]) != "now" {
			t.Errorf("the datagram left as %x", fs[1])
		}

		reply := binary.BigEndian.AppendUint16([]byte{0, 7}, port(c.LocalAddr()))
		reply = append(reply, 0, 12, 0, 0, 'h', 'e', 'r', 'e')
		r.write(ip6("2001:db8:ffff::1", formed.String(), 17, 64, sealed("2001:db8:ffff::1", formed.String(), 17, 6, reply)))
		buf := make([]byte, 10)
		if n, err := c.Read(buf); err != nil || string(buf[:n]) != "here" {
			t.Errorf("while optimistic: %q, %v", buf[:n], err)
		}
		if err := i.WaitAssigned(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("detection took %v, want 1 s", took)
		}
		expectAddresses(t, i, formed.String()+"/64 assigned")
		if _, err := c.Write([]byte("then")); err != nil {
			t.Error(err)
		}
		if fs := r.frames(); len(fs) != 1 || string(fs[0][62:]) != "then" {
			t.Errorf("afterwards: %x", fs)
		}
		s.Close()
		if got, want := told(), []string{"optimistic", "assigned", "removed"}; !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
	})
}

// expectProbe checks a probe of duplicate address detection for formed, which package ndp's golden one
// is like but for the nonce.
func expectProbe(t *testing.T, f []byte) {
	t.Helper()
	want := unhex(t, "3333ff000001 020000000001 86dd 6000000000203aff 00000000000000000000000000000000"+
		"ff0200000000000000000001ff000001 8700")
	rest := unhex(t, "00000000 20010db800010000000000fffe000001 0e01")
	if len(f) != 86 || !bytes.Equal(f[:56], want) || !bytes.Equal(f[58:80], rest) ||
		!icmp6.Valid(netip.IPv6Unspecified(), netip.MustParseAddr("ff02::1:ff00:1"), f[54:]) {
		t.Errorf("no probe: %x", f)
	}
}

// From scapy 2.5.0, target 2001:db8:1::ff:fe00:1:
//
//	IPv6(src="fe80::2",dst="ff02::1:ff00:1",hlim=255)/ICMPv6ND_NS(tgt=target)/ICMPv6NDOptSrcLLAddr(lladdr="02:00:00:00:00:02")
//	IPv6(src=target,dst="fe80::2",hlim=255)/ICMPv6ND_NA(tgt=target,R=0,S=1,O=0)/ICMPv6NDOptDstLLAddr(lladdr="02:00:00:00:00:01")
//	the same with O=1
//	IPv6(src=target,dst="ff02::1:ff00:99",hlim=255)/ICMPv6ND_NS(tgt="2001:db8:1::99")/ICMPv6NDOptSrcLLAddr(lladdr="02:00:00:00:00:01")
const (
	solicited    = "6000000000203aff fe800000000000000000000000000002 ff0200000000000000000001ff000001 87004c5e00000000 20010db800010000000000fffe000001 0101020000000002"
	modestReply  = "6000000000203aff 20010db800010000000000fffe000001 fe800000000000000000000000000002 8800dba940000000 20010db800010000000000fffe000001 0201020000000001"
	overriding   = "6000000000203aff 20010db800010000000000fffe000001 fe800000000000000000000000000002 8800bba960000000 20010db800010000000000fffe000001 0201020000000001"
	askingFor99  = "6000000000203aff 20010db800010000000000fffe000001 ff0200000000000000000001ff000099 87001bf700000000 20010db8000100000000000000000099 0101020000000001"
	neighbour99  = "2001:db8:1::99"
	allNodesText = "ff02::1"
)

// RFC 4429 section 3.3: it answers who looks for it, without Override; RFC 4861 section 7.2.4, with it.
func TestOptimisticAdvertisement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, i, r := optimisticHost(t, optimisticConfig)
		r.frames()
		r.write(unhex(t, solicited))
		expectFrames(t, r, modestReply)
		pass(time.Second)
		expectAddresses(t, i, formed.String()+"/64 assigned")
		r.frames()
		r.write(unhex(t, solicited))
		expectFrames(t, r, overriding)
		// Who probes for it now is told, and it stays.
		r.write(ndp.Probe(formed, [6]byte{1, 2, 3, 4, 5, 6}))
		if fs := r.frames(); len(fs) != 1 || fs[0][54] != 136 || fs[0][58] != 0x20 || netip.AddrFrom16([16]byte(fs[0][38:])).String() != allNodesText {
			t.Errorf("answers to a probe: %x", fs)
		}
		expectAddresses(t, i, formed.String()+"/64 assigned")
	})
}

// RFC 4429 section 3.2: it asks for no neighbour. Packets wait, and leave in time.
func TestOptimisticAddressAsksForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, r := optimisticHost(t, optimisticConfig)
		pass(700 * time.Millisecond)
		r.frames()
		c := dialUDP(t, s, "["+neighbour99+"]:7")
		if _, err := c.Write([]byte("wait")); err != nil {
			t.Fatal(err)
		}
		pass(300*time.Millisecond - 1)
		expectFrames(t, r)
		pass(1) // a second after the address came, not after the packet
		expectFrames(t, r, askingFor99)
		target := netip.MustParseAddr(neighbour99).As16()
		msg := append(append([]byte{136, 0, 0, 0, 0x60, 0, 0, 0}, target[:]...), 2, 1, 2, 0, 0, 0, 0, 0x99)
		r.write(ndpPacket(netip.MustParseAddr(neighbour99), formed, msg))
		if fs := r.frames(); len(fs) != 1 || fs[0][5] != 0x99 || string(fs[0][62:]) != "wait" {
			t.Errorf("the datagram left as %x", fs)
		}
	})
}

// More neighbours than are kept count of: gVisor asks again.
func TestOptimisticAddressWaitsForMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, r := optimisticHost(t, optimisticConfig)
		for n := range 100 {
			c := dialUDP(t, s, fmt.Sprintf("[2001:db8:1::1:%x]:7", n+1))
			if _, err := c.Write([]byte("wait")); err != nil {
				t.Fatal(err)
			}
		}
		r.packets(135)
		pass(time.Second - 1)
		if fs := r.frames(); len(fs) != 0 {
			t.Errorf("%d frames from an optimistic address, first %x", len(fs), fs[0])
		}
		asked := make(map[netip.Addr]bool)
		pass(time.Second + 1)
		for _, p := range r.packets(135) {
			asked[netip.AddrFrom16([16]byte(p[48:]))] = true
		}
		if len(asked) != 100 {
			t.Errorf("asked for %d of 100 neighbours", len(asked))
		}
	})
}
