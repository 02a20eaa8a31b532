package stack_test

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"

	"github.com/hextet/hextet/stack"
)

func TestListenAddresses(t *testing.T) {
	a, b, _, bi := pair(t)
	if err := bi.AddAddresses([]stack.Address{plain("fe80::2/64"), skip("192.0.2.5/24")}); err != nil {
		t.Fatal(err)
	}
	const v4, v6 = "192.0.2.2:80", "[2001:db8::2]:80"
	for _, tt := range []struct {
		suffix  string // of the network: "", "4", "6"
		address string
		bound   string
		reached []string // by dialling these
		refused []string
	}{
		{"", ":80", "[::]:80", []string{v4, v6, "192.0.2.5:80"}, nil},
		{"", "[::]:80", "[::]:80", []string{v4, v6}, nil},
		{"", "0.0.0.0:80", "[::]:80", []string{v4, v6}, nil}, // as package net has it
		{"", ":http", "[::]:80", []string{v4}, nil},
		{"4", ":80", "0.0.0.0:80", []string{v4}, []string{v6}},
		{"6", ":80", "[::]:80", []string{v6}, []string{v4}},
		{"", v4, v4, []string{v4}, []string{v6, "192.0.2.5:80"}},
		{"", v6, v6, []string{v6}, []string{v4}},
		{"", "[::ffff:192.0.2.2]:80", v4, []string{v4}, []string{v6}},
		{"4", "192.0.2.5:80", "192.0.2.5:80", []string{"192.0.2.5:80"}, []string{v4}},
		{"6", "[fe80::2%eth0]:80", "[fe80::2%eth0]:80", nil, []string{v6}},
	} {
		t.Run("tcp"+tt.suffix+" "+tt.address, func(t *testing.T) {
			l, err := b.Listen(t.Context(), "tcp"+tt.suffix, tt.address)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			if got := l.Addr().String(); got != tt.bound {
				t.Errorf("bound to %v, want %v", got, tt.bound)
			}
			for _, dst := range tt.reached {
				c, err := a.DialContext(t.Context(), "tcp", dst)
				if err != nil {
					t.Error(err)
					continue
				}
				defer c.Close()
				s, err := l.Accept()
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				if s.LocalAddr().String() != dst {
					t.Errorf("accepted on %v, dialled %v", s.LocalAddr(), dst)
				}
			}
			for _, dst := range tt.refused {
				if _, err := a.DialContext(t.Context(), "tcp", dst); !errors.Is(err, syscall.ECONNREFUSED) {
					t.Errorf("dialling %s: %v", dst, err)
				}
			}
		})
		t.Run("udp"+tt.suffix+" "+tt.address, func(t *testing.T) {
			address := strings.Replace(tt.address, ":http", ":80", 1) // http has no UDP port everywhere
			c := listenUDP(t, b, "udp"+tt.suffix, address)
			defer c.Close()
			if got := c.LocalAddr().String(); got != tt.bound {
				t.Errorf("bound to %v, want %v", got, tt.bound)
			}
			for _, dst := range tt.reached {
				if _, err := dialUDP(t, a, dst).Write([]byte(dst)); err != nil {
					t.Error(err)
				}
				buf := make([]byte, 99)
				if n, err := c.Read(buf); err != nil && len(buf) > 0 || string(buf[:n]) != dst {
					t.Errorf("read %q, %v", buf[:n], err)
				}
			}
			for _, dst := range tt.refused {
				d := dialUDP(t, a, dst)
				d.Write([]byte("x"))
				if _, err := d.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNREFUSED) {
					t.Errorf("reading after a write to %s: %v", dst, err)
				}
			}
		})
	}
}

