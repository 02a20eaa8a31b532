package stack_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
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

// TestPacketConn is what nettest.TestConn is for net.Conn: each part runs on a pair of sockets on two
// hosts, and on one, for both families.
func TestPacketConn(t *testing.T) {
	for _, tt := range []struct{ name, network, a, b string }{
		{"udp4", "udp4", "192.0.2.1:0", "192.0.2.2:0"},
		{"udp6", "udp6", "[2001:db8::1]:0", "[2001:db8::2]:0"},
		{"udp4 to itself", "udp4", "192.0.2.1:0", "192.0.2.1:0"},
		{"udp6 to itself", "udp6", "[2001:db8::1]:0", "[2001:db8::1]:0"},
	} {
		for _, part := range []struct {
			name string
			run  func(t *testing.T, a, b net.PacketConn)
		}{
			{"roundtrip", packetRoundtrip},
			{"sizes", packetSizes},
			{"truncation", packetTruncation},
			{"timeouts", packetTimeouts},
			{"present timeout", packetPresentTimeout},
			{"close", packetClose},
			{"racy", packetRacy},
		} {
			t.Run(tt.name+"/"+part.name, func(t *testing.T) {
				sa, sb, _, _ := pair(t)
				if tt.a == tt.b {
					sb = sa
				}
				part.run(t, listenUDP(t, sa, tt.network, tt.a), listenUDP(t, sb, tt.network, tt.b))
			})
		}
	}
}

func packetRoundtrip(t *testing.T, a, b net.PacketConn) {
	buf := make([]byte, 100)
	for i := range 100 {
		msg := fmt.Sprint("message ", i)
		if n, err := a.WriteTo([]byte(msg), b.LocalAddr()); n != len(msg) || err != nil {
			t.Fatalf("write: %d, %v", n, err)
		}
		n, from, err := b.ReadFrom(buf)
		if err != nil || string(buf[:n]) != msg || from.String() != a.LocalAddr().String() {
			t.Fatalf("read %q from %v, %v", buf[:n], from, err)
		}
		if _, ok := from.(*net.UDPAddr); !ok {
			t.Fatalf("the sender is a %T", from)
		}
		a, b = b, a
	}
}

// packetSizes: every length at which something changes, from nothing over one fragment to the
// largest.
func packetSizes(t *testing.T, a, b net.PacketConn) {
	overhead, largest := 28, 65535-28
	if a.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Is6() {
		overhead, largest = 48, 65535-8
	}
	data := make([]byte, largest)
	rand.NewChaCha8([32]byte{2}).Read(data)
	buf := make([]byte, 1<<16)
	for _, size := range []int{0, 1, 2, 3, 1499 - overhead, 1500 - overhead, 1501 - overhead, 9000, 65000, largest - 1, largest} {
		if n, err := a.WriteTo(data[:size], b.LocalAddr()); n != size || err != nil {
			t.Fatalf("write of %d bytes: %d, %v", size, n, err)
		}
		n, _, err := b.ReadFrom(buf)
		if err != nil || !bytes.Equal(buf[:n], data[:size]) {
			t.Fatalf("read %d bytes of %d, or others, %v", n, size, err)
		}
	}
	if _, err := a.WriteTo(make([]byte, largest+1), b.LocalAddr()); !errors.Is(err, syscall.EMSGSIZE) {
		t.Errorf("write of %d bytes: %v", largest+1, err)
	}
	if _, err := a.WriteTo(make([]byte, 70000), b.LocalAddr()); !errors.Is(err, syscall.EMSGSIZE) {
		t.Errorf("write of 70000 bytes: %v", err)
	}
}

// packetTruncation: what the buffer has no room for is lost, not read next.
func packetTruncation(t *testing.T, a, b net.PacketConn) {
	for _, msg := range []string{"first", "second", "third"} {
		if _, err := a.WriteTo([]byte(msg), b.LocalAddr()); err != nil {
			t.Fatal(err)
		}
	}
	buf := []byte("######")
	for _, tt := range []struct {
		room int
		want string
	}{{3, "fir###"}, {0, "fir###"}, {6, "third#"}} {
		n, _, err := b.ReadFrom(buf[:tt.room])
		if err != nil || n > tt.room || string(buf) != tt.want {
			t.Fatalf("with room for %d: %d bytes, buffer %q, want %q, %v", tt.room, n, buf, tt.want, err)
		}
	}
}

