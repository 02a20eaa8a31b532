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
		same                   bool
	}{
		{"tcp4", "tcp4", "192.0.2.2:0", false},
		{"tcp6", "tcp6", "[2001:db8::2]:0", false},
		{"tcp4 to itself", "tcp4", "192.0.2.2:0", true},
		{"tcp6 to itself", "tcp6", "[2001:db8::2]:0", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, b, _, _ := pair(t)
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
