package stack_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
)

// TestPacketConn is what nettest.TestConn is for net.Conn: each part runs on a pair of sockets on two
// hosts, and on one, for both families, of UDP and raw.
func TestPacketConn(t *testing.T) {
	for _, tt := range []struct{ name, network, a, b string }{
		{"udp4", "udp4", "192.0.2.1:0", "192.0.2.2:0"},
		{"udp6", "udp6", "[2001:db8::1]:0", "[2001:db8::2]:0"},
		{"udp4 to itself", "udp4", "192.0.2.1:0", "192.0.2.1:0"},
		{"udp6 to itself", "udp6", "[2001:db8::1]:0", "[2001:db8::1]:0"},
		{"ip4", "ip4:98", "192.0.2.1", "192.0.2.2"},
		{"ip6", "ip6:98", "2001:db8::1", "2001:db8::2"},
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
				part.run(t, listenPacket(t, sa, tt.network, tt.a), listenPacket(t, sb, tt.network, tt.b))
			})
		}
	}
}

// listenPacket opens a socket that is closed with the test.
func listenPacket(t *testing.T, s *stack.Stack, network, address string) net.PacketConn {
	t.Helper()
	c, err := s.ListenPacket(t.Context(), network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
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
		if got, want := fmt.Sprintf("%T", from), fmt.Sprintf("%T", a.LocalAddr()); got != want {
			t.Fatalf("the sender is a %s, the own address a %s", got, want)
		}
		a, b = b, a
	}
}

// packetSizes: every length at which something changes, from nothing over one fragment to the
// largest.
func packetSizes(t *testing.T, a, b net.PacketConn) {
	overhead, largest := 20, 65535-20
	udp, ip := 0, net.IP(nil)
	switch addr := a.LocalAddr().(type) {
	case *net.UDPAddr:
		udp, ip = 8, addr.IP
	case *net.IPAddr:
		ip = addr.IP
	}
	if ip.To4() == nil {
		overhead, largest = 40, 65535 // the Payload Length does not count the header
	}
	overhead, largest = overhead+udp, largest-udp
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
