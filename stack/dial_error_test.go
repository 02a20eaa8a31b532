package stack_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hextet/hextet/srcselect"
	"github.com/hextet/hextet/stack"
)

// wantOpError checks that err is a *net.OpError of op in which errors.Is finds all of wants.
func wantOpError(t *testing.T, err error, op string, wants ...error) {
	t.Helper()
	var oe *net.OpError
	if !errors.As(err, &oe) || oe.Op != op {
		t.Errorf("got %v (%T), want a *net.OpError of %s", err, err, op)
		return
	}
	for _, want := range wants {
		if !errors.Is(err, want) {
			t.Errorf("errors.Is does not find %q in %q", want, err)
		}
	}
}

func TestDialErrors(t *testing.T) {
	a, _, ai, _ := pair(t)
	if err := ai.AddAddress(plain("fe80::1/64")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, network, address string
		want                   error
		text                   string // of the error
	}{
		{"refused", "tcp", "192.0.2.2:9", syscall.ECONNREFUSED, "dial tcp 192.0.2.2:9: connect: connection refused"},
		{"refused", "tcp6", "[2001:db8::2]:9", syscall.ECONNREFUSED, "dial tcp6 [2001:db8::2]:9: connect: connection refused"},
		{"refused by itself", "tcp", "192.0.2.1:9", syscall.ECONNREFUSED, "192.0.2.1:9"},
		{"no route", "tcp", "203.0.113.1:80", syscall.ENETUNREACH, "dial tcp 203.0.113.1:80: connect: network is unreachable"},
		{"no route", "tcp", "[2001:db8:1::1]:80", syscall.ENETUNREACH, "[2001:db8:1::1]:80"},
		{"no route", "udp", "203.0.113.1:80", syscall.ENETUNREACH, "dial udp 203.0.113.1:80"},
		{"link-local without a zone", "tcp", "[fe80::2]:80", syscall.EINVAL, "needs the zone"},
		{"unknown zone", "tcp", "[fe80::2%eth7]:80", syscall.ENODEV, `"eth7"`},
		{"unknown zone of a global address", "udp", "[2001:db8::2%eth7]:80", syscall.ENODEV, `"eth7"`},
		{"IPv6 on tcp4", "tcp4", "[2001:db8::2]:80", syscall.EAFNOSUPPORT, "2001:db8::2 is not an IPv4 address"},
		{"IPv4 on udp6", "udp6", "192.0.2.2:80", syscall.EAFNOSUPPORT, "192.0.2.2 is not an IPv6 address"},
		{"port 0", "tcp", "192.0.2.2:0", syscall.EINVAL, "port 0"},
		{"no port", "udp", "192.0.2.2:", syscall.EINVAL, "port 0"},
		{"port 65536", "tcp", "192.0.2.2:65536", nil, "invalid port"},
		{"port -1", "tcp", "192.0.2.2:-1", nil, "invalid port"},
		{"unknown service", "tcp", "192.0.2.2:no-such-service", nil, "no-such-service"},
		{"port missing", "tcp", "192.0.2.2", nil, "missing port in address"},
		{"too many colons", "tcp", "2001:db8::2:80", nil, "too many colons"},
		{"a name, but no server", "tcp", "www.example.org:80", nil, "Config.Nameservers is empty"},
		{"unknown network", "tcp5", "192.0.2.2:80", net.UnknownNetworkError("tcp5"), "unknown network tcp5"},
		{"no network", "", "192.0.2.2:80", net.UnknownNetworkError(""), "unknown network"},
		{"raw", "ip6:ipv6-icmp", "2001:db8::2", net.UnknownNetworkError("ip6:ipv6-icmp"), "ip6:ipv6-icmp"},
	} {
		t.Run(tt.name+" "+tt.address, func(t *testing.T) {
			c, err := a.DialContext(t.Context(), tt.network, tt.address)
			if err == nil {
				c.Close()
				t.Fatal("no error")
			}
			wantOpError(t, err, "dial")
			if tt.want != nil {
				wantOpError(t, err, "dial", tt.want)
			}
			if !strings.Contains(err.Error(), tt.text) {
				t.Errorf("%q does not say %q", err, tt.text)
			}
			if c != nil {
				t.Errorf("a conn (%T) came with the error", c)
			}
		})
	}
	if n := a.OpenConns(); n != 0 {
		t.Errorf("%d conns are left open", n)
	}
}

