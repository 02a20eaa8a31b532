package stack_test

import (
	"fmt"
	"net"
	"net/netip"
	"testing"

	"github.com/hextet/hextet/stack"
)

// voidLink takes everything and brings nothing.
type voidLink struct{ closed chan struct{} }

func (l voidLink) MTU() int                       { return 1500 }
func (l voidLink) HardwareAddr() net.HardwareAddr { return nil }
func (l voidLink) ReadPackets([][]byte, []int) (int, error) {
	<-l.closed
	return 0, net.ErrClosed
}
func (l voidLink) WritePackets(bufs [][]byte) (int, error) { return len(bufs), nil }
func (l voidLink) Close() error {
	close(l.closed)
	return nil
}

func BenchmarkRawSend(b *testing.B) {
	s := newStack(b, stack.Config{NoTCP: true})
	attach(b, s, "eth0", voidLink{make(chan struct{})}, plain("2001:db8::1/64"))
	for _, size := range []int{64, 1400} {
		for _, connected := range []bool{false, true} {
			b.Run(fmt.Sprintf("size=%d/connected=%v", size, connected), func(b *testing.B) {
				c := listenRaw(b, s, 58, "")
				msg := make([]byte, size)
				dst := net.Addr(ipTo("2001:db8::2"))
				if connected {
					if err := c.Connect(netip.MustParseAddr("2001:db8::2")); err != nil {
						b.Fatal(err)
					}
					dst = nil
				}
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := c.WriteTo(msg, nil, dst); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkRawLoop sends to the host itself, and reads.
func BenchmarkRawLoop(b *testing.B) {
	s := newStack(b, stack.Config{NoTCP: true})
	attach(b, s, "eth0", voidLink{make(chan struct{})}, plain("2001:db8::1/64"))
	c := listenRaw(b, s, 58, "")
	msg, buf := append([]byte{200}, make([]byte, 63)...), make([]byte, 1500)
	dst := ipTo("2001:db8::1")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.WriteTo(msg, nil, dst); err != nil {
			b.Fatal(err)
		}
		if _, _, _, err := c.ReadFrom(buf); err != nil {
			b.Fatal(err)
		}
	}
}
