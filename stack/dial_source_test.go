package stack_test

import (
	"io"
	"net"
	"net/netip"
	"testing"

	"github.com/hextet/hextet/srcselect"
	"github.com/hextet/hextet/stack"
)

// echoServer answers on TCP and UDP port 7 of all addresses until the test ends.
func echoServer(t testing.TB, s *stack.Stack) {
	t.Helper()
	l, err := s.Listen(t.Context(), "tcp", ":7")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				io.Copy(c, c)
			}()
		}
	}()
	u := listenUDP(t, s, "udp", ":7")
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := u.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			u.WriteToUDPAddrPort(buf[:n], from)
		}
	}()
}

// echoOver checks that a conn carries bytes both ways and returns the address it speaks from.
func echoOver(t testing.TB, c net.Conn) netip.Addr {
	t.Helper()
	if _, err := c.Write([]byte("echo")); err != nil {
		t.Error(err)
		return netip.Addr{}
	}
	buf := make([]byte, 4)
	if _, err := io.ReadFull(c, buf); err != nil || string(buf) != "echo" {
		t.Errorf("echoed %q, %v", buf, err)
	}
	return netip.MustParseAddrPort(c.LocalAddr().String()).Addr()
}

// dialEcho dials with d and returns the address that it spoke from.
func dialEcho(t testing.TB, d stack.Dialer, network, address string) netip.Addr {
	t.Helper()
	c, err := d.DialContext(t.Context(), network, address)
	if err != nil {
		t.Error(err)
		return netip.Addr{}
	}
	defer c.Close()
	return echoOver(t, c)
}

// TestFlipSkipAsSource: the flag moves the next choice and leaves the open conns alone.
func TestFlipSkipAsSource(t *testing.T) {
	for _, tt := range []struct{ first, second, dst string }{
		{"192.0.2.1", "192.0.2.5", "192.0.2.2:7"},
		{"2001:db8::1", "2001:db8::5", "[2001:db8::2]:7"},
	} {
		for _, network := range []string{"tcp", "udp"} {
			t.Run(network+" "+tt.dst, func(t *testing.T) {
				a, b, ai, _ := pair(t)
				echoServer(t, b)
				first, second := netip.MustParseAddr(tt.first), netip.MustParseAddr(tt.second)
				if err := ai.AddAddress(skip(netip.PrefixFrom(second, 24).String())); err != nil {
					t.Fatal(err)
				}
				old, err := a.DialContext(t.Context(), network, tt.dst)
				if err != nil {
					t.Fatal(err)
				}
				defer old.Close()
				if got := echoOver(t, old); got != first {
					t.Errorf("spoke from %v", got)
				}
				for range 3 {
					ai.SetSkipAsSource(first, true)
					ai.SetSkipAsSource(second, false)
					if got := dialEcho(t, stack.Dialer{Stack: a}, network, tt.dst); got != second {
						t.Errorf("after the flip a new conn speaks from %v", got)
					}
					if got := echoOver(t, old); got != first {
						t.Errorf("after the flip the old conn speaks from %v", got)
					}
					ai.SetSkipAsSource(first, false)
					ai.SetSkipAsSource(second, true)
					if got := dialEcho(t, stack.Dialer{Stack: a}, network, tt.dst); got != first {
						t.Errorf("after the flip back a new conn speaks from %v", got)
					}
				}
			})
		}
	}
}

