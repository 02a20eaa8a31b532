package lab

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
	"time"
)

// slowShare is luck.share by arithmetic on integers of any size, from the definition of SplitMix64 and FNV-1a.
func slowShare(seed uint64, place string, k flowKey, n, which uint64) float64 {
	word := new(big.Int).Lsh(big.NewInt(1), 64)
	cut := func(x *big.Int) *big.Int { return x.Mod(x, word) }
	u := func(x uint64) *big.Int { return new(big.Int).SetUint64(x) }
	shift := func(x *big.Int, by uint) *big.Int { return new(big.Int).Xor(x, new(big.Int).Rsh(x, by)) }
	mix := func(x *big.Int) *big.Int {
		x = cut(new(big.Int).Add(x, u(0x9e3779b97f4a7c15)))
		x = cut(new(big.Int).Mul(shift(x, 30), u(0xbf58476d1ce4e5b9)))
		x = cut(new(big.Int).Mul(shift(x, 27), u(0x94d049bb133111eb)))
		return shift(x, 31)
	}
	at := mix(u(seed))
	for _, s := range []string{place, k.from, k.to} {
		h := fnv.New64a()
		h.Write([]byte(s))
		at = mix(new(big.Int).Xor(at, u(h.Sum64())))
	}
	at = mix(new(big.Int).Xor(at, u(n)))
	at = mix(cut(new(big.Int).Add(at, u(which))))
	f, _ := new(big.Float).Quo(new(big.Float).SetInt(new(big.Int).Rsh(at, 11)), new(big.Float).SetInt64(1<<53)).Float64()
	return f
}

func TestLuckIsWhatItsSlowTwinSays(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		seed, n, which := rnd.Uint64(), rnd.Uint64N(1e6), rnd.Uint64N(8)
		k := flowKey{fmt.Sprint(rnd.Uint32N(100)), fmt.Sprint(rnd.Uint32N(100))}
		if got, want := drawLuck(seed, "lan1", k, n).share(which), slowShare(seed, "lan1", k, n, which); got != want {
			t.Fatalf("%v, want %v", got, want)
		}
	}
}

// Shares are even, and those of neighbours, in whatever way they are, have nothing to do with each other.
func TestLuckIsEven(t *testing.T) {
	const n = 100_000
	of := func(seed uint64, place string, k flowKey, which uint64, lag int) []float64 {
		var all []float64
		for i := range n {
			all = append(all, drawLuck(seed, place, k, uint64(i+lag)).share(which)-0.5)
		}
		return all
	}
	k := flowKey{"a", "b"}
	base := of(1, "lan1", k, ofLoss, 0)
	var sum, squares float64
	for _, x := range base {
		sum += x
		squares += x * x
	}
	if mean, variance := sum/n, squares/n; math.Abs(mean) > 5/math.Sqrt(12*n) || math.Abs(variance-1./12) > 0.002 {
		t.Errorf("mean %v, variance %v", mean, variance)
	}
	for name, other := range map[string][]float64{
		"next packet": of(1, "lan1", k, ofLoss, 1), "other seed": of(2, "lan1", k, ofLoss, 0), "other place": of(1, "lan2", k, ofLoss, 0),
		"other way": of(1, "lan1", flowKey{"b", "a"}, ofLoss, 0), "other share": of(1, "lan1", k, ofCorrupt, 0),
	} {
		var c float64
		for i, x := range base {
			c += x * other[i]
		}
		if r := 12 * c / n; math.Abs(r) > 5/math.Sqrt(n) {
			t.Errorf("%s: correlation %v", name, r)
		}
	}
}

// slowQueue finds out about a frame by going through all those before it.
type slowQueue struct{ taken []departure }

func (q *slowQueue) pass(now time.Time, size, bps, limit int) (time.Time, bool) {
	waiting, free := 0, now
	for _, d := range q.taken {
		if d.at.After(now) {
			waiting += d.size
			free = d.at
		}
	}
	if waiting > 0 && waiting+size > limit {
		return now, false
	}
	takes := new(big.Int).Mul(big.NewInt(int64(size)*8), big.NewInt(1e9))
	takes.Add(takes, big.NewInt(int64(bps)-1)).Div(takes, big.NewInt(int64(bps)))
	at := free.Add(time.Duration(takes.Int64()))
	q.taken = append(q.taken, departure{at, size})
	return at, true
}

func TestQueueIsWhatItsSlowTwinSays(t *testing.T) {
	for seed := range uint64(50) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		var fast queue
		var slow slowQueue
		now, bps, limit := time.Unix(0, 0), 1+rnd.IntN(1e8), 1500+rnd.IntN(20000)
		dropped := 0
		for range 500 {
			now = now.Add(time.Duration(rnd.Int64N(2 * int64(transmission(800, bps)))))
			size := 14 + rnd.IntN(1500)
			got, ok := fast.pass(now, size, bps, limit)
			want, wantOK := slow.pass(now, size, bps, limit)
			if !got.Equal(want) || ok != wantOK {
				t.Fatalf("seed %d: %v %v, want %v %v", seed, got, ok, want, wantOK)
			}
			if !ok {
				dropped++
			}
		}
		if seed == 0 && dropped == 0 {
			t.Error("nothing was dropped: the test shows nothing")
		}
	}
}

