package vxlan_test

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/vxlan"
)

// One socket of the kernel's has peers of both families. To such a socket an IPv4 peer
// is an IPv4-mapped one, which nobody above sees.
func TestFamilies(t *testing.T) {
	all, err := net.ListenPacket("udp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	six, err := net.ListenPacket("udp6", "[::1]:0")
	if err != nil {
		all.Close()
		t.Skipf("SKIP(system): %v", err)
	}
	families(t, all, []net.PacketConn{loopback(t), six}, []string{"127.0.0.1", "::1"})
}

// The same on the sockets of userspace stacks, and with link-local addresses.
func TestFamiliesOfStacks(t *testing.T) {
	var addrs [2][]string
	var below [2]*stack.Stack
	wires := [2]stack.Link{}
	wires[0], wires[1] = stack.Pipe(1500)
	for i, s := range []string{"192.0.2.1/24 2001:db8::1/64 fe80::1/64", "192.0.2.2/24 2001:db8::2/64 fe80::2/64"} {
		addrs[i] = strings.Fields(s)
		below[i] = host("wire", wires[i], addrs[i][0])
		t.Cleanup(func() { below[i].Close() })
		for _, p := range addrs[i][1:] {
			if err := below[i].Interfaces()[0].AddAddress(stack.Address{Prefix: netip.MustParsePrefix(p)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	bind := func(s *stack.Stack, address string) net.PacketConn {
		c, err := s.ListenPacket(t.Context(), "udp", address)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	all := bind(below[0], ":4789")
	families(t, all,
		[]net.PacketConn{bind(below[1], "192.0.2.2:4789"), bind(below[1], "[2001:db8::2]:4789"), bind(below[1], "[fe80::2%wire]:4789")},
		[]string{"192.0.2.1", "2001:db8::1", "fe80::1%wire"})
}

// families joins all, which has an address for each of the others in turn, to them.
// Nobody takes frames from any but the peers that it named.
func families(t *testing.T, all net.PacketConn, others []net.PacketConn, addrs []string) {
	t.Helper()
	var peers []netip.AddrPort
	for _, c := range others {
		peers = append(peers, addressOf(c))
	}
	asking := attach(t, endpoint(t, all), vxlan.Segment{VNI: 7, Peers: peers, PeersOnly: true}, "2001:db8:7::1/64")
	for i, c := range others {
		own := "2001:db8:7::" + string(rune('2'+i))
		peer := netip.AddrPortFrom(netip.MustParseAddr(addrs[i]), addressOf(all).Port())
		other := attach(t, endpoint(t, c), vxlan.Segment{VNI: 7, Peers: []netip.AddrPort{peer}, PeersOnly: true}, own+"/64")
		listen(t, other, own)
		if got := fetch(t, asking, net.JoinHostPort(own, "80")); got != own {
			t.Errorf("behind %v: %q, want %q", peers[i], got, own)
		}
	}
}

func addressOf(c net.PacketConn) netip.AddrPort { return c.LocalAddr().(*net.UDPAddr).AddrPort() }
