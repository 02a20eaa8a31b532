package stack_test

import (
	"net"
	"testing"

	"github.com/hextet/hextet/stack"
	"golang.org/x/net/nettest"
)

// dialPair connects from one stack to a listener on another, or on the same one, and returns both
// ends.
func dialPair(t testing.TB, from, to *stack.Stack, network, address string) (client, server *stack.TCPConn) {
	t.Helper()
	l, err := to.Listen(t.Context(), network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := from.DialContext(t.Context(), network, l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return c.(*stack.TCPConn), s.(*stack.TCPConn)
}

// TestConn is golang.org/x/net's exam for net.Conn.
func TestConn(t *testing.T) {
	for _, tt := range []struct {
		name, network, address string
		same, ethernet         bool
	}{
		{"tcp4", "tcp4", "192.0.2.2:0", false, false},
		{"tcp6", "tcp6", "[2001:db8::2]:0", false, false},
		{"tcp4 to itself", "tcp4", "192.0.2.2:0", true, false},
		{"tcp6 to itself", "tcp6", "[2001:db8::2]:0", true, false},
		{"tcp4 over Ethernet", "tcp4", "192.0.2.2:0", false, true},
		{"link-local over Ethernet", "tcp6", "[fe80::ff:fe00:2%eth0]:0", false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			la, lb := stack.Pipe(1500)
			if tt.ethernet {
				la, lb = ethernet()
			}
			a, b := newStack(t, stack.Config{}), newStack(t, stack.Config{})
			attach(t, a, "eth0", la, plain("2001:db8::1/64"), plain("192.0.2.1/24"))
			attach(t, b, "eth0", lb, plain("2001:db8::2/64"), plain("192.0.2.2/24"))
			if tt.same {
				a = b
			}
			nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
				client, server := dialPair(t, a, b, tt.network, tt.address)
				return client, server, func() { client.Close(); server.Close() }, nil
			})
		})
	}
}
