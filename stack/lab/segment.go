package lab

import (
	"fmt"
)

// SegmentConfig configures a Segment. The zero SegmentConfig is a perfect wire of MTU 1500.
type SegmentConfig struct {
	// Name is what the segment is called, in traces too. Empty: "lan" and a number.
	Name string

	// MTU is that of the interfaces on it. Zero: 1500.
	MTU int

	// Impair is what happens to every packet that crosses it, to each receiver's copy by itself. The
	// bandwidth is shared by all.
	Impair Impairment
}

// A Segment is an Ethernet switch with as many ports as it takes.
type Segment struct {
	l    *Lab
	name string
	mtu  int

	// Under the lab's wires.
	ports  []*port // in the order in which they were plugged in
	places map[string]*port
	way    place         // through the switch
	parts  map[*Host]int // nil: everybody reaches everybody

	members members // of groups
}

// AddSegment adds a segment.
func (l *Lab) AddSegment(cfg SegmentConfig) (*Segment, error) {
	if cfg.MTU == 0 {
		cfg.MTU = 1500
	}
	if cfg.MTU < 1280 || cfg.MTU > 65535 {
		return nil, fmt.Errorf("lab: segment %q: the MTU %d is not between 1280 (RFC 8200 section 5) and 65535", cfg.Name, cfg.MTU)
	}
	if err := cfg.Impair.check(); err != nil {
		return nil, fmt.Errorf("lab: segment %q: %w", cfg.Name, err)
	}
	if _, err := l.newName(&cfg.Name, "lan"); err != nil {
		return nil, fmt.Errorf("lab: segment %q: %w", cfg.Name, err)
	}
	s := &Segment{l: l, name: cfg.Name, mtu: cfg.MTU, places: make(map[string]*port), members: make(members)}
	s.way.init(l.cfg.Seed, cfg.Name, cfg.Impair)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.segments = append(l.segments, s)
	return s, nil
}

// Segment is AddSegment for tests, which an error ends. Outside of one it panics.
func (l *Lab) Segment(cfg SegmentConfig) *Segment {
	if l.tb != nil {
		l.tb.Helper()
	}
	return must(l, cfg, l.AddSegment)
}

