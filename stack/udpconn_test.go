package stack_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
)

// listenUDP opens a UDP socket that is closed with the test.
func listenUDP(t testing.TB, s *stack.Stack, network, address string) *stack.UDPConn {
	t.Helper()
	c, err := s.ListenPacket(t.Context(), network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(*stack.UDPConn)
}

func dialUDP(t testing.TB, s *stack.Stack, address string) *stack.UDPConn {
	t.Helper()
	c, err := s.DialContext(t.Context(), "udp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(*stack.UDPConn)
}

func port(a net.Addr) uint16 { return netip.MustParseAddrPort(a.String()).Port() }

// TestUDPConnected: a dialled socket hears its peer only, and says so to those who misuse it.
func TestUDPConnected(t *testing.T) {
	a, b, _, _ := pair(t)
	server := listenUDP(t, b, "udp", "[2001:db8::2]:53")
	stranger := listenUDP(t, b, "udp", "[2001:db8::2]:54")
	client := dialUDP(t, a, "[2001:db8::2]:53")

	if client.RemoteAddr().String() != "[2001:db8::2]:53" || server.RemoteAddr() != nil {
		t.Errorf("remote addresses %v and %v", client.RemoteAddr(), server.RemoteAddr())
	}
	stranger.WriteTo([]byte("forged"), client.LocalAddr())
	if _, err := server.WriteTo([]byte("answer"), client.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 20)
	if n, err := client.Read(buf); err != nil || string(buf[:n]) != "answer" {
		t.Errorf("read %q, %v", buf[:n], err)
	}
	if n, err := client.Read(nil); n != 0 || err != nil { // consumes nothing: there is nothing
		t.Errorf("read of no bytes: %d, %v", n, err)
	}
	if _, err := client.WriteTo([]byte("x"), server.LocalAddr()); !errors.Is(err, net.ErrWriteToConnected) {
		t.Errorf("WriteTo on a connected socket: %v", err)
	}
	if _, err := server.Write([]byte("x")); !errors.Is(err, syscall.EDESTADDRREQ) {
		t.Errorf("Write on one that is not: %v", err)
	}
}

// TestUDPRefused: the peer's port unreachable comes with the next call, once.
func TestUDPRefused(t *testing.T) {
	for _, dst := range []string{"192.0.2.2:9", "[2001:db8::2]:9"} {
		t.Run(dst, func(t *testing.T) {
			a, _, _, _ := pair(t)
			client := dialUDP(t, a, dst)
			if _, err := client.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
			_, err := client.Read(make([]byte, 1))
			var op *net.OpError
			if !errors.Is(err, syscall.ECONNREFUSED) || !errors.As(err, &op) || op.Op != "read" || op.Addr.String() != dst {
				t.Errorf("read: %v", err)
			}
			wantNothing(t, client)
		})
	}
}

// TestUDPDual: a socket for both families takes and sends both, and shows neither IPv4-mapped.
func TestUDPDual(t *testing.T) {
	a, b, _, _ := pair(t)
	dual := listenUDP(t, b, "udp", ":53")
	if got := dual.LocalAddr().String(); got != "[::]:53" {
		t.Errorf("it is bound to %v", got)
	}
	buf := make([]byte, 9)
	for _, dst := range []string{"192.0.2.2:53", "[2001:db8::2]:53"} {
		client := dialUDP(t, a, dst)
		client.Write([]byte("question"))
		n, from, err := dual.ReadFromUDPAddrPort(buf)
		if err != nil || string(buf[:n]) != "question" || from.String() != client.LocalAddr().String() {
			t.Fatalf("read %q from %v, %v; want from %v", buf[:n], from, err, client.LocalAddr())
		}
		if _, err := dual.WriteToUDPAddrPort([]byte("answer"), from); err != nil {
			t.Fatal(err)
		}
		if n, err := client.Read(buf); err != nil || string(buf[:n]) != "answer" {
			t.Fatalf("read %q, %v", buf[:n], err)
		}
	}
	// A 16-byte net.IP of IPv4 is IPv4.
	mapped := &net.UDPAddr{IP: net.ParseIP("192.0.2.1").To16(), Port: 9}
	if _, err := dual.WriteTo(nil, mapped); err != nil {
		t.Error(err)
	}
}

// TestUDPBadDestination: each refused by name, and nothing sent.
func TestUDPBadDestination(t *testing.T) {
	a, _, ai, _ := pair(t)
	if err := ai.AddAddress(plain("fe80::1/64")); err != nil {
		t.Fatal(err)
	}
	v4, v6, dual := listenUDP(t, a, "udp4", ":0"), listenUDP(t, a, "udp6", ":0"), listenUDP(t, a, "udp", ":0")
	before := ai.Counters().TxPackets
	for _, tt := range []struct {
		name string
		c    net.PacketConn
		to   net.Addr
		want error
	}{
		{"IPv6 on IPv4", v4, udpAddr("[2001:db8::2]:9"), syscall.EAFNOSUPPORT},
		{"IPv4 on IPv6", v6, udpAddr("192.0.2.2:9"), syscall.EAFNOSUPPORT},
		{"no route", dual, udpAddr("203.0.113.1:9"), syscall.ENETUNREACH},
		{"no zone", dual, udpAddr("[fe80::2]:9"), syscall.EINVAL},
		{"unknown zone", dual, udpAddr("[fe80::2%eth7]:9"), syscall.ENODEV},
		{"port 0", dual, udpAddr("192.0.2.2:0"), syscall.EINVAL},
		{"unspecified", dual, udpAddr("[::]:9"), syscall.EINVAL},
		{"a TCP address", dual, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 9}, syscall.EINVAL},
		{"nothing", dual, nil, syscall.EINVAL},
		{"a nil *UDPAddr", dual, (*net.UDPAddr)(nil), syscall.EDESTADDRREQ},
		{"no IP", dual, &net.UDPAddr{Port: 9}, syscall.EDESTADDRREQ},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.c.WriteTo([]byte("x"), tt.to)
			var op *net.OpError
			if !errors.Is(err, tt.want) || !errors.As(err, &op) || op.Op != "write" {
				t.Errorf("got %v, want a *net.OpError of write with %v", err, tt.want)
			}
		})
	}
	if n := ai.Counters().TxPackets - before; n != 0 {
		t.Errorf("%d packets were sent", n)
	}
}

