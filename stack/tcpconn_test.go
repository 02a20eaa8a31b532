package stack_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
)

func TestTCPHalfClose(t *testing.T) {
	a, b, _, _ := pair(t)
	client, server := dialPair(t, a, b, "tcp6", "[2001:db8::2]:0")
	defer client.Close()
	defer server.Close()

	if _, err := client.Write([]byte("question")); err != nil {
		t.Fatal(err)
	}
	if err := client.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got := readAll(t, server); got != "question" {
		t.Errorf("server read %q", got)
	}
	if n, err := server.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("read after FIN: %d, %v", n, err)
	}
	if _, err := client.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("write after CloseWrite: %v", err)
	}
	if _, err := server.Write([]byte("answer")); err != nil {
		t.Fatal(err)
	}
	server.Close()
	if got := readAll(t, client); got != "answer" {
		t.Errorf("client read %q", got)
	}
}

// TestTCPCloseRead: what has arrived stays readable, and who waits is woken.
func TestTCPCloseRead(t *testing.T) {
	a, b, _, _ := pair(t)
	client, server := dialPair(t, a, b, "tcp4", "192.0.2.2:0")
	defer client.Close()
	defer server.Close()

	waiting := async(func() error { _, err := client.Read(make([]byte, 1)); return err })
	if err := client.CloseRead(); err != nil {
		t.Fatal(err)
	}
	if err := within(t, waiting); err != io.EOF {
		t.Errorf("a read that waited: %v", err)
	}
	if _, err := client.Write([]byte("still open")); err != nil {
		t.Error(err)
	}
	b1 := make([]byte, 10)
	if _, err := io.ReadFull(server, b1); err != nil || string(b1) != "still open" {
		t.Errorf("server read %q, %v", b1, err)
	}
}

// TestTCPClosed: every call on a closed conn says so, and a zero-byte one too.
func TestTCPClosed(t *testing.T) {
	a, b, _, _ := pair(t)
	client, server := dialPair(t, a, b, "tcp", "[2001:db8::2]:0")
	defer server.Close()
	for _, size := range []int{0, 1} {
		if n, err := client.Write(make([]byte, size)); n != size || err != nil {
			t.Errorf("write of %d bytes: %d, %v", size, n, err)
		}
	}
	if n, err := client.Read(nil); n != 0 || err != nil {
		t.Errorf("read of no bytes: %d, %v", n, err)
	}
	local, remote := client.LocalAddr().String(), client.RemoteAddr().String()
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func() error{
		"Read":               func() error { _, err := client.Read(make([]byte, 1)); return err },
		"Read(nil)":          func() error { _, err := client.Read(nil); return err },
		"Write":              func() error { _, err := client.Write([]byte("x")); return err },
		"Write(nil)":         func() error { _, err := client.Write(nil); return err },
		"Close":              client.Close,
		"CloseRead":          client.CloseRead,
		"CloseWrite":         client.CloseWrite,
		"SetDeadline":        func() error { return client.SetDeadline(time.Time{}) },
		"SetReadDeadline":    func() error { return client.SetReadDeadline(time.Time{}) },
		"SetWriteDeadline":   func() error { return client.SetWriteDeadline(time.Time{}) },
		"SetNoDelay":         func() error { return client.SetNoDelay(true) },
		"SetKeepAlive":       func() error { return client.SetKeepAlive(true) },
		"SetKeepAlivePeriod": func() error { return client.SetKeepAlivePeriod(time.Minute) },
		"SetKeepAliveConfig": func() error { return client.SetKeepAliveConfig(net.KeepAliveConfig{}) },
		"SetLinger":          func() error { return client.SetLinger(0) },
		"SetReadBuffer":      func() error { return client.SetReadBuffer(1 << 16) },
		"SetWriteBuffer":     func() error { return client.SetWriteBuffer(1 << 16) },
	} {
		t.Run(name, func(t *testing.T) { wantClosed(t, call()) })
	}
	if client.LocalAddr().String() != local || client.RemoteAddr().String() != remote {
		t.Errorf("the addresses changed with Close: %v, %v", client.LocalAddr(), client.RemoteAddr())
	}
	if got := readAll(t, server); got != "\x00" {
		t.Errorf("the FIN brought %q", got)
	}
}

// TestTCPCloseUnblocks: Close wakes readers and writers, several of each.
func TestTCPCloseUnblocks(t *testing.T) {
	a, b, _, _ := pair(t)
	client, server := dialPair(t, a, b, "tcp4", "192.0.2.2:0")
	defer server.Close()
	var waits []<-chan error
	for range 3 {
		waits = append(waits,
			async(func() error { _, err := client.Read(make([]byte, 1)); return err }),
			async(func() error {
				for {
					if _, err := client.Write(make([]byte, 1<<20)); err != nil {
						return err
					}
				}
			}))
	}
	client.Close()
	for _, w := range waits {
		wantClosed(t, within(t, w))
	}
}

