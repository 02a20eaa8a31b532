package stack_test

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
)

func passed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestDeadline(t *testing.T) {
	clock := newSteppedClock()
	d := stack.NewDeadline(clock)
	in := func(x time.Duration) time.Time { return clock.Now().Add(x) }

	clock.Advance(24 * time.Hour)
	first := d.Wait()
	if passed(first) {
		t.Fatal("a deadline that was never set has passed")
	}
	d.Set(in(time.Hour))
	clock.Advance(time.Hour - 1)
	if passed(first) {
		t.Fatal("it passed a nanosecond early")
	}
	clock.Advance(1)
	if !passed(first) || !passed(d.Wait()) {
		t.Fatal("it did not pass")
	}
	d.Set(time.Time{})
	if passed(d.Wait()) || !passed(first) {
		t.Fatal("taking it back must help those who come, not those whom it ended")
	}
	second := d.Wait()
	d.Set(in(time.Hour))
	d.Set(in(time.Minute))
	clock.Advance(time.Minute)
	if !passed(second) {
		t.Fatal("an earlier deadline did not reach who waits")
	}
	for _, past := range []time.Duration{0, -1, -time.Hour} {
		d.Set(time.Time{})
		d.Set(in(past))
		if !passed(d.Wait()) {
			t.Fatalf("a deadline %v from now has not passed", past)
		}
	}
	if n := clock.pending(); n != 0 {
		t.Errorf("%d timers are left", n)
	}
	d.End()
	if passed(d.Wait()) {
		t.Error("a deadline that was ended has passed")
	}
	d.Set(in(time.Hour))
	d.Set(in(-1))
	if n := clock.pending(); n != 0 || passed(d.Wait()) {
		t.Errorf("set after the end: %d timers", n)
	}
}

// lateClock is one whose timers are always on their way already when they are stopped.
type lateClock struct {
	*steppedClock
	fired []func()
}

func (c *lateClock) AfterFunc(_ time.Duration, f func()) (stop func() bool) {
	c.fired = append(c.fired, f)
	return func() bool { return false }
}

// TestDeadlineLateTimer: a timer that comes after its deadline was moved ends nothing.
func TestDeadlineLateTimer(t *testing.T) {
	clock := &lateClock{steppedClock: newSteppedClock()}
	d := stack.NewDeadline(clock)
	d.Set(clock.Now().Add(time.Hour))
	d.Set(clock.Now().Add(2 * time.Hour))
	clock.fired[0]()
	if passed(d.Wait()) {
		t.Error("the timer of the first deadline ended the second")
	}
	clock.fired[1]()
	if !passed(d.Wait()) {
		t.Error("the second deadline did not pass")
	}
	d.Set(time.Time{})
	for _, f := range clock.fired {
		f()
	}
	if passed(d.Wait()) {
		t.Error("a timer ended what has no deadline")
	}
	d.Set(clock.Now())
	clock.fired[1]() // the channel is closed: it must not be closed again
}

// TestDeadlineTwin drives a deadline and its slow twin, a time that is compared, through random
// histories.
func TestDeadlineTwin(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	clock := newSteppedClock()
	d := stack.NewDeadline(clock)
	var at time.Time
	for step := range 20_000 {
		switch rng.IntN(3) {
		case 0:
			at = time.Time{}
			d.Set(at)
		case 1:
			at = clock.Now().Add(time.Duration(rng.IntN(20) - 5))
			d.Set(at)
		case 2:
			clock.Advance(time.Duration(rng.IntN(10)))
		}
		want := !at.IsZero() && !at.After(clock.Now())
		if passed(d.Wait()) != want {
			t.Fatalf("step %d: passed is %v at %v for a deadline at %v", step, !want, clock.Now(), at)
		}
	}
}

// TestDeadlineRace sets a deadline from several goroutines while it passes. The race detector and
// the panic of a channel closed twice are the judges.
func TestDeadlineRace(t *testing.T) {
	clock := newSteppedClock()
	d := stack.NewDeadline(clock)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 1000 {
				d.Set(clock.Now().Add(time.Duration(i%3) - 1))
				clock.Advance(1)
				d.Wait()
			}
		})
	}
	wg.Wait()
	d.Set(clock.Now())
	<-d.Wait()
}
