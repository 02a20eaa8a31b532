package lab

import (
	"bytes"
	"fmt"
	"time"
)

// Impairment is what happens to packets on their way. The zero Impairment is nothing at all. Shares are
// probabilities from 0 to 1; they are decided for each packet by the lab's seed, the place, between whom the
// packet goes and how many went there before it, and by nothing else: what others send changes no packet's
// luck.
type Impairment struct {
	Loss      float64 // share of packets lost
	Duplicate float64 // share that arrives twice
	Corrupt   float64 // share of which one bit, behind the link-layer header, is inverted

	Latency time.Duration // from one end to the other
	Jitter  time.Duration // up to so much more, evenly; packets between the same two keep their order
	Reorder float64       // share that is Latency late once more, or 1 ms if that is zero: others overtake

	Bandwidth int // bits per second, of whole frames, of all that pass here. Zero: no limit
	Queue     int // bytes that wait for the bandwidth; what does not fit is dropped. Zero: 64 KiB

	MTU int // longer IP packets vanish, as in a tunnel that tells nobody. Zero: no limit

	Down bool // nothing passes
}

func (i Impairment) check() error {
	for _, share := range []struct {
		name string
		of   float64
	}{{"Loss", i.Loss}, {"Duplicate", i.Duplicate}, {"Corrupt", i.Corrupt}, {"Reorder", i.Reorder}} {
		if !(share.of >= 0 && share.of <= 1) {
			return fmt.Errorf("the field Impairment.%s is %v, not a share from 0 to 1", share.name, share.of)
		}
	}
	for _, n := range []struct {
		name string
		of   int64
	}{{"Latency", int64(i.Latency)}, {"Jitter", int64(i.Jitter)}, {"Bandwidth", int64(i.Bandwidth)}, {"Queue", int64(i.Queue)}, {"MTU", int64(i.MTU)}} {
		if n.of < 0 {
			return fmt.Errorf("the field Impairment.%s is negative", n.name)
		}
	}
	return nil
}

// place is where packets come by: one direction of an interface's cable, or a segment.
type place struct {
	Impairment
	name  string
	seed  uint64
	flows map[flowKey]*flow // that were impaired
	queue queue
}

// flowKey is between whom packets go: two ports, or a port and the link-layer address of a group, or
// strangers.
type flowKey struct{ from, to string }

// flow is what is known of those at one place.
type flow struct {
	packets uint64
	last    time.Time // when the latest packet arrives that keeps its order
}

func (p *place) init(seed uint64, name string, i Impairment) {
	p.Impairment, p.seed, p.name = i, seed, name
	p.flows = make(map[flowKey]*flow)
}

// even reports whether luck has no part in what happens here, nor had: all are late by the Latency.
func (p *place) even() bool {
	return p.Loss == 0 && p.Duplicate == 0 && p.Corrupt == 0 && p.Jitter == 0 && p.Reorder == 0 && len(p.flows) == 0
}

// passage is a frame, when it comes out, and what has happened to it so far.
type passage struct {
	at      time.Time
	frame   []byte
	outcome Outcome
	marks   marks
}

// linkHeader is the size of an Ethernet header.
const linkHeader = 14

// carry returns when a frame comes out again, and in which shape, twice if it is duplicated. One that does not
// come out has the Outcome that says why.
func (p *place) carry(k flowKey, in passage) []passage {
	if in = p.admit(in); in.outcome != Delivered {
		return []passage{in}
	}
	return p.fate(k, in)
}

// admit is the part of what happens to a frame that is the same for all who receive it: whether anything
// passes, its size, and the bandwidth.
func (p *place) admit(in passage) passage {
	switch {
	case in.outcome != Delivered:
	case p.Down:
		in.outcome = LinkDown
	case p.MTU > 0 && len(in.frame)-linkHeader > p.MTU:
		in.outcome = TooLong
	case p.Bandwidth > 0:
		at, ok := p.queue.pass(in.at, len(in.frame), p.Bandwidth, p.Queue)
		if in.at = at; !ok {
			in.outcome = QueueFull
		}
	}
	return in
}

// fate is the rest, which luck decides.
func (p *place) fate(k flowKey, in passage) []passage {
	if p.even() {
		in.at = in.at.Add(p.Latency)
		return []passage{in}
	}
	f := p.flows[k]
	if f == nil {
		f = new(flow)
		p.flows[k] = f
	}
	f.packets++
	l := drawLuck(p.seed, p.name, k, f.packets)
	if l.share(ofLoss) < p.Loss {
		in.outcome = Lost
		return []passage{in}
	}
	in.at = in.at.Add(p.Latency + time.Duration(l.share(ofJitter)*float64(p.Jitter)))
	if l.share(ofReorder) < p.Reorder {
		late := p.Latency
		if late == 0 {
			late = time.Millisecond
		}
		in.at = in.at.Add(late)
		in.marks |= reordered
	} else {
		if in.at.Before(f.last) {
			in.at = f.last
		}
		f.last = in.at
	}
	if l.share(ofCorrupt) < p.Corrupt {
		in.frame = invert(in.frame, l.share(ofBit))
		in.marks |= corrupted
	}
	if l.share(ofDuplicate) < p.Duplicate {
		again := in
		again.marks |= duplicate
		return []passage{in, again}
	}
	return []passage{in}
}

// invert returns a copy of a frame of which one bit, behind the link-layer header, is inverted.
func invert(frame []byte, which float64) []byte {
	frame = bytes.Clone(frame)
	if bits := 8 * (len(frame) - linkHeader); bits > 0 {
		n := int(which * float64(bits))
		frame[linkHeader+n/8] ^= 1 << (n % 8)
	}
	return frame
}

// queue is what waits for a bandwidth.
type queue struct {
	waiting []departure // the earliest first
	bytes   int
}

type departure struct {
	at   time.Time
	size int
}

const defaultQueue = 64 << 10

// pass returns when the last bit of a frame that comes now has passed, or false if there is no room for it
// among those that wait, the one that is passing included.
func (q *queue) pass(now time.Time, size, bitsPerSecond, limit int) (time.Time, bool) {
	gone := 0
	for gone < len(q.waiting) && !q.waiting[gone].at.After(now) {
		q.bytes -= q.waiting[gone].size
		gone++
	}
	q.waiting = append(q.waiting[:0], q.waiting[gone:]...)
	if limit == 0 {
		limit = defaultQueue
	}
	if len(q.waiting) > 0 && q.bytes+size > limit {
		return now, false
	}
	from := now
	if len(q.waiting) > 0 {
		from = q.waiting[len(q.waiting)-1].at
	}
	d := departure{from.Add(transmission(size, bitsPerSecond)), size}
	q.waiting, q.bytes = append(q.waiting, d), q.bytes+size
	return d.at, true
}

// transmission returns how long so many bytes take, rounded up.
func transmission(size, bitsPerSecond int) time.Duration {
	bits, bps := int64(size)*8*int64(time.Second), int64(bitsPerSecond)
	return time.Duration((bits-1)/bps + 1)
}
