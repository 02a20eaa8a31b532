package icmp6

import (
	"net"
	"testing"
	"time"

	"github.com/hextet/hextet/internal/peertest"
)

func TestDropEarly(t *testing.T) {
	peertest.EnterNetns(t)
	// The kernel goes from socket to socket, in the order in which they were opened or in reverse:
	// what both neighbours have, the one in the middle has too.
	var conns [3]*net.IPConn
	for i := range conns {
		c, err := net.ListenIP("ip6:253", &net.IPAddr{IP: net.IPv6loopback})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		conns[i] = c
	}
	c := conns[1]
	send := func(text string) {
		t.Helper()
		if _, err := c.WriteTo([]byte(text), c.LocalAddr()); err != nil {
			t.Fatal(err)
		}
	}
	receive := func(c net.PacketConn, want string) {
		t.Helper()
		b := make([]byte, 99)
		if n, _, err := c.ReadFrom(b); err != nil || string(b[:n]) != want {
			t.Fatalf("%q, %v, want %q", b[:n], err, want)
		}
	}
	if err := dropEarly(c); err != nil {
		t.Error("nothing there:", err)
	}
	for _, early := range []string{"early", "", "late"} {
		send(early)
		receive(conns[0], early)
		receive(conns[2], early)
	}
	if err := dropEarly(c); err != nil {
		t.Error(err)
	}
	send("due")
	receive(c, "due")
}
