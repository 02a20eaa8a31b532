package stack_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/hextet/hextet/stack"
	"go.uber.org/goleak"
)

// TestStackCloseWithConns: Close ends everything that is open, wakes everyone who waits, and leaves no
// goroutine.
func TestStackCloseWithConns(t *testing.T) {
	la, lb := stack.Pipe(1500)
	a, b := newStack(t, stack.Config{}), newStack(t, stack.Config{})
	attach(t, a, "eth0", la, plain("2001:db8::1/64"), plain("192.0.2.1/24"))
	attach(t, b, "eth0", lb, plain("2001:db8::2/64"), plain("192.0.2.2/24"))
	before := goleak.IgnoreCurrent() // the stacks' own, which Close ends too

	var waits []<-chan error
	wait := func(f func() error) { waits = append(waits, async(f)) }
	var closers []io.Closer
	for _, network := range []string{"4", "6"} {
		address := map[string]string{"4": "192.0.2.2:0", "6": "[2001:db8::2]:0"}[network]
		client, server := dialPair(t, a, b, "tcp"+network, address)
		l, err := b.Listen(t.Context(), "tcp"+network, ":80")
		if err != nil {
			t.Fatal(err)
		}
		u := listenUDP(t, b, "udp"+network, ":80")
		for _, c := range []net.Conn{client, u} { // the server never reads, so that the client's writes wait
			wait(func() error { _, err := c.Read(make([]byte, 1)); return err })
		}
		wait(func() error {
			for {
				if _, err := client.Write(make([]byte, 1<<20)); err != nil {
					return err
				}
			}
		})
		wait(func() error { _, err := l.Accept(); return err })
		closers = append(closers, client, server, l, u)
	}
	// Connections nobody accepts, one that is refused, one that nobody answers, and one half closed.
	backlog, err := b.Listen(t.Context(), "tcp", ":81")
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		c, err := a.DialContext(t.Context(), "tcp", "192.0.2.2:81")
		if err != nil {
			t.Fatal(err)
		}
		closers = append(closers, c)
	}
	wait(func() error { _, err := a.DialContext(t.Context(), "tcp", nobody); return err })
	half, rest := dialPair(t, a, b, "tcp", "192.0.2.2:0")
	half.CloseWrite()
	if got := readAll(t, rest); got != "" {
		t.Errorf("read %q", got)
	}
	wait(func() error { _, err := half.Read(make([]byte, 1)); return err })
	closers = append(closers, backlog, half, rest)

	for _, s := range []*stack.Stack{a, b} {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if n := s.OpenConns(); n != 0 {
			t.Errorf("%d conns are left", n)
		}
	}
	for _, w := range waits {
		wantClosed(t, within(t, w))
	}
	for _, c := range closers {
		wantClosed(t, c.Close())
	}
	goleak.VerifyNone(t, before)
}

// TestHTTP: net/http serves and asks over two stacks, with keep-alive and several requests at once.
func TestHTTP(t *testing.T) {
	a, b, _, _ := pair(t)
	l, err := b.Listen(t.Context(), "tcp", ":80")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, strings.Repeat(r.URL.Path, 10_000))
	})}
	served := async(func() error { return server.Serve(l) })
	transport := &http.Transport{DialContext: a.DialContext}
	client := &http.Client{Transport: transport}

	var gets []<-chan error
	for _, host := range []string{"192.0.2.2", "[2001:db8::2]"} {
		for range 4 {
			gets = append(gets, async(func() error {
				for range 5 {
					resp, err := client.Get("http://" + host + "/path")
					if err != nil {
						return err
					}
					body, err := io.ReadAll(resp.Body)
					resp.Body.Close()
					if err != nil {
						return err
					}
					if string(body) != strings.Repeat("/path", 10_000) {
						t.Errorf("%d bytes, or others", len(body))
					}
				}
				return nil
			}))
		}
	}
	for _, g := range gets {
		if err := within(t, g); err != nil {
			t.Error(err)
		}
	}
	transport.CloseIdleConnections()
	if err := server.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := within(t, served); err != http.ErrServerClosed {
		t.Error(err)
	}
}
