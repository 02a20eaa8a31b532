package vxlan

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Port is the UDP port of VXLAN (RFC 7348 section 8).
const Port = 4789

// A Config is what an Endpoint is made of. Conn is the one field that is needed.
type Config struct {
	// Conn is the UDP socket, which the Endpoint owns once New has returned it. To be
	// found by others it should be bound to [Port].
	Conn net.PacketConn

	// Clock tells how old a learned station is. Nil: the host's clock.
	Clock interface{ Now() time.Time }
}

// An Endpoint is a VXLAN tunnel end point, with a segment for each Link that it
// opened. Its methods may be called from several goroutines at once.
type Endpoint struct {
	conn  net.PacketConn
	udp   addrPortConn // the same
	local netip.AddrPort
	now   func() time.Time
	done  sync.WaitGroup // its goroutines

	mu     sync.RWMutex
	links  map[uint32]*Link
	closed error // why no link is open any more; nil: they may be

	malformed, unknownVNI, readErrors atomic.Uint64
}

// EndpointCounters say why packets came to no link.
type EndpointCounters struct {
	Malformed  uint64 // too short for a frame, or without the flag for a valid VNI
	UnknownVNI uint64 // no open segment has that VNI
	ReadErrors uint64 // of the socket
}

// New returns an Endpoint on cfg.Conn, and starts to receive. The caller closes it.
func New(cfg Config) (*Endpoint, error) {
	if cfg.Conn == nil {
		return nil, errors.New("vxlan: Config.Conn is nil: an endpoint needs a UDP socket")
	}
	local, err := addrPortOf(cfg.Conn.LocalAddr())
	if err != nil {
		return nil, err
	}
	e := &Endpoint{conn: cfg.Conn, udp: asAddrPortConn(cfg.Conn), local: unmapped(local), now: time.Now, links: make(map[uint32]*Link)}
	if cfg.Clock != nil {
		e.now = cfg.Clock.Now
	}
	e.done.Go(e.receive)
	return e, nil
}

// LocalAddr returns the address of the socket.
func (e *Endpoint) LocalAddr() netip.AddrPort { return e.local }

// Counters returns a snapshot.
func (e *Endpoint) Counters() EndpointCounters {
	return EndpointCounters{e.malformed.Load(), e.unknownVNI.Load(), e.readErrors.Load()}
}

// Open opens a segment. Errors name the field of s that is wrong, are
// syscall.EADDRINUSE for a VNI that has a link already, and net.ErrClosed for an
// endpoint that is closed or whose socket has failed.
func (e *Endpoint) Open(s Segment) (*Link, error) {
	l, err := newLink(e, s)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.closed != nil:
		return nil, fmt.Errorf("vxlan: open VNI %d: %w", s.VNI, e.closed)
	case e.links[s.VNI] != nil:
		return nil, fmt.Errorf("vxlan: open VNI %d: %w", s.VNI, syscall.EADDRINUSE)
	}
	e.links[s.VNI] = l
	e.done.Go(l.send)
	return l, nil
}

// Close closes all links and the socket, and returns when no goroutine is left.
func (e *Endpoint) Close() error {
	e.shut(net.ErrClosed)
	err := e.conn.Close()
	e.done.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// shut closes all links, and lets no more be opened. A link with nobody behind it so ends
// its interface.
func (e *Endpoint) shut(why error) {
	e.mu.Lock()
	if e.closed == nil {
		e.closed = why
	}
	links := e.links
	e.links = nil
	e.mu.Unlock()
	for _, l := range links {
		l.shut()
	}
}

// maxReadErrors is how many errors in a row end an endpoint. One or two may well be
// of a single packet: some systems report an ICMP error so.
const maxReadErrors = 100

// whyClosed returns what a call on a closed link reports.
func (e *Endpoint) whyClosed() error {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.closed != nil {
		return e.closed
	}
	return net.ErrClosed
}

// receive hands packets to their links until the socket is closed.
func (e *Endpoint) receive() {
	buf := make([]byte, 1<<16)
	for failed := 0; ; {
		n, from, err := e.udp.ReadFromUDPAddrPort(buf)
		switch {
		case errors.Is(err, net.ErrClosed):
			e.shut(net.ErrClosed)
			return
		case err != nil:
			e.readErrors.Add(1)
			if failed++; failed == maxReadErrors {
				e.shut(fmt.Errorf("%w: the socket has failed: %w", net.ErrClosed, err))
				return
			}
			continue
		}
		failed = 0
		e.deliver(buf[:n], unmapped(from))
	}
}

// deliver hands one UDP payload to its link.
func (e *Endpoint) deliver(payload []byte, from netip.AddrPort) {
	vni, frame, ok := parse(payload)
	if !ok {
		e.malformed.Add(1)
		return
	}
	e.mu.RLock()
	l := e.links[vni]
	e.mu.RUnlock()
	if l == nil {
		e.unknownVNI.Add(1)
		return
	}
	l.receive(frame, from)
}

// forget closes the segment of l.
func (e *Endpoint) forget(l *Link) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.links[l.segment.VNI] == l {
		delete(e.links, l.segment.VNI)
	}
}
