package vxlan_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/vxlan"
	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv6"
)

var _ stack.Link = (*vxlan.Link)(nil)

// loopback returns a UDP socket of the host's.
func loopback(t testing.TB) net.PacketConn {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func endpoint(t testing.TB, c net.PacketConn) *vxlan.Endpoint {
	t.Helper()
	e, err := vxlan.New(vxlan.Config{Conn: c})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// attach puts a host on a segment, and waits for its addresses.
func attach(t testing.TB, e *vxlan.Endpoint, s vxlan.Segment, prefixes ...string) *stack.Stack {
	t.Helper()
	l, err := e.Open(s)
	if err != nil {
		t.Fatal(err)
	}
	host, err := stack.New(stack.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { host.Close() })
	i, err := host.Attach(stack.InterfaceConfig{Name: "eth0", Link: l})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range prefixes {
		if err := i.AddAddress(stack.Address{Prefix: netip.MustParsePrefix(p)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := i.WaitAssigned(t.Context()); err != nil {
		t.Fatal(err)
	}
	return host
}

// Three hosts, each behind an endpoint of its own, talk on one segment, and not with a
// host on another that shares their sockets and their addresses.
func TestHosts(t *testing.T) {
	var conns [3]net.PacketConn
	var peers []netip.AddrPort
	for i := range conns {
		conns[i] = loopback(t)
		peers = append(peers, conns[i].LocalAddr().(*net.UDPAddr).AddrPort())
	}
	var hosts, others [3]*stack.Stack
	for i := range hosts {
		e := endpoint(t, conns[i])
		var rest []netip.AddrPort
		for j, p := range peers {
			if j != i {
				rest = append(rest, p)
			}
		}
		own := string(rune('1' + i))
		hosts[i] = attach(t, e, vxlan.Segment{VNI: 7, Peers: rest, PeersOnly: true}, "2001:db8::"+own+"/64", "192.0.2."+own+"/24")
		others[i] = attach(t, e, vxlan.Segment{VNI: 8, Peers: rest}, "2001:db8::"+own+"/64")
	}
	for i := range hosts {
		listen(t, hosts[i], "seven")
		listen(t, others[i], "eight")
	}
	for i := range hosts {
		for _, address := range []string{"[2001:db8::1]:80", "[2001:db8::2]:80", "[2001:db8::3]:80", "192.0.2.1:80", "192.0.2.2:80", "192.0.2.3:80"} {
			if got := fetch(t, hosts[i], address); got != "seven" {
				t.Errorf("host %d from %s: %q", i+1, address, got)
			}
		}
		if got := fetch(t, others[i], "[2001:db8::2]:80"); got != "eight" {
			t.Errorf("other host %d: %q", i+1, got)
		}
		ping(t, hosts[i], "2001:db8::2", 5000)
	}
}

// listen answers connections with a word.
func listen(t testing.TB, host *stack.Stack, word string) {
	t.Helper()
	l, err := host.Listen(t.Context(), "tcp", ":80")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			io.WriteString(c, word)
			c.Close()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
}

func fetch(t testing.TB, host *stack.Stack, address string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	c, err := host.DialContext(ctx, "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	b, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// ping sends an echo request of n bytes, in fragments if they are many.
func ping(t testing.TB, host *stack.Stack, dst string, n int) {
	t.Helper()
	c, err := host.ListenPacket(t.Context(), "ip6:ipv6-icmp", "")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	data := bytes.Repeat([]byte{7}, n)
	request, err := (&icmp.Message{Type: ipv6.ICMPTypeEchoRequest, Body: &icmp.Echo{ID: 9, Seq: 1, Data: data}}).Marshal(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.WriteTo(request, &net.IPAddr{IP: net.ParseIP(dst)}); err != nil {
		t.Fatal(err)
	}
	for b := make([]byte, 1<<16); ; {
		n, from, err := c.ReadFrom(b)
		if err != nil {
			t.Fatalf("ping %s: %v", dst, err)
		}
		m, err := icmp.ParseMessage(58, b[:n])
		if err != nil {
			t.Fatal(err)
		}
		if echo, ok := m.Body.(*icmp.Echo); ok && m.Type == ipv6.ICMPTypeEchoReply {
			if !bytes.Equal(echo.Data, data) || from.String() != dst {
				t.Errorf("%d bytes from %v", len(echo.Data), from)
			}
			return
		}
	}
}

// Two hosts with one address: the second finds out across the tunnel.
func TestDuplicateAddress(t *testing.T) {
	one, two := loopback(t), loopback(t)
	to := func(c net.PacketConn) []netip.AddrPort {
		return []netip.AddrPort{c.LocalAddr().(*net.UDPAddr).AddrPort()}
	}
	attach(t, endpoint(t, one), vxlan.Segment{Peers: to(two)}, "2001:db8::1/64")
	l, err := endpoint(t, two).Open(vxlan.Segment{Peers: to(one)})
	if err != nil {
		t.Fatal(err)
	}
	host, err := stack.New(stack.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	i, err := host.Attach(stack.InterfaceConfig{Name: "eth0", Link: l, DAD: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := i.AddAddress(stack.Address{Prefix: netip.MustParsePrefix("2001:db8::1/64")}); err != nil {
		t.Fatal(err)
	}
	if err := i.WaitAssigned(t.Context()); err == nil {
		t.Error("an address that another host has was assigned")
	}
}
