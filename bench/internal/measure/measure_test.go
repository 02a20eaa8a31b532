package measure

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"testing"
	"time"
)

// A fakeTime is a clock that moves only when a contender says so.
type fakeTime struct{ now time.Duration }

func (f *fakeTime) clock() time.Duration { return f.now }

// contender returns one whose turns take d each, plus what extra says for the call.
func (f *fakeTime) contender(name string, d time.Duration, calls *[]string) Contender {
	return Contender{Name: name, Run: func(n int) {
		f.now += time.Duration(n) * d
		if calls != nil {
			*calls = append(*calls, name)
		}
	}}
}

func TestRunMedians(t *testing.T) {
	var f fakeTime
	eight := f.contender("eight operations a turn", 80*time.Nanosecond, nil)
	eight.Ops = 8
	samples, err := Run(t.Context(), Config{Rounds: 7, Round: time.Microsecond, Clock: f.clock},
		f.contender("slow", 3*time.Millisecond, nil), f.contender("fast", 20*time.Nanosecond, nil), eight)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{3e6, 20, 10} {
		if got := samples[i].Median(); got != want || len(samples[i].Rounds) != 7 {
			t.Errorf("%s: median %v in %d rounds, want %v in 7", samples[i].Name, got, len(samples[i].Rounds), want)
		}
	}
}

// Each contender comes once per round, and none is always first.
func TestRunInterleaves(t *testing.T) {
	var f fakeTime
	var calls []string
	_, err := Run(t.Context(), Config{Rounds: 3, Round: time.Nanosecond, Clock: f.clock},
		f.contender("a", time.Microsecond, &calls), f.contender("b", time.Microsecond, &calls), f.contender("c", time.Microsecond, &calls))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"a", "a", "a", "b", "b", "b", "c", "c", "c" /* calibration */, "a", "b", "c", "b", "c", "a", "c", "a", "b"}
	if !slices.Equal(calls, want) {
		t.Errorf("order %q, want %q", calls, want)
	}
}

func TestCalibrate(t *testing.T) {
	for _, tt := range []struct {
		name         string
		turn, round  time.Duration
		limit, turns int
	}{
		{"many short turns", 10 * time.Nanosecond, time.Millisecond, 0, 100_000},
		{"one turn is longer than a round", time.Second, time.Millisecond, 0, 1},
		{"limit", 10 * time.Nanosecond, time.Millisecond, 256, 256},
		{"one turn at most", time.Second, time.Millisecond, 1, 1},
		{"limit not reached", 100 * time.Microsecond, time.Millisecond, 256, 10},
	} {
		var f fakeTime
		c := f.contender(tt.name, tt.turn, nil)
		c.Limit = tt.limit
		n, err := calibrate(t.Context(), Config{Round: tt.round, Clock: f.clock}, &c)
		if err != nil || n != tt.turns {
			t.Errorf("%s: %d turns, %v; want %d", tt.name, n, err, tt.turns)
		}
	}
}

func TestStretched(t *testing.T) {
	for _, tt := range []struct {
		cfg           Config
		longer, fewer int
		rounds        int
		round         time.Duration
	}{
		{Config{Rounds: 31, Round: time.Millisecond}, 20, 3, 10, 20 * time.Millisecond},
		{Config{Rounds: 2, Round: time.Millisecond}, 0, 3, 1, time.Millisecond},
		{Config{}, 0, 0, 41, time.Millisecond},
	} {
		if got := tt.cfg.Stretched(tt.longer, tt.fewer); got.Rounds != tt.rounds || got.Round != tt.round {
			t.Errorf("%+v stretched %d, %d: %+v", tt.cfg, tt.longer, tt.fewer, got)
		}
	}
}

// What is limited to one turn runs in the rounds that count only.
func TestOneTurnIsNotCalibrated(t *testing.T) {
	var f fakeTime
	var calls []string
	c := f.contender("c", time.Second, &calls)
	c.Limit = 1
	if _, err := Run(t.Context(), Config{Rounds: 3, Clock: f.clock}, c); err != nil || len(calls) != 3 {
		t.Errorf("%d turns, %v; want 3", len(calls), err)
	}
}

// A machine that stops for a moment during the calibration leads to no short rounds.
func TestCalibrateInterrupted(t *testing.T) {
	var f fakeTime
	c := f.contender("c", 10*time.Nanosecond, nil)
	run, calls := c.Run, 0
	c.Run = func(n int) {
		run(n)
		if calls++; calls%3 == 1 {
			f.now += 5 * time.Millisecond
		}
	}
	if n, err := calibrate(t.Context(), Config{Round: time.Millisecond, Clock: f.clock}, &c); err != nil || n != 100_000 {
		t.Errorf("%d turns, %v; want 100000", n, err)
	}
}

func TestCalibrateWithoutTime(t *testing.T) {
	var f fakeTime
	c := f.contender("free", 0, nil)
	if _, err := Run(t.Context(), Config{Clock: f.clock}, c); !errors.Is(err, ErrTooFast) {
		t.Errorf("got %v", err)
	}
}

