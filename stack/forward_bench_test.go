package stack_test

import (
	"net"
	"testing"

	"github.com/hextet/hextet/stack"
)

// sourceLink brings one packet n times.
type sourceLink struct {
	packet        []byte
	n             int      // the reader's
	start         chan int // how many
	ended, closed chan struct{}
}

func (l *sourceLink) MTU() int                       { return 1500 }
func (l *sourceLink) HardwareAddr() net.HardwareAddr { return nil }
func (l *sourceLink) ReadPackets(bufs [][]byte, sizes []int) (int, error) {
	for l.n == 0 {
		select {
		case l.n = <-l.start:
		case l.ended <- struct{}{}:
		case <-l.closed:
			return 0, net.ErrClosed
		}
	}
	k := min(l.n, len(bufs))
	for i := range k {
		sizes[i] = copy(bufs[i], l.packet)
	}
	l.n -= k
	return k, nil
}
func (l *sourceLink) WritePackets(bufs [][]byte) (int, error) { return len(bufs), nil }
func (l *sourceLink) Close() error                            { close(l.closed); return nil }

// BenchmarkForward forwards 1400-byte packets from one bare link to another.
func BenchmarkForward(b *testing.B) {
	for _, f := range []struct {
		name   string
		packet []byte
	}{
		{"IPv6", ip6("2001:db8:a::1", "2001:db8:b::1", 254, 64, make([]byte, 1360))},
		{"IPv4", ip4("192.0.2.1", "198.51.100.1", 254, 64, 0, nil, make([]byte, 1380))},
	} {
		b.Run(f.name, func(b *testing.B) {
			s := newStack(b, stack.Config{NoTCP: true})
			l := &sourceLink{packet: f.packet, start: make(chan int), ended: make(chan struct{}), closed: make(chan struct{})}
			for _, side := range []struct {
				l     stack.Link
				addrs []stack.Address
			}{
				{l, []stack.Address{plain("2001:db8:a::fe/64"), plain("192.0.2.254/24")}},
				{voidLink{make(chan struct{})}, []stack.Address{plain("2001:db8:b::fe/64"), plain("198.51.100.254/24")}},
			} {
				i, err := s.Attach(stack.InterfaceConfig{Link: side.l, Forward: true})
				if err != nil {
					b.Fatal(err)
				}
				if err := i.AddAddresses(side.addrs); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			b.ResetTimer()
			l.start <- b.N
			<-l.ended // when all are dealt with
			if got := s.Counters().Forward.Sent; got != uint64(b.N) {
				b.Fatalf("%d of %d packets", got, b.N)
			}
		})
	}
}
