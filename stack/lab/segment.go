package lab

import (
	"bytes"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/hextet/hextet/stack/offload"
)

// SegmentConfig configures a Segment. The zero SegmentConfig is a perfect wire of MTU 1500.
type SegmentConfig struct {
	// Name is what the segment is called, in traces too. Empty: "lan" and a number.
	Name string

	// MTU is that of the interfaces on it. Zero: 1500.
	MTU int

	// Impair is what happens to every packet that crosses it, to each receiver's copy by itself.
	Impair Impairment
}

// A Segment is an Ethernet switch with as many ports as it takes.
type Segment struct {
	l    *Lab
	name string
	mtu  int

	mu     sync.Mutex
	ports  []*port // in the order in which they were plugged in
	places map[string]*port
	way    place // through the switch
}

// AddSegment adds a segment.
func (l *Lab) AddSegment(cfg SegmentConfig) (*Segment, error) {
	if _, err := l.newName(&cfg.Name, "lan"); err != nil {
		return nil, fmt.Errorf("lab: segment %q: %w", cfg.Name, err)
	}
	if cfg.MTU == 0 {
		cfg.MTU = 1500
	}
	if cfg.MTU < 1280 || cfg.MTU > 65535 {
		return nil, fmt.Errorf("lab: segment %q: the MTU %d is not between 1280 (RFC 8200 section 5) and 65535", cfg.Name, cfg.MTU)
	}
	if err := cfg.Impair.check(); err != nil {
		return nil, fmt.Errorf("lab: segment %q: %w", cfg.Name, err)
	}
	s := &Segment{l: l, name: cfg.Name, mtu: cfg.MTU, places: make(map[string]*port)}
	s.way.init(l.cfg.Seed, cfg.Name, cfg.Impair)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.segments = append(l.segments, s)
	return s, nil
}

// Segment is AddSegment for tests, which an error ends. Outside of one it panics.
func (l *Lab) Segment(cfg SegmentConfig) *Segment {
	return must(l, cfg, l.AddSegment)
}

// firstSegment makes one if there is none.
func (l *Lab) firstSegment() (*Segment, error) {
	l.mu.Lock()
	if len(l.segments) > 0 {
		defer l.mu.Unlock()
		return l.segments[0], nil
	}
	l.mu.Unlock()
	return l.AddSegment(SegmentConfig{})
}

// Name returns the segment's name.
func (s *Segment) Name() string { return s.name }

// plug adds a port for an interface.
func (s *Segment) plug(h *Host, c InterfaceConfig) *port {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &port{
		s: s, h: h, iface: c.Stack.Name, name: h.name + "/" + c.Stack.Name, hw: c.HardwareAddr,
		reading: make(chan struct{}), closed: make(chan struct{}),
	}
	p.send.init(s.l.cfg.Seed, p.name+" sends", c.Send)
	p.receive.init(s.l.cfg.Seed, p.name+" receives", c.Receive)
	s.ports = append(s.ports, p)
	s.places[string(p.hw)] = p
	return p
}

// forward passes a frame on to whom it is for: everybody else, if it is for a group or nobody has the
// address. It is called below locks of the sender's stack.
func (s *Segment) forward(from *port, frame []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.l.trace.record(s.l.sched.time(), from, frame)
	defer r.settle()
	defer s.l.scripts.see(from.h.turns, r.p)
	if frame[0]&1 == 0 {
		if to := s.places[string(frame[:6])]; to != nil {
			if to != from {
				s.pass(r, from, to, frame)
			}
			return
		}
	}
	for _, to := range s.ports {
		if to != from {
			s.pass(r, from, to, frame)
		}
	}
}

// pass brings a frame to one port, by way of what may happen to it on the way.
func (s *Segment) pass(r *record, from, to *port, frame []byte) {
	now := s.l.sched.time()
	for _, f := range from.send.carry(passage{at: now, frame: frame}) {
		for _, g := range s.way.carry(f) {
			for _, arrival := range to.receive.carry(g) {
				r.arrives(to, arrival)
				if arrival.outcome != Delivered {
					continue
				}
				s.l.sched.after(to.h.turns, arrival.at.Sub(now), func() {
					if !to.take(arrival.frame) {
						r.unplugged(to, arrival.at.Sub(now))
					}
				})
			}
		}
	}
}

// port is where an interface is plugged in: the interface's link.
type port struct {
	s     *Segment
	h     *Host
	iface string
	name  string // host and interface
	hw    net.HardwareAddr

	send, receive place // under the segment's lock
	gate          gate  // between the interface and the wire

	reading chan struct{} // closed when deliver is there
	deliver func(offload.Packet)
	closed  chan struct{}
	once    sync.Once
	buf     []byte  // under the segment's lock
	sent    []*port // to whom the latest frame went; for records
}

var _ offload.Link = (*port)(nil)

func (p *port) MTU() int                       { return p.s.mtu }
func (p *port) HardwareAddr() net.HardwareAddr { return p.hw }

// ReadOffload takes deliver over: the lab calls it when a frame arrives, one at a time.
func (p *port) ReadOffload(deliver func(offload.Packet)) error {
	p.deliver = deliver
	close(p.reading)
	<-p.closed
	return net.ErrClosed
}

// await returns when the stack reads the port.
func (p *port) await() { <-p.reading }

// take gives a frame to the stack, if it is still there.
func (p *port) take(frame []byte) bool {
	select {
	case <-p.closed:
		return false
	default:
		if !p.gate.passes(p, In, frame) {
			return false
		}
		p.deliver(offload.Packet{Info: offload.Info{Network: 14}, Pieces: [][]byte{frame}})
		return true
	}
}

// WriteOffload sends every segment of every packet by itself: what happens on the way happens to one.
func (p *port) WriteOffload(pkts []offload.Packet) (n int, err error) {
	for _, pkt := range pkts {
		segs, err := pkt.Segments()
		if err != nil {
			return n, err
		}
		for i := range segs.Len() {
			p.write(segs.Append(nil, i))
			n++
		}
	}
	return n, nil
}

func (p *port) write(frame []byte) {
	select {
	case <-p.closed:
	default:
		if p.gate.passes(p, Out, frame) {
			p.s.forward(p, frame)
		}
	}
}

func (p *port) WritePackets(bufs [][]byte) (int, error) {
	for _, b := range bufs {
		p.write(bytes.Clone(b))
	}
	return len(bufs), nil
}

// ReadPackets is not called: a stack calls ReadOffload.
func (p *port) ReadPackets([][]byte, []int) (int, error) {
	<-p.closed
	return 0, net.ErrClosed
}

// Close unplugs the port.
func (p *port) Close() error {
	p.once.Do(func() {
		close(p.closed)
		s := p.s
		s.mu.Lock()
		defer s.mu.Unlock()
		for i, q := range s.ports {
			if q == p {
				s.ports = append(s.ports[:i:i], s.ports[i+1:]...)
			}
		}
		if s.places[string(p.hw)] == p {
			delete(s.places, string(p.hw))
		}
	})
	return nil
}

// passage is a frame, when it is to come out, and what has happened to it so far.
type passage struct {
	at      time.Time
	frame   []byte
	outcome Outcome
	marks   marks
}