// TestTCPWritePartial: a write that its deadline ends says how much was queued, and exactly that
// arrives.
func TestTCPWritePartial(t *testing.T) {
	a, b, clock := steppedPair(t, false)
	client, server := dialPair(t, a, b, "tcp6", "[2001:db8::2]:0")
	defer client.Close()
	defer server.Close()
	for _, set := range []func(int) error{client.SetWriteBuffer, server.SetReadBuffer} {
		if err := set(64 << 10); err != nil {
			t.Fatal(err)
		}
	}
	data := make([]byte, 8<<20)
	rand.NewChaCha8([32]byte{1}).Read(data)

	const wait = 50 * time.Millisecond // shorter than a retransmission timeout
	client.SetWriteDeadline(clock.Now().Add(wait))
	type result struct {
		n   int
		err error
	}
	done := make(chan result, 1)
	go func() {
		n, err := client.Write(data)
		done <- result{n, err}
	}()
	clock.Advance(wait)
	r := <-done
	wantTimeout(t, r.err)
	if r.n >= len(data) {
		t.Fatalf("%d bytes were queued", r.n)
	}
	client.SetWriteDeadline(time.Time{})
	client.CloseWrite()
	if got := readAll(t, server); got != string(data[:r.n]) {
		t.Errorf("%d bytes arrived of %d that were queued, or others", len(got), r.n)
	}
}

// TestTCPConcurrentWrites: writes of several goroutines do not mix.
func TestTCPConcurrentWrites(t *testing.T) {
	a, b, _, _ := pair(t)
	client, server := dialPair(t, a, b, "tcp6", "[2001:db8::2]:0")
	defer server.Close()
	client.SetWriteBuffer(4 << 10) // so that each write is put off many times
	const size = 300_000
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			if _, err := client.Write(bytes.Repeat([]byte{'a' + byte(i)}, size)); err != nil {
				t.Error(err)
			}
		})
	}
	go func() { wg.Wait(); client.Close() }()
	got := readAll(t, server)
	if len(got) != 4*size {
		t.Fatalf("%d bytes arrived", len(got))
	}
	for i := range 4 {
		block := got[i*size : (i+1)*size]
		if strings.Trim(block, block[:1]) != "" {
			t.Errorf("block %d is of several writers", i)
		}
	}
}

// TestTCPReset: SetLinger(0) makes Close a reset, which the peer's calls report.
func TestTCPReset(t *testing.T) {
	a, b, _, _ := pair(t)
	client, server := dialPair(t, a, b, "tcp4", "192.0.2.2:0")
	defer server.Close()
	if err := client.SetLinger(0); err != nil {
		t.Fatal(err)
	}
	waiting := async(func() error { _, err := server.Read(make([]byte, 1)); return err })
	client.Close()
	if err := within(t, waiting); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("read: %v", err)
	}
	if _, err := server.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("write: %v", err)
	}
}

// TestTCPAddresses: both ends agree on the addresses, and a link-local one has its zone.
func TestTCPAddresses(t *testing.T) {
	a, b, ai, bi := pair(t)
	for _, add := range []error{ai.AddAddress(plain("fe80::1/64")), bi.AddAddress(plain("fe80::2/64"))} {
		if add != nil {
			t.Fatal(add)
		}
	}
	for _, tt := range []struct{ network, listen, client, server string }{
		{"tcp4", "192.0.2.2:80", "192.0.2.1", "192.0.2.2:80"},
		{"tcp6", "[2001:db8::2]:80", "2001:db8::1", "[2001:db8::2]:80"},
		{"tcp", "[fe80::2%eth0]:80", "fe80::1%eth0", "[fe80::2%eth0]:80"},
	} {
		t.Run(tt.listen, func(t *testing.T) {
			client, server := dialPair(t, a, b, tt.network, tt.listen)
			defer client.Close()
			defer server.Close()
			from := netip.MustParseAddrPort(client.LocalAddr().String())
			if from.Addr().String() != tt.client || from.Port() < 1024 {
				t.Errorf("the client is %v", from)
			}
			for got, want := range map[net.Addr]string{
				client.RemoteAddr(): tt.server,
				server.LocalAddr():  tt.server,
				server.RemoteAddr(): from.String(),
			} {
				if got.String() != want || got.Network() != "tcp" {
					t.Errorf("got %v, want %v", got, want)
				}
				if a := got.(*net.TCPAddr).AddrPort().Addr(); a.Is4In6() {
					t.Errorf("%v is IPv4-mapped", got)
				}
			}
		})
	}
}

// TestAcceptSkipsReset: a connection that was reset while it waited is no obstacle.
func TestAcceptSkipsReset(t *testing.T) {
	a, b, _, _ := pair(t)
	l, err := b.Listen(t.Context(), "tcp", ":7")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	first, err := a.DialContext(t.Context(), "tcp", "192.0.2.2:7")
	if err != nil {
		t.Fatal(err)
	}
	first.(*stack.TCPConn).SetLinger(0)
	first.Close()
	second, err := a.DialContext(t.Context(), "tcp", "192.0.2.2:7")
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	for {
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if c.RemoteAddr().String() == second.LocalAddr().String() {
			break // the reset may have been accepted before it arrived
		}
	}
}
