package stack_test

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
)

// A host with more IPv4 addresses than gVisor is shown at a time talks between any two of them, and hears
// its own broadcasts (RFC 1122 section 3.2.1.3).
func TestIPv4AmongOwnAddresses(t *testing.T) {
	const n = 40
	l, far := stack.Pipe(1500)
	defer far.Close()
	s := newStack(t, stack.Config{})
	attach(t, s, "eth0", l, crowdOf("10.0.0.0/8", n)...)
	server, err := s.ListenPacket(t.Context(), "udp4", ":7")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	server.SetDeadline(time.Now().Add(30 * time.Second))
	expect := func(from netip.Addr, to string) {
		t.Helper()
		c, err := s.ListenPacket(t.Context(), "udp4", netip.AddrPortFrom(from, 0).String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		text := fmt.Sprintf("%v to %s", from, to)
		if _, err := c.WriteTo([]byte(text), &net.UDPAddr{IP: net.ParseIP(to), Port: 7}); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		buf := make([]byte, 64)
		size, peer, err := server.ReadFrom(buf)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if string(buf[:size]) != text || peer.String() != c.LocalAddr().String() {
			t.Errorf("%q from %v, want %q from %v", buf[:size], peer, text, c.LocalAddr())
		}
	}
	for k := 1; k <= n; k++ {
		from := netip.AddrFrom4([4]byte{10, 0, 0, byte(k)})
		expect(from, fmt.Sprintf("10.0.0.%d", 1+(k*7+3)%n))
		expect(from, "10.255.255.255")
		expect(from, "255.255.255.255")
	}
}

// An IPv4 address is the host's until it is removed, however recently a packet came for it, and its
// broadcast address until the last of its prefix is.
func TestIPv4RemovedIsDeaf(t *testing.T) {
	host, peer := stack.Pipe(1500)
	s, p := newStack(t, stack.Config{}), newStack(t, stack.Config{})
	i := attach(t, s, "eth0", host, plain("10.0.0.1/24"), plain("10.0.0.2/24"), plain("10.1.0.1/16"))
	attach(t, p, "eth0", peer, plain("10.0.0.9/24"))
	server, err := s.ListenPacket(t.Context(), "udp4", ":7")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	client, err := p.ListenPacket(t.Context(), "udp4", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server.SetDeadline(time.Now().Add(30 * time.Second))
	if err := p.AddRoute(stack.Route{Destination: netip.MustParsePrefix("10.1.0.0/16"), Interface: "eth0"}); err != nil {
		t.Fatal(err)
	}
	// Those that are not heard are followed by one that is.
	expect := func(heard string, silent ...string) {
		t.Helper()
		for _, to := range append(silent, heard) {
			if _, err := client.WriteTo([]byte(to), &net.UDPAddr{IP: net.ParseIP(to), Port: 7}); err != nil {
				t.Fatalf("%s: %v", to, err)
			}
		}
		buf := make([]byte, 64)
		if n, _, err := server.ReadFrom(buf); err != nil || string(buf[:n]) != heard {
			t.Errorf("%q, %v, want %q", buf[:n], err, heard)
		}
	}
	expect("10.0.0.1")
	expect("10.0.0.2")
	expect("10.0.0.255")
	i.RemoveAddress(netip.MustParseAddr("10.0.0.1"))
	expect("10.0.0.255")
	i.RemoveAddress(netip.MustParseAddr("10.0.0.2"))
	expect("10.1.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.255")
}