func TestListenErrors(t *testing.T) {
	_, b, _, bi := pair(t)
	if err := bi.AddAddress(plain("fe80::2/64")); err != nil {
		t.Fatal(err)
	}
	busyTCP, err := b.Listen(t.Context(), "tcp", ":81")
	if err != nil {
		t.Fatal(err)
	}
	defer busyTCP.Close()
	listenUDP(t, b, "udp", ":81")
	for _, tt := range []struct {
		name, suffix, address string
		want                  error
		text                  string
	}{
		{"in use", "", ":81", syscall.EADDRINUSE, "[::]:81: bind: address already in use"},
		{"in use for the other family", "4", ":81", syscall.EADDRINUSE, "0.0.0.0:81"},
		{"not assigned", "", "192.0.2.1:80", syscall.EADDRNOTAVAIL, "192.0.2.1 is not assigned"},
		{"not assigned", "", "[2001:db8::1]:80", syscall.EADDRNOTAVAIL, "2001:db8::1 is not assigned"},
		{"not on that interface", "", "[fe80::1%eth0]:80", syscall.EADDRNOTAVAIL, `not assigned on interface "eth0"`},
		{"no zone", "", "[fe80::2]:80", syscall.EINVAL, "needs the zone"},
		{"unknown zone", "", "[fe80::2%eth7]:80", syscall.ENODEV, `"eth7"`},
		{"other family", "4", "[2001:db8::2]:80", syscall.EAFNOSUPPORT, "2001:db8::2 is not an IPv4 address"},
		{"other family", "6", "192.0.2.2:80", syscall.EAFNOSUPPORT, "192.0.2.2 is not an IPv6 address"},
		{"no port", "", "192.0.2.2", nil, "missing port"},
		{"bad port", "", ":99999", nil, "invalid port"},
		{"a name, but no server", "", "www.example.org:80", nil, "Config.Nameservers is empty"},
	} {
		t.Run(tt.name+" "+tt.address, func(t *testing.T) {
			open := b.OpenConns()
			l, err := b.Listen(t.Context(), "tcp"+tt.suffix, tt.address)
			checkListenError(t, l == nil, err, tt.want, tt.text)
			c, err := b.ListenPacket(t.Context(), "udp"+tt.suffix, tt.address)
			checkListenError(t, c == nil, err, tt.want, tt.text)
			if n := b.OpenConns() - open; n != 0 {
				t.Errorf("%d sockets are left open", n)
			}
		})
	}
	for _, network := range []string{"udp", "ip6:58", "unix", "tcp0", "4", ""} {
		_, err := b.Listen(t.Context(), network, ":80")
		wantOpError(t, err, "listen", net.UnknownNetworkError(network))
	}
	for _, network := range []string{"tcp", "ip:icmp", "ip6", "unixgram", "udp:17"} {
		_, err := b.ListenPacket(t.Context(), network, ":80")
		wantOpError(t, err, "listen", net.UnknownNetworkError(network))
	}
}

func checkListenError(t *testing.T, none bool, err, want error, text string) {
	t.Helper()
	if err == nil || !none {
		t.Fatalf("no error, or a socket with it: %v", err)
	}
	wantOpError(t, err, "listen")
	if want != nil {
		wantOpError(t, err, "listen", want)
	}
	if !strings.Contains(err.Error(), text) {
		t.Errorf("%q does not say %q", err, text)
	}
}

// TestListenFamilies: the two families of a port may have listeners of their own.
func TestListenFamilies(t *testing.T) {
	_, b, _, _ := pair(t)
	for _, network := range []string{"tcp4", "tcp6"} {
		l, err := b.Listen(t.Context(), network, ":80")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
	}
	listenUDP(t, b, "udp4", ":80")
	listenUDP(t, b, "udp6", ":80")
}

// TestListenBeside: of two listeners on a port the one on the dialled address gets the connection.
func TestListenBeside(t *testing.T) {
	a, b, _, _ := pair(t)
	all, err := b.Listen(t.Context(), "tcp", ":80")
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	one, err := b.Listen(t.Context(), "tcp", "192.0.2.2:80")
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	for dst, l := range map[string]net.Listener{"192.0.2.2:80": one, "[2001:db8::2]:80": all} {
		c, err := a.DialContext(t.Context(), "tcp", dst)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		s, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
	}
}

// TestListenAgain: a port is free as soon as its listener is closed, though connections live on, or
// linger in TIME-WAIT.
func TestListenAgain(t *testing.T) {
	a, b, _, _ := pair(t)
	for range 3 {
		client, server := dialPair(t, a, b, "tcp", "192.0.2.2:80") // closes its listener
		defer client.Close()
		server.Close() // first: its end waits in TIME-WAIT
		if got := readAll(t, client); got != "" {
			t.Errorf("read %q", got)
		}
		client.Close()
		l, err := b.Listen(t.Context(), "tcp", ":80")
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
	}
}