func udpAddr(s string) *net.UDPAddr { return net.UDPAddrFromAddrPort(netip.MustParseAddrPort(s)) }

// TestUDPLinkLocal: a bound link-local socket knows its link, and names it in what it returns.
func TestUDPLinkLocal(t *testing.T) {
	a, b, ai, bi := pair(t)
	for _, err := range []error{ai.AddAddress(plain("fe80::1/64")), bi.AddAddress(plain("fe80::2/64"))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	server := listenUDP(t, b, "udp6", "[fe80::2%eth0]:9")
	client := listenUDP(t, a, "udp6", "[fe80::1%1]:0") // an index is as good as a name
	if got := client.LocalAddr().(*net.UDPAddr).Zone; got != "eth0" {
		t.Errorf("the zone of the bound address is %q", got)
	}
	if _, err := client.WriteTo([]byte("x"), udpAddr("[fe80::2]:9")); err != nil {
		t.Fatal(err)
	}
	_, from, err := server.ReadFrom(make([]byte, 9))
	if err != nil || from.String() != fmt.Sprintf("[fe80::1%%eth0]:%d", port(client.LocalAddr())) {
		t.Errorf("read from %v, %v", from, err)
	}
}

// TestUDPBurst: as many datagrams as a wire queues wait for a reader that comes late.
func TestUDPBurst(t *testing.T) {
	a, b, _, _ := pair(t)
	server := listenUDP(t, b, "udp4", ":9")
	client := dialUDP(t, a, "192.0.2.2:9")
	const burst, size = 1000, 500
	for i := range burst {
		if _, err := client.Write(bytes.Repeat([]byte{byte(i)}, size)); err != nil {
			t.Fatal(err)
		}
	}
	server.SetReadDeadline(time.Now().Add(30 * time.Second))
	buf := make([]byte, size)
	for i := range burst {
		if n, err := server.Read(buf); err != nil || n != size || buf[0] != byte(i) {
			t.Fatalf("datagram %d: %d bytes, first %d, %v", i, n, buf[0], err)
		}
	}
}
