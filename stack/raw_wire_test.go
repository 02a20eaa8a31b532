package stack_test

import (
	"encoding/binary"
	"encoding/hex"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
)

// rawWire is the bare end of a wire: what the host on the other end sends is looked at, and what it
// receives is made, byte by byte.
type rawWire struct {
	t       testing.TB
	l       stack.Link
	packets chan []byte
}

// rawHost returns a host with an interface "eth0" of MTU 1500, and the wire's other end.
func rawHost(t testing.TB, cfg stack.Config, addrs ...stack.Address) (*stack.Stack, *stack.Interface, *rawWire) {
	t.Helper()
	near, far := stack.Pipe(1500)
	s := newStack(t, cfg)
	return s, attach(t, s, "eth0", near, addrs...), newRawWire(t, far)
}

func newRawWire(t testing.TB, l stack.Link) *rawWire {
	w := &rawWire{t: t, l: l, packets: make(chan []byte, 1024)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		bufs, sizes := [][]byte{make([]byte, 65536)}, []int{0}
		for {
			n, err := l.ReadPackets(bufs, sizes)
			if err != nil {
				return
			}
			for i := range n {
				w.packets <- append([]byte(nil), bufs[i][:sizes[i]]...)
			}
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return w
}

// next returns the next packet that is no multicast listener report.
func (w *rawWire) next() []byte {
	w.t.Helper()
	for {
		select {
		case p := <-w.packets:
			if p[0]>>4 == 6 && p[6] == 0 {
				continue // MLD is the only one that sends a hop-by-hop header
			}
			return p
		case <-time.After(20 * time.Second):
			w.t.Fatal("the host sent nothing")
		}
	}
}

func (w *rawWire) send(packets ...[]byte) {
	w.t.Helper()
	for _, p := range packets {
		if _, err := w.l.WritePackets([][]byte{p}); err != nil {
			w.t.Fatal(err)
		}
	}
}

// ip6 makes an IPv6 packet.
func ip6(src, dst string, next, hops uint8, payload []byte) []byte {
	p := make([]byte, 40, 40+len(payload))
	p[0], p[6], p[7] = 0x60, next, hops
	binary.BigEndian.PutUint16(p[4:], uint16(len(payload)))
	s, d := netip.MustParseAddr(src).As16(), netip.MustParseAddr(dst).As16()
	copy(p[8:], s[:])
	copy(p[24:], d[:])
	return append(p, payload...)
}

// slowSum is RFC 1071 as a schoolbook has it, over the pseudo-header of RFC 8200 section 8.1.
func slowSum(src, dst string, proto uint8, msg []byte) uint16 {
	s, d := netip.MustParseAddr(src).As16(), netip.MustParseAddr(dst).As16()
	n := len(msg)
	b := append(append(s[:], d[:]...), byte(n>>24), byte(n>>16), byte(n>>8), byte(n), 0, 0, 0, proto)
	b = append(b, msg...)
	if len(b)%2 == 1 {
		b = append(b, 0)
	}
	var sum uint64
	for i := 0; i < len(b); i += 2 {
		sum += uint64(b[i])<<8 | uint64(b[i+1])
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return uint16(sum)
}

// sealed fills the checksum of a message that the wire sends.
func sealed(src, dst string, proto uint8, offset int, msg []byte) []byte {
	msg = append([]byte(nil), msg...)
	binary.BigEndian.PutUint16(msg[offset:], 0)
	binary.BigEndian.PutUint16(msg[offset:], ^slowSum(src, dst, proto, msg))
	return msg
}

// echoFrom is an echo request or reply on the wire.
func echoFrom(src, dst string, typ byte, data string) []byte {
	msg := append([]byte{typ, 0, 0, 0, 0x12, 0x34, 0, 1}, data...)
	return ip6(src, dst, 58, 64, sealed(src, dst, 58, 2, msg))
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func ipTo(addr string) *net.IPAddr {
	a := netip.MustParseAddr(addr)
	return &net.IPAddr{IP: a.WithZone("").AsSlice(), Zone: a.Zone()}
}

// listenRaw opens a socket that is closed with the test.
func listenRaw(t testing.TB, s *stack.Stack, proto uint8, addr string) *stack.RawConn {
	t.Helper()
	var a netip.Addr
	if addr != "" {
		a = netip.MustParseAddr(addr)
	}
	c, err := s.ListenRaw(proto, a)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	return c
}

// mustRead returns the next packet's payload and its sender.
func mustRead(t testing.TB, c *stack.RawConn) (payload string, src string) {
	t.Helper()
	b := make([]byte, 65536)
	n, _, from, err := c.ReadFrom(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n]), from.String()
}

// mustBeEmpty fails if there is something to read.
func mustBeEmpty(t testing.TB, c *stack.RawConn) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(-time.Second))
	defer c.SetReadDeadline(time.Now().Add(20 * time.Second))
	if n := c.Stats().Received; n != 0 {
		t.Errorf("%d packets were received, want none", n)
	}
	if _, _, _, err := c.ReadFrom(nil); !os.IsTimeout(err) {
		t.Errorf("ReadFrom past the deadline: %v", err)
	}
}
