package engine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
)

// script sets, stops and resets timers of c at random, and returns what came of it. Timers that expire at one
// moment do so in any order, and have run before anything is done to one.
func script(c tcpip.Clock, seed uint64) (log []string) {
	var mu sync.Mutex
	start := time.Now()
	note := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		log = append(log, fmt.Sprintf("%6d ", time.Since(start)/time.Millisecond)+fmt.Sprintf(format, args...))
	}
	rnd := rand.New(rand.NewPCG(seed, 0))
	var timers []tcpip.Timer
	for range 200 {
		d := time.Duration(rnd.IntN(4)) * 10 * time.Millisecond
		synctest.Wait()
		switch n := len(timers); rnd.IntN(4) {
		case 0:
			timers = append(timers, c.AfterFunc(d, func() { note("timer %d runs", n) }))
		case 1:
			if n > 0 {
				at := rnd.IntN(n)
				note("timer %d stopped: %v", at, timers[at].Stop())
			}
		case 2:
			if n > 0 {
				timers[rnd.IntN(n)].Reset(d)
			}
		case 3:
			time.Sleep(time.Duration(rnd.IntN(3)) * 5 * time.Millisecond)
		}
	}
	time.Sleep(time.Second)
	synctest.Wait()
	slices.Sort(log)
	return log
}

// To those who use its timers, a clock is as gVisor's own.
func TestTimersAreAsGvisors(t *testing.T) {
	ran := 0
	for seed := range uint64(200) {
		synctest.Test(t, func(t *testing.T) {
			got, want := script(newClock(), seed), script(tcpip.NewStdClock(), seed)
			for n := range max(len(got), len(want)) {
				if n >= len(got) || n >= len(want) || got[n] != want[n] {
					t.Fatalf("seed %d: from the %dth thing on\n%q, want\n%q", seed, n, got[n:min(n+5, len(got))], want[n:min(n+5, len(want))])
				}
				ran++
			}
		})
	}
	if ran < 10_000 {
		t.Error("only", ran, "things happened")
	}
}

// held returns a clock whose first timer runs until release is called.
func held(patience time.Duration) (c *clock, release func()) {
	c = newClock()
	c.patience = patience
	begun, end := make(chan struct{}), make(chan struct{})
	c.AfterFunc(0, func() { close(begun); <-end })
	<-begun
	return c, func() { close(end) }
}

// Timers that expire while one runs wait for it, and run one by one in their order. Those that were stopped
// meanwhile don't, and those that were set again run when they are due again.
func TestTimersShareAGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, release := held(time.Hour)
		var order []int // the race detector sees who else runs
		var timers []tcpip.Timer
		for n := range 8 {
			timers = append(timers, c.AfterFunc(0, func() { order = append(order, n) }))
		}
		if !timers[3].Stop() || timers[3].Stop() {
			t.Error("a timer in the queue can be stopped, once")
		}
		timers[4].Stop()
		timers[4].Reset(0) // it has kept its place
		timers[5].Reset(0)
		timers[6].Reset(time.Second)
		time.Sleep(time.Second)
		synctest.Wait()
		if timers[1].(*timer).state != timerDue || len(order) > 0 {
			t.Errorf("%v ran while another did", order)
		}
		release()
		synctest.Wait()
		if want := []int{0, 1, 2, 4, 5, 6, 7}; !slices.Equal(order, want) {
			t.Errorf("timers ran in the order %v, want %v", order, want)
		}
		if timers[0].Stop() {
			t.Error("a timer that ran can be stopped")
		}
		if c.first != nil || c.last != nil || c.runner != 0 {
			t.Error("the queue is not empty")
		}
	})
}

// The expiry of a timer that was stopped, and set again, before it was noticed is none.
func TestTimerExpiresTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := newClock().AfterFunc(time.Hour, func() { t.Error("it ran") }).(*timer)
		late.expired() // of the time before
		synctest.Wait()
		late.Stop()
		late.expired()
		synctest.Wait()
	})
}

// A timer that is stuck holds nobody up for long, and its goroutine ends once it is free.
func TestTimersPassOneThatIsStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, release := held(time.Second)
		defer release()
		start := time.Now()
		done, more := make(chan int), make(chan struct{})
		for n := range 3 {
			c.AfterFunc(0, func() { done <- n; <-more }) // stuck, too
		}
		for range 3 {
			<-done
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("others waited for %v", took)
		}
		c.AfterFunc(0, func() { done <- 3 })
		if <-done; time.Since(start) > time.Second {
			t.Error("who comes later waits too")
		}
		close(more)
	})
}

// Timers that take long get help: they don't wait for all that came before them.
func TestSlowTimersGetHelp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, release := held(200 * time.Millisecond)
		start, done := time.Now(), make(chan time.Duration, 20)
		for range cap(done) {
			c.AfterFunc(0, func() { time.Sleep(150 * time.Millisecond); done <- time.Since(start) })
		}
		release()
		var last time.Duration
		for range cap(done) {
			last = <-done
		}
		if alone := 20 * 150 * time.Millisecond; last > alone/2 {
			t.Errorf("the last one was done after %v, one by one it is %v", last, alone)
		}
		synctest.Wait()
		if c.first != nil || c.runner != 0 {
			t.Error("the queue is not empty")
		}
	})
}
