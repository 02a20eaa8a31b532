package stack_test

import (
	"fmt"
	"net/netip"
	"sync/atomic"
	"testing"

	"github.com/hextet/hextet/stack"
)

// go test ./stack -run '^$' -bench UDP

// BenchmarkUDPReceive is what a host receives without loss: 64 bytes at a time, with at most 512 datagrams
// under way.
func BenchmarkUDPReceive(b *testing.B) {
	from, to, _, _ := pair(b)
	server := listenUDP(b, to, "udp", "[2001:db8::2]:9")
	client := dialUDP(b, from, "[2001:db8::2]:9")
	const window = 512
	var got atomic.Int64
	room := make(chan struct{}, 1)
	b.ReportAllocs()
	b.ResetTimer()
	go func() {
		msg := make([]byte, 64)
		for i := range b.N {
			for int64(i)-got.Load() >= window {
				<-room
			}
			if _, err := client.Write(msg); err != nil {
				b.Error(err)
				return
			}
		}
	}()
	buf := make([]byte, 128)
	for i := range b.N {
		if _, _, err := server.ReadFromUDPAddrPort(buf); err != nil {
			b.Fatal(err)
		}
		got.Store(int64(i + 1))
		select {
		case room <- struct{}{}:
		default:
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1000, "kpps")
	if s := server.Stats(); s.DroppedQueue+s.DroppedChecksum != 0 {
		b.Errorf("%+v", s)
	}
}

// BenchmarkUDPSendTo: the cost of a datagram from a socket that is not connected is not to grow with the
// number of addresses.
func BenchmarkUDPSendTo(b *testing.B) {
	for _, n := range []int{4, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			la, lb := stack.Pipe(1500)
			b.Cleanup(func() { lb.Close() })
			s := newStack(b, stack.Config{})
			var addrs []stack.Address
			addr := netip.MustParseAddr("2001:db8::1:0")
			for range n {
				addr = addr.Next()
				addrs = append(addrs, stack.Address{Prefix: netip.PrefixFrom(addr, 64), SkipAsSource: len(addrs) > 0})
			}
			attach(b, s, "eth0", la, addrs...)
			c := listenUDP(b, s, "udp6", ":0")
			to, msg := netip.MustParseAddrPort("[2001:db8::2]:9"), make([]byte, 64)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.WriteToUDPAddrPort(msg, to); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
