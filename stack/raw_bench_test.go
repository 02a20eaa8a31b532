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
	for _, addresses := range []int{4, 10000} {
		s := newStack(b, stack.Config{NoTCP: true})
		attach(b, s, "eth0", voidLink{make(chan struct{})}, manyAddresses(addresses)...)
		for _, size := range []int{64, 1400} {
			for _, connected := range []bool{false, true} {
				b.Run(fmt.Sprintf("addresses=%d/size=%d/connected=%v", addresses, size, connected), func(b *testing.B) {
					c := listenRaw(b, s, 58, "")
					var dst net.Addr = ipTo("2001:db8::2")
					if connected {
						mustConnect(b, c, "2001:db8::2")
						dst = nil
					}
					benchmarkSend(b, size, func(msg []byte) (int, error) { return c.WriteTo(msg, nil, dst) })
				})
			}
		}
	}
}

// BenchmarkRawSendOverEthernet is the cost with a neighbour that is known.
func BenchmarkRawSendOverEthernet(b *testing.B) {
	la, lb := ethernet()
	x, y := newStack(b, stack.Config{NoTCP: true}), newStack(b, stack.Config{NoTCP: true})
	attach(b, x, "eth0", la, plain("2001:db8::1/64"))
	attach(b, y, "eth0", lb, plain("2001:db8::2/64"))
	c := listenRaw(b, x, 59, "") // no next header: y has nothing to say
	benchmarkSend(b, 64, func(msg []byte) (int, error) { return c.WriteTo(msg, nil, ipTo("2001:db8::2")) })
}

func benchmarkSend(b *testing.B, size int, send func([]byte) (int, error)) {
	msg := make([]byte, size)
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := send(msg); err != nil {
			b.Fatal(err)
		}
	}
}

// manyAddresses are n of one prefix.
func manyAddresses(n int) []stack.Address {
	as := make([]stack.Address, n)
	addr := netip.MustParseAddr("2001:db8::1:0")
	for i := range as {
		as[i].Prefix = netip.PrefixFrom(addr, 64)
		addr = addr.Next()
	}
	return as
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
