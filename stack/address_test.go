package stack_test

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"

	"github.com/hextet/hextet/srcselect"
	"github.com/hextet/hextet/stack"
)

// source returns what s would send from towards dst.
func source(t *testing.T, s *stack.Stack, dst string) string {
	t.Helper()
	ex, err := s.Explain(netip.MustParseAddr(dst))
	if err != nil {
		t.Fatalf("Explain(%s): %v", dst, err)
	}
	for _, c := range ex.Candidates {
		if c.Chosen {
			return c.Address.Prefix.Addr().String()
		}
	}
	t.Fatalf("nothing chosen:\n%v", ex)
	return ""
}

func TestAddAddressRefuses(t *testing.T) {
	s := newStack(t, stack.Config{})
	l, _ := stack.Pipe(1500)
	i := attach(t, s, "eth0", l, plain("2001:db8::1/64"), plain("192.0.2.1/24"))
	for _, tt := range []struct {
		name  string
		addrs []stack.Address
		errno syscall.Errno
		text  string
	}{
		{"zero", []stack.Address{{}}, syscall.EINVAL, "not valid"},
		{"unspecified", []stack.Address{plain("::/64")}, syscall.EINVAL, "unspecified"},
		{"multicast", []stack.Address{plain("ff02::1/128")}, syscall.EINVAL, "multicast"},
		{"multicast IPv4", []stack.Address{plain("224.0.0.1/32")}, syscall.EINVAL, "multicast"},
		{"loopback", []stack.Address{plain("::1/128")}, syscall.EINVAL, "loopback"},
		{"loopback IPv4", []stack.Address{plain("127.0.0.1/8")}, syscall.EINVAL, "127.0.0.1/8: a loopback"},
		{"mapped", []stack.Address{plain("::ffff:192.0.2.9/120")}, syscall.EINVAL, "IPv4-mapped"},
		{"broadcast", []stack.Address{plain("192.0.2.255/24")}, syscall.EINVAL, "broadcast"},
		{"limited broadcast", []stack.Address{plain("255.255.255.255/32")}, syscall.EINVAL, "broadcast"},
		{"assigned already", []stack.Address{plain("2001:db8::1/64")}, syscall.EEXIST, "eth0"},
		{"assigned already, other length", []stack.Address{plain("2001:db8::1/48")}, syscall.EEXIST, "2001:db8::1/48"},
		{"twice in one call", []stack.Address{plain("2001:db8::7/64"), plain("2001:db8::7/64")}, syscall.EEXIST, "2001:db8::7"},
		{"one bad of three", []stack.Address{plain("2001:db8::8/64"), plain("ff05::1/128"), plain("2001:db8::9/64")}, syscall.EINVAL, "ff05::1"},
		{"negative lifetime", []stack.Address{{Prefix: netip.MustParsePrefix("2001:db8::8/64"), Valid: -1}}, syscall.EINVAL, "negative"},
		{"preferred past valid", []stack.Address{{Prefix: netip.MustParsePrefix("2001:db8::8/64"), Valid: 1, Preferred: 2}}, syscall.EINVAL, "preferred"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before, routes := len(i.Addresses()), len(s.Routes())
			err := i.AddAddresses(tt.addrs)
			if !errors.Is(err, tt.errno) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("error %v, want %v with %q", err, tt.errno, tt.text)
			}
			cands, _ := s.Addresses()
			if got := len(i.Addresses()); got != before || len(cands) != before || len(s.Routes()) != routes {
				t.Errorf("half applied: %d addresses, %d candidates, %d routes; want %d, %d, %d", got, len(cands), len(s.Routes()), before, before, routes)
			}
		})
	}
}

func TestSkipAsSourceIsLive(t *testing.T) {
	a, _, i, _ := pair(t)
	if err := i.AddAddresses([]stack.Address{plain("2001:db8::3/64"), plain("192.0.2.3/24")}); err != nil {
		t.Fatal(err)
	}
	for _, f := range []struct{ dst, first, second string }{
		{"2001:db8::2", "2001:db8::1", "2001:db8::3"},
		{"192.0.2.2", "192.0.2.1", "192.0.2.3"},
	} {
		if got := source(t, a, f.dst); got != f.first {
			t.Errorf("before: %s, want %s", got, f.first)
		}
		_, changed := a.Addresses()
		if err := i.SetSkipAsSource(netip.MustParseAddr(f.first), true); err != nil {
			t.Fatal(err)
		}
		select {
		case <-changed:
		default:
			t.Error("the change was not announced")
		}
		if got := source(t, a, f.dst); got != f.second {
			t.Errorf("skipped: %s, want %s", got, f.second)
		}
		i.SetSkipAsSource(netip.MustParseAddr(f.second), true)
		ex, err := a.Explain(netip.MustParseAddr(f.dst))
		if !errors.Is(err, srcselect.ErrNoSource) {
			t.Errorf("all skipped: %v, %v", ex, err)
		}
		i.SetSkipAsSource(netip.MustParseAddr(f.first), false)
		if got := source(t, a, f.dst); got != f.first {
			t.Errorf("after: %s, want %s", got, f.first)
		}
	}
	if err := i.SetSkipAsSource(netip.MustParseAddr("2001:db8::99"), true); !errors.Is(err, syscall.EADDRNOTAVAIL) {
		t.Errorf("unknown address: %v", err)
	}
}

func TestRemoveAddress(t *testing.T) {
	a, _, i, _ := pair(t)
	addr := netip.MustParseAddr("2001:db8::1")
	if err := i.RemoveAddress(addr); err != nil {
		t.Fatal(err)
	}
	if err := i.RemoveAddress(addr); !errors.Is(err, syscall.EADDRNOTAVAIL) {
		t.Errorf("a second time: %v", err)
	}
	if _, err := a.Explain(netip.MustParseAddr("2001:db8::2")); !errors.Is(err, syscall.ENETUNREACH) {
		t.Errorf("the connected route is still there: %v", err)
	}
	if err := i.AddAddress(plain("2001:db8::1/64")); err != nil {
		t.Errorf("adding it again: %v", err)
	}
	if got := source(t, a, "2001:db8::2"); got != "2001:db8::1" {
		t.Errorf("source %s", got)
	}
}

func TestOwnAddressAsDestination(t *testing.T) {
	a, _, i, _ := pair(t)
	if err := i.AddAddress(skip("2001:db8::5/64")); err != nil {
		t.Fatal(err)
	}
	if got := source(t, a, "2001:db8::5"); got != "2001:db8::5" {
		t.Errorf("towards an own, skipped address: %s; traffic inside the host carries it on both ends", got)
	}
}

func TestDetach(t *testing.T) {
	a, _, i, _ := pair(t)
	if err := i.Detach(); err != nil {
		t.Fatal(err)
	}
	if err := i.Detach(); err != nil {
		t.Errorf("a second time: %v", err)
	}
	addrs, _ := a.Addresses()
	if len(a.Interfaces()) != 0 || len(addrs) != 0 || len(a.Routes()) != 0 {
		t.Errorf("left behind: %v %v %v", a.Interfaces(), addrs, a.Routes())
	}
	if err := i.AddAddress(plain("2001:db8::9/64")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("AddAddress on a detached interface: %v", err)
	}
	l, _ := stack.Pipe(1500)
	if again := attach(t, a, "eth0", l); again.Index() <= i.Index() {
		t.Errorf("index %d after %d", again.Index(), i.Index())
	}
}