// TestListenPort0 picks ports that are free.
func TestListenPort0(t *testing.T) {
	_, b, _, _ := pair(t)
	seen := map[uint16]bool{}
	for range 20 {
		l, err := b.Listen(t.Context(), "tcp", "192.0.2.2:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		p := netip.MustParseAddrPort(l.Addr().String()).Port()
		if p == 0 || seen[p] {
			t.Errorf("port %d", p)
		}
		seen[p] = true
	}
}

// TestAcceptClosed: Close ends Accept, for those who wait and those who come.
func TestAcceptClosed(t *testing.T) {
	_, b, _, _ := pair(t)
	l, err := b.Listen(t.Context(), "tcp", ":80")
	if err != nil {
		t.Fatal(err)
	}
	waits := []<-chan error{}
	for range 3 {
		waits = append(waits, async(func() error { _, err := l.Accept(); return err }))
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, w := range waits {
		wantClosed(t, within(t, w))
	}
	c, err := l.Accept()
	wantClosed(t, err)
	if c != nil {
		t.Errorf("a conn (%T) came with the error", c)
	}
	wantClosed(t, l.Close())
}

// TestListenPacketRaw: the IP networks open raw sockets that carry packets.
func TestListenPacketRaw(t *testing.T) {
	a, b, _, _ := pair(t)
	for _, tt := range []struct{ network, from, to string }{
		{"ip6:89", "2001:db8::1", "2001:db8::2"},
		{"ip6:OSPF", "", "2001:db8::2"},
		{"ip4:gre", "192.0.2.1", "192.0.2.2"},
		{"ip4:253", "::", "192.0.2.2"},
	} {
		t.Run(tt.network, func(t *testing.T) {
			if tt.from == "::" && strings.HasPrefix(tt.network, "ip4") {
				_, err := a.ListenPacket(t.Context(), tt.network, tt.from)
				wantOpError(t, err, "listen", syscall.EAFNOSUPPORT)
				tt.from = "0.0.0.0"
			}
			src, err := a.ListenPacket(t.Context(), tt.network, tt.from)
			if err != nil {
				t.Fatal(err)
			}
			defer src.Close()
			dst, err := b.ListenPacket(t.Context(), tt.network, tt.to)
			if err != nil {
				t.Fatal(err)
			}
			defer dst.Close()
			if _, err := src.WriteTo([]byte("payload"), dst.LocalAddr()); err != nil {
				t.Fatal(err)
			}
			buf := make([]byte, 99)
			n, from, err := dst.ReadFrom(buf)
			if err != nil || string(buf[:n]) != "payload" {
				t.Errorf("read %q from %v, %v", buf[:n], from, err)
			}
		})
	}
	for _, network := range []string{"ip6:icmp7", "ip6:256", "ip4:-1", "ip4:"} {
		_, err := a.ListenPacket(t.Context(), network, "")
		wantOpError(t, err, "listen", syscall.EPROTONOSUPPORT)
	}
}

// TestNoTCP: a stack without TCP says so.
func TestNoTCP(t *testing.T) {
	s := newStack(t, stack.Config{NoTCP: true})
	l, _ := stack.Pipe(1500)
	attach(t, s, "eth0", l, plain("192.0.2.1/24"))
	_, err := s.Listen(t.Context(), "tcp", ":80")
	wantOpError(t, err, "listen", syscall.EPROTONOSUPPORT)
	_, err = s.DialContext(t.Context(), "tcp", "192.0.2.2:80")
	wantOpError(t, err, "dial", syscall.EPROTONOSUPPORT)
	if !strings.Contains(err.Error(), "Config.NoTCP") {
		t.Errorf("%v", err)
	}
}

func TestParseNetwork(t *testing.T) {
	for name, want := range map[string]struct {
		transport string
		family    int
		proto     uint8
	}{
		"tcp": {"tcp", 0, 0}, "tcp4": {"tcp", 4, 0}, "tcp6": {"tcp", 6, 0},
		"udp": {"udp", 0, 0}, "udp4": {"udp", 4, 0}, "udp6": {"udp", 6, 0},
		"ip4:icmp": {"ip", 4, 1}, "ip4:1": {"ip", 4, 1}, "ip6:ipv6-icmp": {"ip", 6, 58},
		"ip6:58": {"ip", 6, 58}, "ip6:IPv6-ICMP": {"ip", 6, 58}, "ip6:255": {"ip", 6, 255}, "ip6:0": {"ip", 6, 0},
	} {
		transport, family, proto, err := stack.ParseNetwork(name)
		if err != nil || transport != want.transport || family != want.family || proto != want.proto {
			t.Errorf("%q is %s, %d, %d, %v", name, transport, family, proto, err)
		}
	}
}