// What a place does is what it was told, in the share it was told.
func TestPlace(t *testing.T) {
	const n = 20_000
	frame := bytes.Repeat([]byte{0}, 114)
	near := func(t *testing.T, what string, got int, share float64) {
		t.Helper()
		if sigma := math.Sqrt(n * share * (1 - share)); math.Abs(float64(got)-n*share) > 5*sigma {
			t.Errorf("%d %s of %d, want a share of %v", got, what, n, share)
		}
	}
	var p place
	p.init(1, "p", Impairment{Loss: 0.1, Duplicate: 0.05, Corrupt: 0.02, Latency: 10 * time.Millisecond, Jitter: 4 * time.Millisecond, Reorder: 0.03})
	var lost, twice, corrupt, late int
	var last time.Time
	for i := range n {
		now := time.Unix(0, 0).Add(time.Duration(i) * time.Millisecond)
		out := p.carry(flowKey{"a", "b"}, passage{at: now, frame: frame})
		if out[0].outcome != Delivered {
			if out[0].outcome != Lost || len(out) > 1 {
				t.Fatalf("%+v", out)
			}
			lost++
			continue
		}
		if len(out) == 2 {
			twice++
		}
		if out[0].at.Before(now.Add(10 * time.Millisecond)) {
			t.Fatal("early")
		}
		ones := 0
		for j, b := range out[0].frame {
			if b != 0 && (j < linkHeader || b&(b-1) != 0) {
				t.Fatalf("byte %d is %#x", j, b)
			}
			if b != 0 {
				ones++
			}
		}
		if ones > 1 {
			t.Fatal("more than one bit")
		}
		corrupt += ones
		if out[0].at.Before(last) || out[0].at.After(now.Add(19*time.Millisecond)) {
			late++
		} else {
			last = out[0].at
		}
	}
	near(t, "lost", lost, 0.1)
	near(t, "twice", twice, 0.9*0.05)
	near(t, "corrupt", corrupt, 0.9*0.02)
	if late == 0 || late > n/10 {
		t.Error(late, "late")
	}
	for _, b := range frame {
		if b != 0 {
			t.Fatal("the sender's frame changed")
		}
	}

	for name, c := range map[string]struct {
		im   Impairment
		want string
	}{
		"nothing":   {Impairment{}, "0s"},
		"latency":   {Impairment{Latency: 7 * time.Millisecond}, "7ms"},
		"bandwidth": {Impairment{Bandwidth: 1_000_000}, "912µs"},
		"MTU":       {Impairment{MTU: 99}, "too long"},
		"MTU fits":  {Impairment{MTU: 100}, "0s"},
		"down":      {Impairment{Down: true}, "link down"},
		"reordered": {Impairment{Reorder: 1}, "1ms"},
		"loss":      {Impairment{Loss: 1}, "lost"},
	} {
		p.init(1, "p", c.im)
		out := p.carry(flowKey{}, passage{at: time.Unix(0, 0), frame: frame})
		got := out[0].outcome.String()
		if out[0].outcome == Delivered {
			got = out[0].at.Sub(time.Unix(0, 0)).String()
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	if got := invert(make([]byte, linkHeader), 0.5); len(got) != linkHeader {
		t.Error(got)
	}
}

func TestImpairmentRefuses(t *testing.T) {
	for want, i := range map[string]Impairment{
		"Loss": {Loss: 1.1}, "Duplicate": {Duplicate: -1}, "Corrupt": {Corrupt: math.NaN()}, "Reorder": {Reorder: math.Inf(1)},
		"Latency": {Latency: -1}, "Jitter": {Jitter: -1}, "Bandwidth": {Bandwidth: -1}, "Queue": {Queue: -1}, "MTU": {MTU: -1},
	} {
		if err := i.check(); err == nil || !bytes.Contains([]byte(err.Error()), []byte("Impairment."+want)) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// What else comes by a place changes nothing for a flow.
func TestPlaceKeepsFlowsApart(t *testing.T) {
	im := Impairment{Loss: 0.2, Duplicate: 0.1, Corrupt: 0.1, Latency: time.Millisecond, Jitter: time.Millisecond, Reorder: 0.1}
	fates := func(others []flowKey) string {
		var p place
		p.init(7, "p", im)
		var b bytes.Buffer
		for n := range 300 {
			at := time.Unix(0, int64(n)*1000)
			for m, k := range others {
				for range (n + m) % 3 {
					p.carry(k, passage{at: at, frame: make([]byte, 100)})
				}
			}
			fmt.Fprintln(&b, p.carry(flowKey{"a", "b"}, passage{at: at, frame: make([]byte, 20)}))
		}
		return b.String()
	}
	if fates(nil) != fates([]flowKey{{"b", "a"}, {"a", "c"}, {"c", "b"}, {"a", "33330000"}}) {
		t.Error("others change what happens to a flow")
	}
}

// A place does not remember every address that somebody made up.
func TestPlaceForgetsStrangers(t *testing.T) {
	l := New(t)
	s := l.Segment(SegmentConfig{Impair: Impairment{Jitter: time.Millisecond}})
	for range 2 {
		l.Host(HostConfig{Interfaces: []InterfaceConfig{{Segment: s, Send: Impairment{Loss: 0.5}, Receive: Impairment{Loss: 0.5}}}})
	}
	l.Advance(time.Minute)
	from, to := s.ports[0], s.ports[1]
	size := func() int { return len(from.send.flows) + len(to.receive.flows) + len(s.way.flows) }
	before := size()
	for n := range 5000 {
		from.write(append([]byte{2, 0xff, 0, 0, byte(n >> 8), byte(n)}, make([]byte, 54)...))
	}
	l.Advance(time.Minute)
	if now := size(); now > before+3 {
		t.Errorf("%d flows, before %d", now, before)
	}
}
