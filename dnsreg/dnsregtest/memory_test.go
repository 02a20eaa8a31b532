package dnsregtest

import (
	"encoding/base64"
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

// client talks to a server in memory, so that it can do so inside a synctest bubble.
type client struct {
	t        *testing.T
	s        *Server
	in, out  chan []byte
	accept   chan net.Conn
	done     chan struct{}
	once     sync.Once
	mu       sync.Mutex
	faults   []Fault // for the next requests
	requests []Request
	sending  func() // called before a datagram is sent
}

// newClient starts a server whose requests meet the client's faults.
func newClient(t *testing.T, cfg Config) *client {
	t.Helper()
	c := &client{t: t, in: make(chan []byte, 100), out: make(chan []byte, 100), accept: make(chan net.Conn), done: make(chan struct{})}
	cfg.Fault = func(r Request) (f Fault) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.requests = append(c.requests, r)
		if len(c.faults) > 0 {
			f, c.faults = c.faults[0], c.faults[1:]
		}
		return f
	}
	var err error
	if c.s, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.s.Close() })
	c.s.ServePacket(memPacketConn{c: c})
	c.s.ServeListener(memListener{c: c})
	return c
}

// meets sets what goes wrong with the next requests.
func (c *client) meets(faults ...Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = append(c.faults, faults...)
}

// send sends messages as datagrams.
func (c *client) send(messages ...[]byte) {
	for _, m := range messages {
		c.in <- m
	}
}

// received waits until nothing more happens at this time, and returns the datagrams that have come.
func (c *client) received() (replies []*dns.Msg) {
	c.t.Helper()
	synctest.Wait()
	for {
		select {
		case raw := <-c.out:
			m := new(dns.Msg)
			if err := m.Unpack(raw); err != nil {
				c.t.Fatal(err)
			}
			replies = append(replies, m)
		default:
			return replies
		}
	}
}

// dial opens a stream, which ends with the test.
func (c *client) dial() net.Conn {
	near, far := net.Pipe()
	c.accept <- far
	c.t.Cleanup(func() { near.Close() })
	return near
}

// addition is an update that adds an address at a name, signed if there is a key.
func (c *client) addition(name string) []byte {
	m := update(c.t, "example.test.", "update IN "+name+" 60 A 192.0.2.1")
	return c.pack(m)
}

func (c *client) question(name string) []byte {
	return c.pack(new(dns.Msg).SetQuestion(name, dns.TypeSOA))
}

func (c *client) pack(m *dns.Msg) []byte {
	c.t.Helper()
	var b []byte
	var err error
	if len(c.s.keys) == 0 {
		b, err = m.Pack()
	} else {
		m.SetTsig("key.", dns.HmacSHA256, 300, time.Now().Unix())
		b, _, err = dns.TsigGenerate(m, base64.StdEncoding.EncodeToString(secret), "", false)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return b
}

func (c *client) close() error {
	c.once.Do(func() { close(c.done) })
	return nil
}

var errClosed = errors.New("closed")

type memPacketConn struct {
	net.PacketConn // deadlines are not used
	c              *client
}

func (p memPacketConn) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case m := <-p.c.in:
		return copy(b, m), nil, nil
	case <-p.c.done:
		return 0, nil, errClosed
	}
}

func (p memPacketConn) WriteTo(b []byte, _ net.Addr) (int, error) {
	if p.c.sending != nil {
		p.c.sending()
	}
	select {
	case p.c.out <- append([]byte(nil), b...):
	default: // full: lost
	}
	return len(b), nil
}

func (p memPacketConn) Close() error { return p.c.close() }

type memListener struct {
	net.Listener
	c *client
}

func (l memListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.c.accept:
		return conn, nil
	case <-l.c.done:
		return nil, errClosed
	}
}

func (l memListener) Close() error { return l.c.close() }

// pass lets time pass, of which a synctest bubble has plenty.
func pass(d time.Duration) { <-time.After(d) }
