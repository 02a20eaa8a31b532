package stack_test

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
)

// fedLink is a link whose reads are fed by a test, which knows when a packet has been dealt with: when
// the stack asks for the next one. What the stack sends goes to sent, if that is set.
type fedLink struct {
	hw     net.HardwareAddr
	in     chan []byte
	asked  chan struct{}
	closed chan struct{}
	first  bool
	sent   func([]byte)
}

func newFedLink(hw net.HardwareAddr) *fedLink {
	return &fedLink{hw: hw, in: make(chan []byte), asked: make(chan struct{}), closed: make(chan struct{})}
}

func (l *fedLink) MTU() int                       { return 1500 }
func (l *fedLink) HardwareAddr() net.HardwareAddr { return l.hw }
func (l *fedLink) ReadPackets(bufs [][]byte, sizes []int) (int, error) {
	if l.first {
		select {
		case l.asked <- struct{}{}:
		case <-l.closed:
		}
	}
	l.first = true
	select {
	case b := <-l.in:
		sizes[0] = copy(bufs[0], b)
		return 1, nil
	case <-l.closed:
		return 0, net.ErrClosed
	}
}
func (l *fedLink) WritePackets(bufs [][]byte) (int, error) {
	if l.sent != nil {
		for _, b := range bufs {
			l.sent(b)
		}
	}
	return len(bufs), nil
}
func (l *fedLink) Close() error { close(l.closed); return nil }

// feed returns once the packet has been dealt with.
func (l *fedLink) feed(b []byte) {
	l.in <- b
	<-l.asked
}

// alive checks that the host at the other end still answers.
func alive(t *testing.T, s *stack.Stack) {
	t.Helper()
	if _, err := ping(listenRaw(t, s, 58, ""), ipTo("2001:db8::1"), "alive"); err != nil {
		t.Errorf("the host is dead: %v", err)
	}
}

// grew checks that a flood left at most so many bytes.
func grew(t *testing.T, before int64, limit int64) {
	t.Helper()
	after := heap()
	t.Logf("%d KiB more", (after-before)>>10)
	if after-before > limit {
		t.Errorf("%d bytes more than before the flood, want at most %d", after-before, limit)
	}
}

// First fragments whose rest never comes: gVisor keeps 4 MiB of each family, hextet's raw sockets another
// 512 KiB, and all is gone with its time.
func TestFragmentFlood(t *testing.T) {
	clock := newSteppedClock()
	s := newStack(t, stack.Config{Clock: clock})
	l := newFedLink(nil)
	attach(t, s, "eth0", l, plain("2001:db8::1/64"), plain("192.0.2.1/24"))
	listenRaw(t, s, 58, "")
	before := heap()
	data := make([]byte, 1200)
	for id := range uint32(20_000) { // 48 MB
		b := binary.BigEndian.AppendUint32([]byte{58, 0, 0, 1}, id)
		l.feed(in6(44, append(b, data...)))
		p := ip4("192.0.2.2", "192.0.2.1", 17, 64, 0x2000, nil, data)
		binary.BigEndian.PutUint16(p[4:], uint16(id))
		p[10], p[11] = 0, 0
		binary.BigEndian.PutUint16(p[10:], ^slowSum4(p[:20]))
		l.feed(p)
	}
	grew(t, before, 20<<20)
	for range 40 {
		clock.Advance(2 * time.Second)
	}
	grew(t, before, 2<<20)
	received := make(chan struct{}, 1)
	l.sent = func(b []byte) { received <- struct{}{} }
	for _, p := range inFragments(58, 99_999, icmpIn(128, string(data))) { // and others come through
		l.feed(p)
	}
	<-received
}

// Strangers on the link, and strangers that others ask a router for: 512 neighbours of each family.
func TestNeighborFlood(t *testing.T) {
	s := newStack(t, stack.Config{Clock: newSteppedClock()})
	l := newFedLink(net.HardwareAddr{2, 0, 0, 0, 0, 1})
	attach(t, s, "eth0", l, plain("2001:db8::1/64"), plain("192.0.2.1/16"))
	out := newFedLink(net.HardwareAddr{2, 0, 0, 0, 0, 2})
	forwarding(t, s, "eth1", out, plain("2001:db8:1::1/64"))
	before := heap()
	for n := range 5000 {
		mac := []byte{2, 1, 0, 0, byte(n >> 8), byte(n)}
		src := fmt.Sprintf("2001:db8::1:%x", n+1)
		ns := append(unhex(t, "87000000 00000000 20010db8000000000000000000000001 0101"), mac...)
		frame := append(append([]byte{2, 0, 0, 0, 0, 1}, mac...), 0x86, 0xdd)
		l.feed(append(frame, ip6(src, "2001:db8::1", 58, 255, sealed(src, "2001:db8::1", 58, 2, ns))...))
		arp := append(append([]byte{2, 0, 0, 0, 0, 1}, mac...), unhex(t, "0806 0001 0800 0604 0001")...)
		arp = append(append(arp, mac...), 192, 0, byte(3+n>>8), byte(n))
		l.feed(append(append(arp, 0, 0, 0, 0, 0, 0), 192, 0, 2, 1))
		transit := append(append([]byte{2, 0, 0, 0, 0, 2}, mac...), 0x86, 0xdd)
		out.feed(append(transit, ip6("2001:db8:1::2", fmt.Sprintf("2001:db8:1::1:%x", n+1), 254, 64, make([]byte, 1000))...))
	}
	count := map[string]int{}
	for _, n := range s.Neighbors() {
		count[fmt.Sprint(n.Interface, n.Addr.Is4())]++
	}
	if want := fmt.Sprint(map[string]int{"eth0false": 512, "eth0true": 512, "eth1false": 512}); fmt.Sprint(count) != want {
		t.Errorf("neighbours %v, want %s", count, want)
	}
	grew(t, before, 8<<20)
}

