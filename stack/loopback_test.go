package stack_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"

	"github.com/hextet/hextet/stack"
)

// A stack without any interface talks to itself, as programs expect of 127.0.0.1 and localhost.
func TestLoopback(t *testing.T) {
	s := newStack(t, stack.Config{})
	for _, host := range []string{"127.0.0.1", "::1", "localhost", "LOCALHOST.", "api.localhost", ""} {
		l, err := s.Listen(t.Context(), "tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			t.Fatalf("%q: %v", host, err)
		}
		port := fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
		c, err := s.DialContext(t.Context(), "tcp", net.JoinHostPort(host, port))
		if err != nil {
			t.Fatalf("%q: %v", host, err)
		}
		peer, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if from, to := c.LocalAddr().(*net.TCPAddr).IP, c.RemoteAddr().(*net.TCPAddr).IP; !from.IsLoopback() || !from.Equal(to) {
			t.Errorf("%q: from %v to %v", host, from, to)
		}
		transfer(t, c, peer)
		l.Close()
	}
	for _, host := range []string{"127.0.0.1", "::1"} {
		exchange(t, s, s, host)
	}
	if _, err := ping(listenRaw(t, s, 58, ""), ipTo("::1"), "to myself"); err != nil {
		t.Error(err)
	}
	if n := len(s.Interfaces()); n != 0 {
		t.Errorf("%d interfaces", n)
	}
	if as, _ := s.Addresses(); len(as) != 0 {
		t.Errorf("registration would see %v", as)
	}
	if got := source(t, s, "::1"); got != "::1" {
		t.Errorf("source %s", got)
	}
	c, err := (&stack.Dialer{Stack: s, Interface: "lo"}).DialContext(t.Context(), "udp", "127.0.0.1:7")
	if err != nil || c.LocalAddr().(*net.UDPAddr).IP.String() != "127.0.0.1" {
		t.Fatal(err)
	}
	c.Close()
}

// What listens on a loopback address is out of reach of others, and of packets that claim to be for it.
func TestLoopbackIsPrivate(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"), plain("192.0.2.1/24"))
	c, end := listenRaw(t, s, 89, "::1"), listenRaw(t, s, 99, "")
	c4 := listenRaw4(t, s, 89, "127.0.0.1")
	w.send(ip6("2001:db8::2", "::1", 89, 64, []byte("x")), ip6("::1", "::1", 89, 64, []byte("x")),
		ip4("192.0.2.2", "127.0.0.1", 89, 64, 0, nil, []byte("x")), in6(99, nil))
	mustRead(t, end)
	mustBeEmpty(t, c)
	if c4.Stats().Received != 0 {
		t.Error("a packet to 127.0.0.1 came from the link")
	}
}

// A loopback address never appears on a link, not even from a source that was named (RFC 4291 section
// 2.5.3, RFC 1122 section 3.2.1.3), nor as one, nor on a router.
func TestLoopbackStaysOffTheLink(t *testing.T) {
	q := newQuiet(t, stack.Config{})
	q.i.SetForward(true)
	for _, r := range []stack.Route{route("0.0.0.0/0", peer4), route("::/0", peer6)} {
		if err := q.host.AddRoute(r); err != nil {
			t.Fatal(err)
		}
	}
	ctx := deadline(t)
	dial := func(local, network, to string) error {
		d := &stack.Dialer{Stack: q.host, LocalAddr: netip.AddrPortFrom(netip.MustParseAddr(local), 0)}
		c, err := d.DialContext(ctx, network, net.JoinHostPort(to, "7"))
		if err == nil {
			_, err = c.Write([]byte("x"))
			c.Close()
		}
		return err
	}
	for _, f := range []struct{ local, loopback, other, peer string }{{only4, "127.0.0.1", "127.0.0.2", peer4}, {only6, "::1", "", peer6}} {
		if err := dial(f.local, "tcp", f.loopback); !errors.Is(err, syscall.ECONNREFUSED) { // it came, and nobody listens
			t.Errorf("to %s: %v", f.loopback, err)
		}
		dial(f.local, "udp", f.loopback)
		for _, network := range []string{"tcp", "udp"} {
			if err := dial(f.loopback, network, f.peer); err == nil {
				t.Errorf("%s from %s to %s", network, f.loopback, f.peer)
			}
			if f.other == "" {
				continue
			}
			if err := dial(f.local, network, f.other); !errors.Is(err, syscall.ENETUNREACH) {
				t.Errorf("%s to %s: %v", network, f.other, err)
			}
		}
		pc, err := q.host.ListenPacket(ctx, "udp", net.JoinHostPort(f.local, "0"))
		if err != nil {
			t.Fatal(err)
		}
		pc.WriteTo([]byte("x"), &net.UDPAddr{IP: net.ParseIP(f.loopback), Port: 7})
		pc.Close()
	}
	for _, frame := range q.wire.drain() {
		if src, what := speaker(frame); src.IsLoopback() || what == "IPv4 protocol 17" || what == "IPv6 next header 17" || strings.HasSuffix(what, " 6") {
			t.Errorf("%s from %v was sent", what, src)
		}
	}
}