// firstSegment makes one if there is none.
func (l *Lab) firstSegment() (*Segment, error) {
	l.beginning.Lock()
	defer l.beginning.Unlock()
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

// MTU returns the size of the largest IP packet that crosses the segment.
func (s *Segment) MTU() int { return s.mtu }

// Impair changes what happens to packets that are sent from now on, and reports what is wrong with i, in
// which case nothing changes.
func (s *Segment) Impair(i Impairment) error {
	if err := i.check(); err != nil {
		return fmt.Errorf("lab: segment %q: %w", s.name, err)
	}
	s.l.wires.Lock()
	defer s.l.wires.Unlock()
	s.way.Impairment = i
	return nil
}

// Partition lets only those reach each other that are in the same group. Hosts that are in none are together
// in one more. It takes the place of an earlier partition. Packets on their way arrive.
func (s *Segment) Partition(groups ...[]*Host) error {
	parts := make(map[*Host]int)
	for n, g := range groups {
		for _, h := range g {
			if h == nil {
				return fmt.Errorf("lab: segment %q: partition: group %d has a nil host", s.name, n)
			}
			if h.l != s.l {
				return fmt.Errorf("lab: segment %q: partition: group %d has host %q, which is another lab's", s.name, n, h.name)
			}
			if other, ok := parts[h]; ok && other != n+1 {
				return fmt.Errorf("lab: segment %q: partition: host %q is in the groups %d and %d", s.name, h.name, other-1, n)
			}
			parts[h] = n + 1
		}
	}
	s.l.wires.Lock()
	defer s.l.wires.Unlock()
	s.parts = parts
	return nil
}

// Heal ends a partition.
func (s *Segment) Heal() {
	s.l.wires.Lock()
	defer s.l.wires.Unlock()
	s.parts = nil
}

// forward passes a frame on to whom it is for: everybody else, if it is for a group or nobody has the
// address. It is called below locks of the sender's stack, and with the lab's wires locked.
func (s *Segment) forward(from *port, frame []byte) {
	now := s.l.sched.time()
	r := s.l.trace.record(now, from, frame)
	defer func() { s.l.scripts.see(from.h.turns, r.settle()) }()
	to, name := s.receivers(frame)
	in := passage{at: now, frame: frame}
	if len(frame)-linkHeader > s.mtu { // a cable from a segment with a larger one
		in.outcome = TooLong
	}
	alike := len(to) > 1 && s.alike()
	for _, out := range from.send.carry(flowKey{from.name, name}, in) {
		if out = s.way.admit(out); out.outcome == Delivered && alike {
			out.at = out.at.Add(s.way.Latency)
			s.flood(r, from, to, out)
			continue
		}
		var copies []arrival
		for _, p := range to {
			if p != from {
				copies = s.cross(copies, from, p, out)
			}
		}
		s.deliver(r, copies)
	}
}

// receivers returns the ports that a frame is for, and what they are called together.
func (s *Segment) receivers(frame []byte) ([]*port, string) {
	address := string(frame[:6])
	multicast := frame[0]&1 != 0
	if !multicast {
		if to := s.places[address]; to != nil {
			return []*port{to}, to.name
		}
	}
	if !multicast {
		return s.ports, strangers
	}
	return s.ports, address
}

// strangers are all who have addresses that nobody on the segment has, for a sender: there is no end of them.
const strangers = "strangers"

// alike reports whether the same happens to all copies of a frame.
func (s *Segment) alike() bool {
	if !s.way.even() || s.parts != nil {
		return false
	}
	for _, p := range s.ports {
		if p.receive.Impairment != (Impairment{}) || !p.receive.even() {
			return false
		}
	}
	return true
}

// flood is deliver for copies that arrive at the same time everywhere. A group may have a thousand ports, and
// nobody in it: they are one event, which keeps nothing for each.
func (s *Segment) flood(r *record, from *port, to []*port, out passage) {
	for _, p := range to {
		if p != from {
			r.arrives(p, out)
		}
	}
	to = to[:len(to):len(to)] // whoever is plugged in later is not among them
	after := out.at.Sub(r.p.Time)
	s.l.sched.arrange(&event{kind: ofWire, f: func() {
		for _, p := range s.members.of(out.frame, to, s.l.sched.touches.Add(1)) {
			if p != from && p.wants(out.frame) {
				s.l.sched.deliver(p.h.turns, func() { p.take(r, after, out.frame, s) })
			}
		}
	}}, after)
}

// arrival is a copy of a frame that arrives at a port.
type arrival struct {
	passage
	to *port
}

// cross adds what becomes of a frame on the way to one of its receivers.
func (s *Segment) cross(copies []arrival, from, to *port, in passage) []arrival {
	if in.outcome == Delivered && s.parts[to.h] != s.parts[from.h] {
		in.outcome = Partitioned
	}
	if in.outcome != Delivered {
		return append(copies, arrival{in, to})
	}
	k := flowKey{from.name, to.name}
	for _, t := range s.way.fate(k, in) {
		if t.outcome != Delivered {
			copies = append(copies, arrival{t, to})
			continue
		}
		for _, a := range to.receive.carry(k, t) {
			copies = append(copies, arrival{a, to})
		}
	}
	return copies
}

// deliver arranges for copies of a frame to arrive.
func (s *Segment) deliver(r *record, copies []arrival) {
	for _, a := range copies {
		r.arrives(a.to, a.passage)
		if a.outcome != Delivered {
			continue
		}
		after := a.at.Sub(r.p.Time)
		s.l.sched.after(a.to.h.turns, after, func() {
			if a.to.wants(a.frame) {
				a.to.take(r, after, a.frame, s)
			}
		})
	}
}