// Connections that nobody completes: SYN cookies keep no state, and others still get in.
func TestSYNFlood(t *testing.T) {
	la, lb := stack.Pipe(1500)
	a, b := newStack(t, stack.Config{}), newStack(t, stack.Config{})
	attach(t, a, "eth0", la, plain("2001:db8::1/64"))
	attach(t, b, "eth0", lb, plain("2001:db8::2/64"))
	l := newFedLink(nil)
	attach(t, a, "flood", l, plain("2001:db8:f::1/64"))
	ln, err := a.Listen(t.Context(), "tcp", ":80")
	if err != nil {
		t.Fatal(err)
	}
	before := heap()
	for n := range 30_000 {
		src := fmt.Sprintf("2001:db8:f::%x:%x", n>>8+1, n&0xff+1)
		syn := unhex(t, "3039 0050 00000001 00000000 5002 ffff 0000 0000")
		l.feed(ip6(src, "2001:db8:f::1", 6, 64, sealed(src, "2001:db8:f::1", 6, 16, syn)))
	}
	grew(t, before, 64<<20)
	c, err := b.DialContext(deadline(t), "tcp", "[2001:db8::1]:80")
	if err != nil {
		t.Fatal(err)
	}
	peer, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	transfer(t, c, peer)
	if c := a.Counters(); c.TCPSynCookies+c.TCPSynDropped == 0 {
		t.Errorf("no cookies:\n%v", c)
	}
	t.Logf("%d sockets\n%v", len(a.Sockets()), a.Counters())
}

// Groups that nobody joined, and every length and length field that a packet should not have, cost a
// counter.
func TestUnjoinedAndWrongLengths(t *testing.T) {
	la, lb := stack.Pipe(1500)
	s, peer := newStack(t, stack.Config{}), newStack(t, stack.Config{})
	attach(t, s, "eth0", la, plain("2001:db8::1/64"), plain("192.0.2.1/24"))
	l := newFedLink(nil)
	attach(t, s, "bad", l, plain("2001:db8:f::1/64"), plain("198.51.100.1/24"))
	listenUDP(t, s, "udp", ":7")
	before := s.Counters()
	const groups = 1000
	for n := range groups {
		l.feed(ip6("2001:db8:f::2", fmt.Sprintf("ff0e::%x", n+1), 17, 64, []byte{0, 7, 0, 7, 0, 8, 0, 0}))
		l.feed(ip4("198.51.100.2", netip.AddrFrom4([4]byte{239, 1, byte(n >> 8), byte(n)}).String(), 17, 64, 0, nil, make([]byte, 8)))
	}
	if got := s.Counters().IPOtherHost - before.IPOtherHost; got != 2*groups {
		t.Errorf("%d packets to unjoined groups were counted, want %d", got, 2*groups)
	}
	attach(t, peer, "eth0", lb, plain("2001:db8::2/64")) // not before: its reports are for groups too
	for _, whole := range [][]byte{
		ip6("2001:db8:f::2", "2001:db8:f::1", 0, 64, append(routerAlert(44), append([]byte{60, 0, 0, 1, 0, 0, 0, 9}, append(destOptions(17), make([]byte, 16)...)...)...)),
		ip6("2001:db8:f::2", "2001:db8:f::1", 6, 64, make([]byte, 40)),
		ip6("2001:db8:f::2", "2001:db8:f::1", 17, 64, []byte{0, 7, 0, 7, 0, 8, 0, 0}),
		ip6("fe80::2", "ff02::1", 58, 255, sealed("fe80::2", "ff02::1", 58, 2, append([]byte{134, 0, 0, 0, 64, 0, 7, 8}, make([]byte, 40)...))),
		ip4("198.51.100.2", "198.51.100.1", 17, 64, 0, []byte{7, 4, 4, 0}, []byte{0, 7, 0, 7, 0, 8, 0, 0}),
		ip4("198.51.100.2", "198.51.100.1", 1, 64, 0, nil, []byte{8, 0, 0xf7, 0xff, 0, 0, 0, 0}),
	} {
		for n := range len(whole) {
			l.feed(whole[:n])
			for _, v := range []byte{0, 1, 0x7f, 0xff} {
				b := append([]byte(nil), whole...)
				b[n] = v
				l.feed(b)
			}
		}
	}
	if c := s.Counters(); c.IPMalformed == before.IPMalformed {
		t.Errorf("nothing was malformed:\n%v", c)
	}
	alive(t, peer)
}