// TestDialerChoices: what a Dialer names is used, a skipped address too.
func TestDialerChoices(t *testing.T) {
	a, b, ai, bi := pair(t)
	echoServer(t, b)
	temporary := plain("2001:db8::7/64")
	temporary.Temporary = true
	if err := ai.AddAddresses([]stack.Address{temporary, skip("192.0.2.5/24"), skip("2001:db8::5/64"), plain("fe80::1/64")}); err != nil {
		t.Fatal(err)
	}
	if err := bi.AddAddress(plain("fe80::2/64")); err != nil {
		t.Fatal(err)
	}
	// A second wire to the same host.
	la, lb := stack.Pipe(1500)
	attach(t, a, "eth1", la, plain("198.51.100.1/24"), plain("2001:db8:1::1/64"), plain("fe80::11/64"))
	attach(t, b, "eth1", lb, plain("198.51.100.2/24"), plain("2001:db8:1::2/64"), plain("fe80::2/64"))

	ap := netip.MustParseAddrPort
	for _, tt := range []struct {
		name string
		d    stack.Dialer
		dst  string
		want string
	}{
		{"nothing", stack.Dialer{}, "192.0.2.2:7", "192.0.2.1"},
		{"rule 7 as it stands", stack.Dialer{}, "[2001:db8::2]:7", "2001:db8::7"},
		{"skipped IPv4", stack.Dialer{LocalAddr: ap("192.0.2.5:0")}, "192.0.2.2:7", "192.0.2.5"},
		{"skipped IPv6", stack.Dialer{LocalAddr: ap("[2001:db8::5]:0")}, "[2001:db8::2]:7", "2001:db8::5"},
		{"IPv4-mapped", stack.Dialer{LocalAddr: ap("[::ffff:192.0.2.5]:0")}, "192.0.2.2:7", "192.0.2.5"},
		{"its own interface", stack.Dialer{LocalAddr: ap("198.51.100.1:0")}, "198.51.100.2:7", "198.51.100.1"},
		{"an interface", stack.Dialer{Interface: "eth1"}, "198.51.100.2:7", "198.51.100.1"},
		{"an interface by index", stack.Dialer{Interface: "2"}, "[2001:db8:1::2]:7", "2001:db8:1::1"},
		{"an interface for a link-local", stack.Dialer{Interface: "eth1"}, "[fe80::2]:7", "fe80::11%eth1"},
		{"a zone", stack.Dialer{}, "[fe80::2%eth1]:7", "fe80::11%eth1"},
		{"another zone", stack.Dialer{}, "[fe80::2%eth0]:7", "fe80::1%eth0"},
		{"public", stack.Dialer{Prefer: srcselect.PreferPublic}, "[2001:db8::2]:7", "2001:db8::1"},
		{"temporary", stack.Dialer{Prefer: srcselect.PreferTemporary}, "[2001:db8::2]:7", "2001:db8::7"},
		{"public by an interface", stack.Dialer{Prefer: srcselect.PreferPublic, Interface: "eth1"}, "[2001:db8:1::2]:7", "2001:db8:1::1"},
		{"a preference to itself", stack.Dialer{Prefer: srcselect.PreferPublic}, "[2001:db8::7]:7", "2001:db8::7"},
	} {
		for _, network := range []string{"tcp", "udp"} {
			t.Run(tt.name+"/"+network, func(t *testing.T) {
				if tt.name == "a preference to itself" {
					echoServer(t, a)
				}
				tt.d.Stack = a
				if got := dialEcho(t, tt.d, network, tt.dst); got.String() != tt.want {
					t.Errorf("spoke from %v, want %v", got, tt.want)
				}
			})
		}
	}
}

// TestDialerLocalPort: a port alone, and one with an address.
func TestDialerLocalPort(t *testing.T) {
	a, b, _, _ := pair(t)
	echoServer(t, b)
	for _, network := range []string{"tcp", "udp"} {
		for i, local := range []netip.AddrPort{
			netip.AddrPortFrom(netip.Addr{}, 5000),
			netip.MustParseAddrPort("0.0.0.0:5001"),
			netip.MustParseAddrPort("192.0.2.1:5002"),
		} {
			c, err := (&stack.Dialer{Stack: a, LocalAddr: local}).DialContext(t.Context(), network, "192.0.2.2:7")
			if err != nil {
				t.Errorf("%s from %v: %v", network, local, err)
				continue
			}
			defer c.Close()
			echoOver(t, c)
			if got, want := c.LocalAddr().String(), netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), 5000+uint16(i)).String(); got != want {
				t.Errorf("%s from %v spoke from %v", network, local, got)
			}
		}
	}
}