// TestDialerErrors: choices that can't be met.
func TestDialerErrors(t *testing.T) {
	a, _, ai, _ := pair(t)
	la, _ := stack.Pipe(1500)
	attach(t, a, "eth1", la, plain("198.51.100.1/24"))
	if err := ai.AddAddress(plain("fe80::1/64")); err != nil {
		t.Fatal(err)
	}
	ap := netip.MustParseAddrPort
	for _, tt := range []struct {
		name, address string
		d             stack.Dialer
		want          error
		text          string
	}{
		{"no stack", "192.0.2.2:9", stack.Dialer{}, syscall.EINVAL, "Dialer.Stack is nil"},
		{"not assigned", "192.0.2.2:9", stack.Dialer{Stack: a, LocalAddr: ap("192.0.2.7:0")}, syscall.EADDRNOTAVAIL, "192.0.2.7 is not assigned"},
		{"not assigned", "[2001:db8::2]:9", stack.Dialer{Stack: a, LocalAddr: ap("[2001:db8::7]:0")}, syscall.EADDRNOTAVAIL, "2001:db8::7 is not assigned"},
		{"other family", "192.0.2.2:9", stack.Dialer{Stack: a, LocalAddr: ap("[2001:db8::1]:0")}, syscall.EAFNOSUPPORT, "2001:db8::1 is of another family than 192.0.2.2"},
		{"other family", "[2001:db8::2]:9", stack.Dialer{Stack: a, LocalAddr: ap("192.0.2.1:0")}, syscall.EAFNOSUPPORT, "192.0.2.1 is of another family"},
		{"other interface", "192.0.2.2:9", stack.Dialer{Stack: a, LocalAddr: ap("192.0.2.1:0"), Interface: "eth1"}, syscall.EADDRNOTAVAIL, `192.0.2.1 is not assigned on interface "eth1"`},
		{"zone of another interface", "[fe80::2%eth0]:9", stack.Dialer{Stack: a, LocalAddr: ap("[fe80::1%eth1]:0")}, syscall.EADDRNOTAVAIL, "fe80::1%eth1"},
		{"strong host", "192.0.2.2:9", stack.Dialer{Stack: a, LocalAddr: ap("198.51.100.1:0")}, syscall.ENETUNREACH, "198.51.100.1:0->192.0.2.2:9"},
		{"no route there", "192.0.2.2:9", stack.Dialer{Stack: a, Interface: "eth1"}, syscall.ENETUNREACH, `no route to 192.0.2.2 by interface "eth1"`},
		{"unknown interface", "192.0.2.2:9", stack.Dialer{Stack: a, Interface: "eth7"}, syscall.ENODEV, `no interface "eth7"`},
		{"zone and interface", "[fe80::2%eth0]:9", stack.Dialer{Stack: a, Interface: "eth1"}, syscall.EINVAL, `zone "eth0" is not interface "eth1"`},
		{"contradiction", "[2001:db8::2]:9", stack.Dialer{Stack: a, Prefer: srcselect.PreferTemporary | srcselect.PreferPublic}, srcselect.ErrInvalid, "contradict"},
	} {
		t.Run(tt.name+" "+tt.address, func(t *testing.T) {
			for _, network := range []string{"tcp", "udp"} {
				c, err := tt.d.DialContext(t.Context(), network, tt.address)
				if err == nil {
					c.Close()
					t.Fatal("no error")
				}
				wantOpError(t, err, "dial", tt.want)
				if !strings.Contains(err.Error(), tt.text) {
					t.Errorf("%q does not say %q", err, tt.text)
				}
			}
		})
	}
	if n := a.OpenConns(); n != 0 {
		t.Errorf("%d conns are left open", n)
	}
}

// TestDialNoSource: routes without an address that may speak are told from no routes.
func TestDialNoSource(t *testing.T) {
	la, lb := stack.Pipe(1500)
	a, b := newStack(t, stack.Config{}), newStack(t, stack.Config{})
	attach(t, a, "eth0", la, skip("2001:db8::1/64"), skip("2001:db8::5/64"), skip("192.0.2.1/24"))
	attach(t, b, "eth0", lb, plain("2001:db8::2/64"), plain("192.0.2.2/24"))
	for address, names := range map[string][]string{
		"[2001:db8::2]:9": {"2001:db8::1", "2001:db8::5"},
		"192.0.2.2:9":     {"192.0.2.1"},
	} {
		dial := func(network string) error {
			_, err := a.DialContext(t.Context(), network, address)
			return err
		}
		write := func() error {
			_, err := listenUDP(t, a, "udp", ":0").WriteTo([]byte("x"), udpAddr(address))
			return err
		}
		prefer := func() error {
			d := stack.Dialer{Stack: a, Prefer: srcselect.PreferPublic}
			_, err := d.DialContext(t.Context(), "tcp", address)
			return err
		}
		for op, err := range map[string]error{"tcp": dial("tcp"), "udp": dial("udp"), "write": write(), "prefer": prefer()} {
			t.Run(op+" "+address, func(t *testing.T) {
				want := "dial"
				if op == "write" {
					want = "write"
				}
				wantOpError(t, err, want, syscall.EADDRNOTAVAIL, srcselect.ErrNoSource)
				for _, name := range append(names, "skip-as-source") {
					if err != nil && !strings.Contains(err.Error(), name) {
						t.Errorf("%q does not name %s", err, name)
					}
				}
			})
		}
	}
	// With no route, a missing source is not the reason.
	if err := a.SourceError(netip.MustParseAddr("203.0.113.1"), syscall.ENETUNREACH); err != syscall.ENETUNREACH {
		t.Errorf("without a route: %v", err)
	}
	if err := a.SourceError(netip.MustParseAddr("192.0.2.2"), syscall.ECONNREFUSED); err != syscall.ECONNREFUSED {
		t.Errorf("another error: %v", err)
	}
	if err := b.SourceError(netip.MustParseAddr("192.0.2.1"), syscall.EHOSTUNREACH); err != syscall.EHOSTUNREACH {
		t.Errorf("with a source: %v", err)
	}
}

