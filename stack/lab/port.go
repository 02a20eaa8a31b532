package lab

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hextet/hextet/stack/internal/turn"
	"github.com/hextet/hextet/stack/offload"
)

// port is the plug of an interface, and its link.
type port struct {
	h     *Host
	iface string
	name  string // host and interface
	hw    net.HardwareAddr
	mtu   int
	all   bool // it takes frames for everybody, as a switch's does

	// Under the lab's wires.
	segment       *Segment // nil: unplugged
	send, receive place
	gate          gate     // between the interface and the wire; not under the lock
	reports       []report // held back
	sent          []*port  // to whom the latest frame went; for records

	reading chan struct{} // closed when deliver is there
	deliver func(offload.Packet)
	member  atomic.Pointer[func(netip.Addr) bool]
	closed  chan struct{}
	once    sync.Once
}

var (
	_ offload.Link = (*port)(nil)
	_ turn.Filter  = (*port)(nil)
)

func newPort(h *Host, c InterfaceConfig) *port {
	p := &port{
		h: h, iface: c.Stack.Name, name: h.name + "/" + c.Stack.Name, hw: c.HardwareAddr, mtu: c.Segment.mtu,
		reading: make(chan struct{}), closed: make(chan struct{}),
	}
	p.send.init(h.l.cfg.Seed, p.name+" sends", c.Send)
	p.receive.init(h.l.cfg.Seed, p.name+" receives", c.Receive)
	return p
}

// plug puts the port on a segment, or on none if that is nil.
func (p *port) plug(s *Segment) {
	p.h.l.wires.Lock()
	defer p.h.l.wires.Unlock()
	if p.segment != nil {
		p.flush()
		p.segment.remove(p)
	}
	select {
	case <-p.closed:
		s = nil
	default:
	}
	p.h.turns.note()
	if p.segment = s; s != nil {
		s.ports = append(s.ports, p)
		s.places[string(p.hw)] = p
	}
}

// remove takes a port off the segment. The lab's wires are locked.
func (s *Segment) remove(p *port) {
	for i, q := range s.ports {
		if q == p {
			s.ports = append(s.ports[:i:i], s.ports[i+1:]...) // a copy: forward may hold the other
			break
		}
	}
	if s.places[string(p.hw)] == p {
		delete(s.places, string(p.hw))
	}
}

// on is the segment that the port is on; nil if it is on none.
func (p *port) on() *Segment {
	p.h.l.wires.Lock()
	defer p.h.l.wires.Unlock()
	return p.segment
}

func (p *port) MTU() int                       { return p.mtu }
func (p *port) HardwareAddr() net.HardwareAddr { return p.hw }

// ReadOffload takes deliver over: the lab calls it when a frame arrives, one at a time.
func (p *port) ReadOffload(deliver func(offload.Packet)) error {
	p.deliverTo(deliver)
	<-p.closed
	return net.ErrClosed
}

// deliverTo is called once.
func (p *port) deliverTo(deliver func(offload.Packet)) {
	p.deliver = deliver
	close(p.reading)
}

// await returns when the stack reads the port.
func (p *port) await() { <-p.reading }

// Members takes over what the interface's groups are, as a network card's filter does.
func (p *port) Members(of func(group netip.Addr) bool) { p.member.Store(&of) }

// wants reports whether the interface has any use for a frame that goes to many: not for one to a group of
// which it is no member. It is called by an event.
func (p *port) wants(frame []byte) bool {
	group, ok := groupOf(frame)
	if p.all {
		return true
	}
	if !ok {
		return frame[0]&1 != 0 || bytes.Equal(frame[:6], p.hw)
	}
	member := p.member.Load()
	return member == nil || (*member)(group)
}

// groupOf returns the IP group that a frame is for, if its addresses are those of one.
func groupOf(frame []byte) (netip.Addr, bool) {
	packet := frame[linkHeader:]
	var to netip.Addr
	switch kind := binary.BigEndian.Uint16(frame[12:]); {
	case frame[0]&1 == 0:
	case kind == 0x86dd && len(packet) >= 40:
		to = netip.AddrFrom16([16]byte(packet[24:]))
	case kind == 0x0800 && len(packet) >= 20:
		to = netip.AddrFrom4([4]byte(packet[16:]))
	}
	return to, to.IsMulticast()
}

// take gives the stack a frame that arrives from a segment, so long after it was sent, if the port is still
// there.
func (p *port) take(r *record, after time.Duration, frame []byte, from *Segment) {
	p.h.l.wires.Lock()
	there := p.segment == from
	p.h.l.wires.Unlock()
	select {
	case <-p.reading:
	default: // the interface is about to come up
		there = false
	}
	if !there {
		r.unplugged(p, after)
		return
	}
	if p.gate.passes(p, from, In, frame) {
		p.deliver(offload.Packet{Info: offload.Info{Network: linkHeader}, Pieces: [][]byte{frame}})
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
	p.h.l.wires.Lock()
	defer p.h.l.wires.Unlock()
	p.h.turns.note()
	if p.segment == nil || len(frame) < linkHeader || p.hold(frame) {
		return
	}
	if len(p.reports) > 0 {
		p.flush()
	}
	if p.gate.passes(p, p.segment, Out, frame) {
		p.segment.forward(p, frame)
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

// Close unplugs the port for good.
func (p *port) Close() error {
	p.once.Do(func() {
		close(p.closed)
		p.plug(nil)
	})
	return nil
}
