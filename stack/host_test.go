package stack_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
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

// deadline is a context for the whole of a test against a peer.
func deadline(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, errors.New("the peer did not answer within a minute"))
	t.Cleanup(cancel)
	return ctx
}

// transfer sends a megabyte each way, half-closes and compares.
func transfer(t *testing.T, a, b net.Conn) {
	t.Helper()
	defer a.Close()
	defer b.Close()
	data := bytes.Repeat([]byte("hextet\x00\xff"), 1<<17)
	done := make(chan error, 4)
	for _, dir := range [][2]net.Conn{{a, b}, {b, a}} {
		from, to := dir[0], dir[1]
		from.SetDeadline(time.Now().Add(30 * time.Second))
		go func() {
			_, err := from.Write(data)
			if err == nil {
				err = from.(interface{ CloseWrite() error }).CloseWrite()
			}
			done <- err
		}()
		go func() {
			got, err := io.ReadAll(to)
			if err == nil && !bytes.Equal(got, data) {
				err = fmt.Errorf("%d bytes came, which are not the %d sent", len(got), len(data))
			}
			done <- err
		}()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
