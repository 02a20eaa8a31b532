package stack_test

import (
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
	"go.uber.org/goleak"
)

// newStack returns a host that is closed with the test.
func newStack(t testing.TB, cfg stack.Config) *stack.Stack {
	t.Helper()
	s, err := stack.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

// attach gives s an interface on l with addresses, each written as a prefix and optional flags.
func attach(t testing.TB, s *stack.Stack, name string, l stack.Link, addrs ...stack.Address) *stack.Interface {
	t.Helper()
	i, err := s.Attach(stack.InterfaceConfig{Name: name, Link: l})
	if err != nil {
		t.Fatal(err)
	}
	if err := i.AddAddresses(addrs); err != nil {
		t.Fatal(err)
	}
	return i
}

// plain is an address without flags, and skip one that is never chosen.
func plain(prefix string) stack.Address {
	return stack.Address{Prefix: netip.MustParsePrefix(prefix)}
}

func skip(prefix string) stack.Address {
	return stack.Address{Prefix: netip.MustParsePrefix(prefix), SkipAsSource: true}
}

// pair returns two hosts on a wire, both with an interface "eth0".
func pair(t testing.TB) (a, b *stack.Stack, ai, bi *stack.Interface) {
	t.Helper()
	la, lb := stack.Pipe(1500)
	a, b = newStack(t, stack.Config{}), newStack(t, stack.Config{})
	ai = attach(t, a, "eth0", la, plain("2001:db8::1/64"), plain("192.0.2.1/24"))
	bi = attach(t, b, "eth0", lb, plain("2001:db8::2/64"), plain("192.0.2.2/24"))
	return a, b, ai, bi
}

// eventually waits for what another goroutine is about to do.
func eventually(t testing.TB, done func() bool) {
	t.Helper()
	for limit := time.Now().Add(30 * time.Second); !done(); runtime.Gosched() {
		if time.Now().After(limit) {
			t.Fatal("it did not happen")
		}
	}
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
