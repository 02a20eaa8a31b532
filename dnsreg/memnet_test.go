package dnsreg

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/hextet/hextet/dnsreg/dnsregtest"
)

// memNet joins registrars to servers in memory: datagrams that arrive in order or not at all, and
// streams. It has no clock and no socket, so it also works inside a synctest bubble.
type memNet struct {
	mu    sync.Mutex
	hosts map[string]*memHost
	dials map[string]int // by network
	count int
}

type memHost struct {
	*memPacketConn
	*memListener
}

type memAddr string

func (memAddr) Network() string  { return "mem" }
func (a memAddr) String() string { return string(a) }

// errAway is what dialling an address without a server gives.
var errAway = errors.New("no route to host")

// serve puts a server at an address.
func (n *memNet) serve(t testing.TB, address string, cfg dnsregtest.Config) *dnsregtest.Server {
	t.Helper()
	s, err := dnsregtest.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	h := &memHost{
		&memPacketConn{in: make(chan memDatagram, 64), peers: make(map[string]*memUDP), done: make(chan struct{})},
		&memListener{in: make(chan net.Conn), done: make(chan struct{})},
	}
	n.mu.Lock()
	if n.hosts == nil {
		n.hosts, n.dials = make(map[string]*memHost), make(map[string]int)
	}
	n.hosts[address] = h
	n.mu.Unlock()
	s.ServePacket(h.memPacketConn)
	s.ServeListener(h.memListener)
	t.Cleanup(func() { s.Close() })
	return s
}

func (n *memNet) dial(ctx context.Context, network, address string) (net.Conn, error) {
	n.mu.Lock()
	h := n.hosts[address]
	if h != nil {
		n.dials[network]++
	}
	n.count++
	local := memAddr(string(rune('a'+n.count%26)) + time.Duration(n.count).String())
	n.mu.Unlock()
	switch {
	case h == nil:
		return nil, errAway
	case network == "udp":
		c := &memUDP{local: local, in: make(chan []byte, 64), host: h.memPacketConn, done: make(chan struct{}), late: make(chan struct{}, 1)}
		h.memPacketConn.mu.Lock()
		h.peers[string(local)] = c
		h.memPacketConn.mu.Unlock()
		return c, nil
	}
	near, far := net.Pipe()
	select {
	case h.memListener.in <- far:
		return near, nil
	case <-h.memListener.done:
		return nil, errAway
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

type memDatagram struct {
	data []byte
	from memAddr
}

type memPacketConn struct {
	net.PacketConn // deadlines are not used
	in             chan memDatagram
	mu             sync.Mutex
	peers          map[string]*memUDP
	done           chan struct{}
	once           sync.Once
}

func (c *memPacketConn) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case d := <-c.in:
		return copy(b, d.data), d.from, nil
	case <-c.done:
		return 0, nil, net.ErrClosed
	}
}

func (c *memPacketConn) WriteTo(b []byte, to net.Addr) (int, error) {
	c.mu.Lock()
	peer := c.peers[to.String()]
	c.mu.Unlock()
	if peer != nil {
		select {
		case peer.in <- append([]byte(nil), b...):
		default: // full: dropped
		}
	}
	return len(b), nil
}

func (c *memPacketConn) Close() error {
	c.once.Do(func() { close(c.done) })
	return nil
}

// memUDP is a connected datagram socket.
type memUDP struct {
	net.Conn
	local memAddr
	in    chan []byte
	host  *memPacketConn
	done  chan struct{}
	once  sync.Once
	late  chan struct{} // of size 1: full while the deadline is over
}

func (c *memUDP) Read(b []byte) (int, error) {
	select {
	case m := <-c.in:
		return copy(b, m), nil
	case <-c.late:
		c.late <- struct{}{}
		return 0, os.ErrDeadlineExceeded
	case <-c.done:
		return 0, net.ErrClosed
	}
}

// SetReadDeadline takes a deadline that is over, and none.
func (c *memUDP) SetReadDeadline(t time.Time) error {
	select {
	case <-c.late:
	default:
	}
	if !t.IsZero() {
		c.late <- struct{}{}
	}
	return nil
}

func (c *memUDP) Write(b []byte) (int, error) {
	select {
	case <-c.done:
		return 0, net.ErrClosed
	case c.host.in <- memDatagram{append([]byte(nil), b...), c.local}:
	default: // full: dropped
	}
	return len(b), nil
}

func (c *memUDP) Close() error {
	c.once.Do(func() {
		close(c.done)
		c.host.mu.Lock()
		delete(c.host.peers, string(c.local))
		c.host.mu.Unlock()
	})
	return nil
}

type memListener struct {
	in   chan net.Conn
	done chan struct{}
	once sync.Once
}

func (l *memListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.in:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *memListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *memListener) Addr() net.Addr { return memAddr("server") }
