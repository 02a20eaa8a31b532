package stack_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
)

// A link that breaks its contract and blocks in WritePackets, where the stack's locks are held, is
// freed by Detach.
func TestDetachFreesABlockedWrite(t *testing.T) {
	s := newStack(t, stack.Config{})
	writing, closed := make(chan struct{}, 100), make(chan struct{})
	i, err := s.Attach(stack.InterfaceConfig{Name: "eth0", Link: &brokenLink{
		mtu:   1500,
		read:  func([][]byte, []int) (int, error) { <-closed; return 0, net.ErrClosed },
		write: func([][]byte) (int, error) { writing <- struct{}{}; <-closed; return 0, net.ErrClosed },
		close: func() error { close(closed); return nil },
	}})
	if err != nil {
		t.Fatal(err)
	}
	adding := async(func() error { return i.AddAddress(plain("2001:db8::1/64")) })
	<-writing // the MLD report about its solicited-node group (RFC 3810 section 5.2)
	if err := within(t, async(i.Detach)); err != nil {
		t.Error(err)
	}
	within(t, adding)
	if addrs, _ := s.Addresses(); len(addrs) != 0 || len(s.Routes()) != 0 {
		t.Errorf("left behind: %v %v", addrs, s.Routes())
	}
}

// Whoever comes second waits for the first: when Close returns, no link is open.
func TestCloseWaitsForDetach(t *testing.T) {
	s := newStack(t, stack.Config{})
	closing, done := make(chan struct{}), make(chan struct{})
	i, err := s.Attach(stack.InterfaceConfig{Link: &brokenLink{
		mtu:   1500,
		read:  func([][]byte, []int) (int, error) { <-done; return 0, net.ErrClosed },
		write: func(bufs [][]byte) (int, error) { return len(bufs), nil },
		close: func() error { close(closing); <-done; return nil },
	}})
	if err != nil {
		t.Fatal(err)
	}
	first := async(i.Detach)
	<-closing
	others := []<-chan error{async(i.Detach), async(s.Close)}
	for range 1000 {
		runtime.Gosched()
	}
	for _, o := range others {
		select {
		case <-o:
			t.Error("it returned while the link was being closed")
		default:
		}
	}
	close(done)
	for _, c := range append(others, first) {
		if err := within(t, c); err != nil {
			t.Error(err)
		}
	}
}

// Close ends connections as far as that takes no time: a peer reads what was written, then EOF.
func TestCloseEndsConnections(t *testing.T) {
	a, b, _, _ := pair(t)
	client, server := dialPair(t, a, b, "tcp", "[2001:db8::2]:0")
	if _, err := client.Write([]byte("bye")); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	server.SetReadDeadline(time.Now().Add(30 * time.Second))
	if got, err := io.ReadAll(server); err != nil || string(got) != "bye" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestWaitAssignedEndsWithTheInterface(t *testing.T) {
	s := newStack(t, stack.Config{Clock: newSteppedClock()})
	fail := make(chan struct{})
	failing, err := s.Attach(stack.InterfaceConfig{Name: "failing", DAD: true, Link: &brokenLink{
		mtu: 1500, hw: net.HardwareAddr{2, 0, 0, 0, 0, 1},
		read:  func([][]byte, []int) (int, error) { <-fail; return 0, errors.New("cable on fire") },
		write: func(bufs [][]byte) (int, error) { return len(bufs), nil },
		close: func() error { return nil },
	}})
	if err != nil {
		t.Fatal(err)
	}
	l, _ := ethernet()
	detached, err := s.Attach(stack.InterfaceConfig{Name: "detached", DAD: true, Link: l})
	if err != nil {
		t.Fatal(err)
	}
	waitFailing := async(func() error { return failing.WaitAssigned(t.Context()) })
	waitDetached := async(func() error { return detached.WaitAssigned(t.Context()) })
	close(fail)
	if err := within(t, waitFailing); err == nil || !strings.Contains(err.Error(), "cable on fire") {
		t.Errorf("the link failed: %v", err)
	}
	detached.Detach()
	if err := within(t, waitDetached); !errors.Is(err, net.ErrClosed) {
		t.Errorf("detached: %v", err)
	}
	if err := detached.WaitAssigned(t.Context()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("detached long ago: %v", err)
	}
}

// logFunc is a slog.Handler that does something about every record.
type logFunc func(slog.Record)

func (f logFunc) Enabled(context.Context, slog.Level) bool      { return true }
func (f logFunc) Handle(_ context.Context, r slog.Record) error { f(r); return nil }
func (f logFunc) WithAttrs([]slog.Attr) slog.Handler            { return f }
func (f logFunc) WithGroup(string) slog.Handler                 { return f }

// A handler may answer a duplicate address with another.
func TestLoggerMayCallTheStack(t *testing.T) {
	la, lb := ethernet()
	b := newStack(t, stack.Config{})
	attach(t, b, "eth0", lb, plain("2001:db8::2/64"))
	var i *stack.Interface
	var once sync.Once
	answered := make(chan error, 1)
	a := newStack(t, stack.Config{Logger: slog.New(logFunc(func(slog.Record) {
		once.Do(func() { answered <- i.AddAddress(plain("2001:db8::3/64")) })
	}))})
	var err error
	if i, err = a.Attach(stack.InterfaceConfig{Link: la, DAD: true}); err != nil {
		t.Fatal(err)
	}
	if err := i.AddAddress(plain("2001:db8::2/64")); err != nil {
		t.Fatal(err)
	}
	if err := within(t, answered); err != nil {
		t.Error(err)
	}
	if err := i.RemoveAddress(netip.MustParseAddr("2001:db8::2")); err != nil {
		t.Error(err)
	}
	if err := i.WaitAssigned(t.Context()); err != nil {
		t.Error(err)
	}
}
