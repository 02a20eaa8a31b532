package stack_test

import (
	"fmt"
	"io"
	"net/netip"
	"testing"

	"github.com/hextet/hextet/stack"
)

// go test ./stack -run '^$' -bench Conn

func BenchmarkConnTCPThroughput(b *testing.B) {
	from, to, _, _ := pair(b)
	client, server := dialPair(b, from, to, "tcp6", "[2001:db8::2]:0")
	defer client.Close()
	defer server.Close()
	chunk := make([]byte, 64<<10)
	b.SetBytes(int64(len(chunk)))
	b.ReportAllocs()
	go func() {
		for range b.N {
			if _, err := client.Write(chunk); err != nil {
				b.Error(err)
				return
			}
		}
	}()
	b.ResetTimer()
	buf := make([]byte, len(chunk))
	for range b.N {
		if _, err := io.ReadFull(server, buf); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkConnUDPRoundTrip(b *testing.B) {
	from, to, _, _ := pair(b)
	echoServer(b, to)
	client := dialUDP(b, from, "[2001:db8::2]:7")
	buf := make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.Write(buf); err != nil {
			b.Fatal(err)
		}
		if _, err := client.Read(buf); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkConnDial: the cost of a handshake is not to grow with the number of addresses.
func BenchmarkConnDial(b *testing.B) {
	for _, n := range []int{4, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			la, lb := stack.Pipe(1500)
			from, to := newStack(b, stack.Config{}), newStack(b, stack.Config{})
			var addrs []stack.Address
			addr := netip.MustParseAddr("2001:db8::1:0")
			for range n {
				addr = addr.Next()
				addrs = append(addrs, stack.Address{Prefix: netip.PrefixFrom(addr, 64), SkipAsSource: len(addrs) > 0})
			}
			attach(b, from, "eth0", la, addrs...)
			attach(b, to, "eth0", lb, plain("2001:db8::2/64"))
			l, err := to.Listen(b.Context(), "tcp", ":7")
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				c, err := from.DialContext(b.Context(), "tcp", "[2001:db8::2]:7")
				if err != nil {
					b.Fatal(err)
				}
				s, err := l.Accept()
				if err != nil {
					b.Fatal(err)
				}
				c.(*stack.TCPConn).SetLinger(0)
				c.Close()
				s.Close()
			}
		})
	}
}
