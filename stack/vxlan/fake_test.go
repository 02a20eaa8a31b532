package vxlan

import (
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	peerA = netip.MustParseAddrPort("192.0.2.1:4789")
	peerB = netip.MustParseAddrPort("192.0.2.2:4789")
)

// A fakeConn is a socket whose writes the test reads, and whose reads are those that
// the test puts there.
type fakeConn struct {
	net.PacketConn
	local    netip.AddrPort
	sent     chan packet
	received chan packet
	fail     error // of every read but for net.ErrClosed, if not nil
	closed   chan struct{}
	once     sync.Once
}

func newFakeConn() *fakeConn {
	return &fakeConn{local: netip.MustParseAddrPort("192.0.2.9:4789"), sent: make(chan packet, 64),
		received: make(chan packet, 64), closed: make(chan struct{})}
}

func (c *fakeConn) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(c.local) }

func (c *fakeConn) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	if c.fail != nil {
		return 0, netip.AddrPort{}, c.fail
	}
	select {
	case p := <-c.received:
		return copy(b, p.data), p.to, nil
	case <-c.closed:
		return 0, netip.AddrPort{}, net.ErrClosed
	}
}

func (c *fakeConn) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	select {
	case c.sent <- packet{append([]byte(nil), b...), to}:
		return len(b), nil
	case <-c.closed:
		return 0, net.ErrClosed
	}
}

func (c *fakeConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

// A clock of the test's.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

// A hookClock runs a function whenever somebody looks at it.
type hookClock struct{ hook *func() }

func (c hookClock) Now() time.Time {
	(*c.hook)()
	return time.Unix(1e9, 0)
}

// open returns an endpoint on a fake socket with one segment.
func open(t testing.TB, s Segment) (*fakeConn, *Endpoint, *Link) {
	t.Helper()
	conn := newFakeConn()
	e, err := New(Config{Conn: conn, Clock: &clock{time.Unix(1e9, 0)}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	l, err := e.Open(s)
	if err != nil {
		t.Fatal(err)
	}
	return conn, e, l
}

var (
	stationA  = net.HardwareAddr{2, 0, 0, 0, 0, 0xa}
	stationB  = net.HardwareAddr{2, 0, 0, 0, 0, 0xb}
	broadcast = net.HardwareAddr{255, 255, 255, 255, 255, 255}
)

// frame returns an Ethernet frame of IPv6 with n bytes of payload.
func frame(dst, src net.HardwareAddr, n int) []byte {
	b := append(append(append([]byte(nil), dst...), src...), 0x86, 0xdd)
	for i := range n {
		b = append(b, byte(i))
	}
	return b
}

func encapsulated(vni uint32, frame []byte) []byte { return append(appendHeader(nil, vni), frame...) }