// packetTimeouts: a deadline that has passed ends reads and writes at once, and only until it is
// moved.
func packetTimeouts(t *testing.T, a, b net.PacketConn) {
	past := time.Unix(1, 0)
	read := func() error { _, _, err := a.ReadFrom(make([]byte, 9)); return err }
	write := func() error { _, err := a.WriteTo([]byte("x"), b.LocalAddr()); return err }

	a.SetReadDeadline(past)
	wantTimeout(t, read())
	if err := write(); err != nil {
		t.Errorf("a read deadline ended a write: %v", err)
	}
	a.SetReadDeadline(time.Time{})
	a.SetWriteDeadline(past)
	wantTimeout(t, write())
	if _, err := b.WriteTo([]byte("y"), a.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	if err := read(); err != nil {
		t.Errorf("a write deadline ended a read: %v", err)
	}
	a.SetDeadline(past)
	wantTimeout(t, read())
	wantTimeout(t, write())
	a.SetDeadline(time.Time{})
	packetRoundtrip(t, a, listenerAfterDrain(t, b))
	a.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	wantTimeout(t, read())
}

// listenerAfterDrain empties a socket's queue of the one message that is in it.
func listenerAfterDrain(t *testing.T, c net.PacketConn) net.PacketConn {
	t.Helper()
	if _, _, err := c.ReadFrom(make([]byte, 9)); err != nil {
		t.Fatal(err)
	}
	return c
}

// packetPresentTimeout: a deadline in the past ends reads that wait, all of them.
func packetPresentTimeout(t *testing.T, a, _ net.PacketConn) {
	var waits []<-chan error
	for range 3 {
		waits = append(waits, async(func() error { _, _, err := a.ReadFrom(make([]byte, 9)); return err }))
	}
	a.SetReadDeadline(time.Unix(1, 0))
	for _, w := range waits {
		wantTimeout(t, within(t, w))
	}
}

// packetClose: Close ends reads that wait and all that comes later.
func packetClose(t *testing.T, a, b net.PacketConn) {
	var waits []<-chan error
	for range 3 {
		waits = append(waits, async(func() error { _, _, err := a.ReadFrom(make([]byte, 9)); return err }))
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	for _, w := range waits {
		wantClosed(t, within(t, w))
	}
	_, _, err := a.ReadFrom(nil)
	wantClosed(t, err)
	_, err = a.WriteTo([]byte("x"), b.LocalAddr())
	wantClosed(t, err)
	wantClosed(t, a.Close())
	wantClosed(t, a.SetDeadline(time.Time{}))
	if a.LocalAddr() == nil {
		t.Error("the address went with Close")
	}
}

// packetRacy: all methods at once; the race detector is the judge. Every message that is not lost
// comes to exactly one reader.
func packetRacy(t *testing.T, a, b net.PacketConn) {
	const senders, each = 4, 50
	var (
		mu   sync.Mutex
		seen = make(map[string]int)
		wg   sync.WaitGroup
	)
	for range senders {
		wg.Go(func() {
			buf := make([]byte, 50)
			for {
				n, _, err := b.ReadFrom(buf)
				if err != nil {
					wantTimeout(t, err)
					return
				}
				mu.Lock()
				seen[string(buf[:n])]++
				if len(seen) == senders*each {
					b.SetReadDeadline(time.Unix(1, 0)) // ends all readers
				}
				mu.Unlock()
			}
		})
	}
	for i := range senders {
		wg.Go(func() {
			for j := range each {
				if _, err := a.WriteTo(fmt.Appendf(nil, "%d/%d", i, j), b.LocalAddr()); err != nil {
					t.Error(err)
				}
				a.SetReadDeadline(time.Now())
				a.LocalAddr()
			}
		})
	}
	wg.Wait()
	for msg, n := range seen {
		if n != 1 {
			t.Errorf("%q came %d times", msg, n)
		}
	}
}

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
			client.SetReadDeadline(time.Now())
			_, err = client.Read(make([]byte, 1))
			wantTimeout(t, err)
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