// TestDialOwn: traffic to the host's own addresses stays in it and carries them on both ends, skipped
// ones too, and an unspecified host means the host itself.
func TestDialOwn(t *testing.T) {
	a, _, ai, _ := pair(t)
	echoServer(t, a)
	if err := ai.AddAddresses([]stack.Address{skip("2001:db8::5/64"), plain("fe80::1/64")}); err != nil {
		t.Fatal(err)
	}
	before := ai.Counters().TxPackets
	for address, want := range map[string]string{
		"192.0.2.1:7":      "192.0.2.1",
		"[2001:db8::1]:7":  "2001:db8::1",
		"[2001:db8::5]:7":  "2001:db8::5",
		"[fe80::1%eth0]:7": "fe80::1%eth0",
		":7":               "2001:db8::1",
		"[::]:7":           "2001:db8::1",
		"0.0.0.0:7":        "192.0.2.1",
		"[::ffff:0:0]:7":   "192.0.2.1",
	} {
		for _, network := range []string{"tcp", "udp"} {
			if got := dialEcho(t, stack.Dialer{Stack: a}, network, address); got.String() != want {
				t.Errorf("%s to %s spoke from %v, want %v", network, address, got, want)
			}
		}
	}
	if n := ai.Counters().TxPackets - before; n != 0 {
		t.Errorf("%d packets left the host", n)
	}
	// Not the link's own address nor a skipped one, as long as there is a better one.
	l, _ := stack.Pipe(1500)
	many := newStack(t, stack.Config{})
	i := attach(t, many, "eth0", l)
	echoServer(t, many)
	for _, step := range []struct {
		add  stack.Address
		want string
	}{
		{skip("fe80::5/64"), "fe80::5%eth0"},
		{plain("fe80::1/64"), "fe80::1%eth0"},
		{skip("2001:db8::5/64"), "2001:db8::5"},
		{plain("2001:db8::1/64"), "2001:db8::1"},
		{plain("2001:db8::2/64"), "2001:db8::1"},
	} {
		if err := i.AddAddress(step.add); err != nil {
			t.Fatal(err)
		}
		if got := dialEcho(t, stack.Dialer{Stack: many}, "tcp", ":7"); got.String() != step.want {
			t.Errorf("with %v an empty host is %v, want %v", step.add.Prefix, got, step.want)
		}
	}
	empty := newStack(t, stack.Config{})
	if _, err := empty.DialContext(t.Context(), "tcp", ":7"); err == nil {
		t.Error("a host without addresses reached itself")
	}
}

// TestEphemeralPorts: RFC 6056 section 3.3.1: ports are not to be guessed from the last one.
func TestEphemeralPorts(t *testing.T) {
	a, b, _, _ := pair(t)
	echoServer(t, b)
	for _, network := range []string{"tcp", "udp"} {
		const n = 64
		var ports []int
		for range n {
			c, err := a.DialContext(t.Context(), network, "[2001:db8::2]:7")
			if err != nil {
				t.Fatal(err)
			}
			ports = append(ports, int(netip.MustParseAddrPort(c.LocalAddr().String()).Port()))
			c.Close()
		}
		near := 0
		for i := 1; i < n; i++ {
			if d := ports[i] - ports[i-1]; -100 < d && d < 100 {
				near++
			}
			if ports[i] < 16000 {
				t.Errorf("%s port %d", network, ports[i])
			}
		}
		// 200 of 49536 ports are near: 63 draws have more than 8 near ones less than once in 10^10.
		if near > 8 {
			t.Errorf("%d of %d %s ports are near the last one: %v", near, n, network, ports)
		}
	}
}