// TestDialTentative: an address whose duplicate address detection has not ended is not spoken from.
func TestDialTentative(t *testing.T) {
	la, _ := ethernet()
	a := newStack(t, stack.Config{Clock: newSteppedClock()}) // which nobody moves
	i, err := a.Attach(stack.InterfaceConfig{Name: "eth0", Link: la, DAD: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := i.AddAddress(plain("2001:db8::1/64")); err != nil {
		t.Fatal(err)
	}
	d := stack.Dialer{Stack: a, LocalAddr: netip.MustParseAddrPort("[2001:db8::1]:0")}
	_, err = d.DialContext(t.Context(), "tcp", "[2001:db8::2]:9")
	wantOpError(t, err, "dial", syscall.EADDRNOTAVAIL)
	if !strings.Contains(err.Error(), "not assigned yet") {
		t.Errorf("%v", err)
	}
	_, err = a.DialContext(t.Context(), "tcp", "[2001:db8::2]:9")
	wantOpError(t, err, "dial", syscall.EADDRNOTAVAIL, srcselect.ErrNoSource)
}

// nobody is on the link, but no host has it.
const nobody = "192.0.2.99:80"

func TestDialContextEnds(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	expired, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer cancel()
	soon, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()

	a, _, ai, _ := pair(t)
	for _, tt := range []struct {
		name    string
		ctx     context.Context
		want    error
		timeout bool
	}{
		{"cancelled before", cancelled, context.Canceled, false},
		{"expired before", expired, context.DeadlineExceeded, true},
		{"expires during", soon, context.DeadlineExceeded, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := a.DialContext(tt.ctx, "tcp", nobody)
			wantOpError(t, err, "dial", tt.want)
			var ne net.Error
			if !errors.As(err, &ne) || ne.Timeout() != tt.timeout {
				t.Errorf("Timeout of %v is not %v", err, tt.timeout)
			}
		})
	}
	t.Run("cancelled during", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		before := ai.Counters().TxPackets
		dial := async(func() error { _, err := a.DialContext(ctx, "tcp", nobody); return err })
		eventually(t, func() bool { return ai.Counters().TxPackets > before }) // the SYN
		cancel()
		wantOpError(t, within(t, dial), "dial", context.Canceled)
	})
	t.Run("stack closed during", func(t *testing.T) {
		before := ai.Counters().TxPackets
		dial := async(func() error { _, err := a.DialContext(t.Context(), "tcp", nobody); return err })
		eventually(t, func() bool { return ai.Counters().TxPackets > before })
		a.Close()
		wantOpError(t, within(t, dial), "dial", net.ErrClosed)
	})
	t.Run("stack closed before", func(t *testing.T) {
		for _, network := range []string{"tcp", "udp"} {
			_, err := a.DialContext(t.Context(), network, nobody)
			wantOpError(t, err, "dial", net.ErrClosed)
		}
	})
	if n := a.OpenConns(); n != 0 {
		t.Errorf("%d conns are left open", n)
	}
}

// TestDialTimesOutByTheClock: nobody answers for two minutes of the stack's time.
func TestDialTimesOutByTheClock(t *testing.T) {
	a, _, clock := steppedPair(t, false)
	start := clock.Now()
	dial := async(func() error { _, err := a.DialContext(t.Context(), "tcp", nobody); return err })
	eventually(t, func() bool {
		clock.Advance(time.Second)
		return len(dial) > 0
	})
	err := within(t, dial)
	wantOpError(t, err, "dial", syscall.ETIMEDOUT)
	var ne net.Error
	if !errors.As(err, &ne) || !ne.Timeout() {
		t.Errorf("%v is no timeout", err)
	}
	if took := clock.Now().Sub(start); took < time.Minute {
		t.Errorf("it took %v", took)
	}
}