// What Before and After do is not timed, and both hear of every turn.
func TestBeforeAndAfter(t *testing.T) {
	var f fakeTime
	c := f.contender("c", time.Microsecond, nil)
	ready := 0
	run := c.Run
	c.Before = func(n int) { ready += n; f.now += time.Hour }
	c.After = func(n int) { f.now += time.Hour }
	c.Run = func(n int) { ready -= n; run(n) }
	samples, err := Run(t.Context(), Config{Rounds: 3, Clock: f.clock}, c)
	if err != nil || samples[0].Median() != 1000 || ready != 0 {
		t.Errorf("median %v, %d left over, %v", samples, ready, err)
	}
}

func TestRunCancelled(t *testing.T) {
	var f fakeTime
	ctx, cancel := context.WithCancel(t.Context())
	c := f.contender("c", time.Microsecond, nil)
	run, calls := c.Run, 0
	c.Run = func(n int) {
		run(n)
		if calls++; calls == 15 {
			cancel()
		}
	}
	samples, err := Run(ctx, Config{Rounds: 1000, Clock: f.clock}, c)
	if !errors.Is(err, context.Canceled) || samples != nil || calls != 15 {
		t.Errorf("%v, %v after %d calls", samples, err, calls)
	}
}

func TestQuantiles(t *testing.T) {
	s := Sample{Rounds: []float64{5, 1, 4, 2, 3}}
	low, high := s.Quartiles()
	if s.Median() != 3 || low != 2 || high != 4 || math.Abs(s.Spread()-2./3) > 1e-12 || s.Outliers() != 0 {
		t.Errorf("%v: median %v, quartiles %v %v, spread %v", s, s.Median(), low, high, s.Spread())
	}
	if s := (Sample{Rounds: []float64{1, 2}}); s.Median() != 1.5 {
		t.Errorf("%v: median %v", s, s.Median())
	}
	if s := (Sample{Rounds: []float64{1, 1.1, 0.9, 1, 1.05, 9, 0.01}}); s.Outliers() != 2 {
		t.Errorf("%v: %d outliers", s, s.Outliers())
	}
	if (Sample{}).Median() != 0 || (Sample{}).Spread() != 0 {
		t.Error("an empty sample has a median")
	}
}

// A difference that the rounds themselves show is no difference; a machine that is
// slower for a while is none of either.
func TestCompare(t *testing.T) {
	steady := Sample{Rounds: []float64{10, 10.1, 10.2, 10.1, 10}}
	faster := Sample{Rounds: []float64{9, 9.1, 9.2, 9.1, 30}} // one outlier changes nothing
	noisy := Sample{Rounds: []float64{6, 7, 9, 11, 12}}
	halfway := Sample{Rounds: []float64{10, 10, 10, 20, 20, 20}}
	halfwayFaster := Sample{Rounds: []float64{9, 9, 9, 18, 18, 18}} // its quartiles overlap halfway's
	for _, tt := range []struct {
		a, b Sample
		want Verdict
	}{
		{faster, steady, Faster},
		{steady, faster, Slower},
		{noisy, steady, Same},
		{steady, noisy, Same},
		{steady, steady, Same},
		{halfwayFaster, halfway, Faster},
		{halfway, halfwayFaster, Slower},
		{Sample{}, Sample{}, Same},
	} {
		if got := Compare(tt.a, tt.b); got != tt.want {
			t.Errorf("%v against %v: %s, want %s", tt.a.Rounds, tt.b.Rounds, got, tt.want)
		}
	}
}

func TestRatios(t *testing.T) {
	r := Ratios(Sample{Name: "a", Rounds: []float64{1, 2, 0}}, Sample{Name: "b", Rounds: []float64{3, 5, 7, 9}})
	if !slices.Equal(r.Rounds, []float64{3, 2.5}) || r.Name != "b/a" {
		t.Errorf("%v", r)
	}
}

var kept []*[64]byte

func TestAllocations(t *testing.T) {
	three := Contender{Run: func(n int) {
		for range 3 * n {
			kept = append(kept[:0], new([64]byte))
		}
	}}
	if got := Allocations(three, 1000); got != 3 {
		t.Errorf("%v allocations, want 3", got)
	}
	if got := Allocations(Contender{Run: func(int) {}}, 1000); got != 0 {
		t.Errorf("%v allocations, want 0", got)
	}
}

func TestLiveBytes(t *testing.T) {
	const size = 1 << 20
	got := LiveBytes(func() any { b := make([]byte, size); return &b })
	if got < size || got > size+64<<10 {
		t.Errorf("%v bytes, want about %d", got, size)
	}
}

// The stacks of goroutines count, and go when these end.
func TestHeldBytes(t *testing.T) {
	const goroutines = 500
	end := make(chan struct{})
	var wg sync.WaitGroup
	got := HeldBytes(func() any {
		for range goroutines {
			wg.Go(func() { <-end })
		}
		return nil
	})
	close(end)
	wg.Wait()
	if got < goroutines*2048 || got > goroutines*8192 {
		t.Errorf("%v bytes for %d goroutines", got, goroutines)
	}
}
