package lab

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"time"
)

// Impairment is what happens to packets on their way. The zero Impairment is nothing at all. Shares are
// probabilities from 0 to 1; they are decided for each packet by the lab's seed, the place and how many
// packets came by there before, and by nothing else.
type Impairment struct {
	Loss      float64 // share of packets lost
	Duplicate float64 // share that arrives twice
	Corrupt   float64 // share of which one bit, behind the link-layer header, is inverted

	Latency time.Duration // from one end to the other
	Jitter  time.Duration // up to so much more, evenly; packets keep their order
	Reorder float64       // share that is Latency late once more, or 1 ms if that is zero: others overtake

	Bandwidth int // bits per second, of whole frames. Zero: no limit
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
			return fmt.Errorf("Impairment.%s is %v, not a share from 0 to 1", share.name, share.of)
		}
	}
	for _, n := range []struct {
		name string
		of   int64
	}{{"Latency", int64(i.Latency)}, {"Jitter", int64(i.Jitter)}, {"Bandwidth", int64(i.Bandwidth)}, {"Queue", int64(i.Queue)}, {"MTU", int64(i.MTU)}} {
		if n.of < 0 {
			return fmt.Errorf("Impairment.%s is negative", n.name)
		}
	}
	return nil
}

// place is where packets come by one after the other, in one direction.
type place struct {
	Impairment
	seed, hash uint64
	packets    uint64
	free       time.Time // when the bandwidth has worked off what came so far
	last       time.Time // when the latest packet arrives that keeps its order
}

func (p *place) init(seed uint64, name string, i Impairment) {
	p.Impairment, p.seed, p.hash = i, seed, hashOf(name)
}

// carry returns when the frame comes out again, and in which shape, twice if it is duplicated. One that
// does not come out has the Outcome that says why.
func (p *place) carry(in passage) []passage {
	if in.outcome != Delivered {
		return []passage{in}
	}
	p.packets++
	if p.Impairment == (Impairment{}) {
		return []passage{in}
	}
	luck := rand.New(rand.NewPCG(p.seed^p.packets*0x9e3779b97f4a7c15, p.hash))
	lost, twice, bad, late := luck.Float64() < p.Loss, luck.Float64() < p.Duplicate, luck.Float64() < p.Corrupt, luck.Float64() < p.Reorder
	jitter, bit := luck.Float64(), luck.Float64()
	switch {
	case p.Down:
		in.outcome = LinkDown
	case lost:
		in.outcome = Lost
	case p.MTU > 0 && len(in.frame)-14 > p.MTU:
		in.outcome = TooLong
	}
	if in.outcome != Delivered {
		return []passage{in}
	}
	out, ok := p.queued(in.at, len(in.frame))
	if !ok {
		in.outcome = QueueFull
		return []passage{in}
	}
	out = out.Add(p.Latency + time.Duration(jitter*float64(p.Jitter)))
	if late {
		out = out.Add(max(p.Latency, time.Millisecond))
		in.marks |= reordered
	} else {
		if out.Before(p.last) {
			out = p.last
		}
		p.last = out
	}
	if bad {
		in.frame = bytes.Clone(in.frame)
		n := int(bit * float64(8*(len(in.frame)-14)))
		in.frame[14+n/8] ^= 1 << (n % 8)
		in.marks |= corrupted
	}
	in.at = out
	if twice {
		again := in
		again.marks |= duplicate
		return []passage{in, again}
	}
	return []passage{in}
}

// queued returns when the frame has passed the bandwidth.
func (p *place) queued(at time.Time, size int) (time.Time, bool) {
	if p.Bandwidth == 0 {
		return at, true
	}
	if p.free.Before(at) {
		p.free = at
	}
	queue := p.Queue
	if queue == 0 {
		queue = 64 << 10
	}
	waiting := int(p.free.Sub(at).Seconds() * float64(p.Bandwidth) / 8)
	if waiting+size > queue {
		return at, false
	}
	p.free = p.free.Add(time.Duration(float64(size) * 8 / float64(p.Bandwidth) * float64(time.Second)))
	return p.free, true
}
