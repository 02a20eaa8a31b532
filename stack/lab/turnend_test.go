package lab_test

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hextet/hextet/stack/lab"
)

// compute keeps a processor busy for so long, longer than a lab takes to wonder about a turn that does not end.
func compute(d time.Duration) {
	for began := time.Now(); time.Since(began) < d; {
		runtime.Gosched()
	}
}

const longTurn = 100 * time.Millisecond

// Who waits for a goroutine that he started keeps his turn, however long that one takes or is kept from its
// processor: another task, which is ready all the time, does not come in between.
func TestTurnIsKept(t *testing.T) {
	for name, wait := range map[string]func(){
		"a goroutine": func() {
			c := make(chan int)
			go func() { compute(longTurn); close(c) }()
			<-c
		},
		"a goroutine of a goroutine that has ended": func() {
			c := make(chan int)
			go func() {
				go func() { compute(longTurn); close(c) }()
			}()
			<-c
		},
		"a lock": func() {
			var mu sync.Mutex
			locked := make(chan int)
			go func() { mu.Lock(); close(locked); compute(longTurn); mu.Unlock() }()
			<-locked
			mu.Lock()
		},
		"the runtime": func() {
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					for range 5 {
						runtime.GC()
					}
				})
			}
			wg.Wait()
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := start(t)
			waits, other := true, false
			l.Go("waits", func(context.Context) error { wait(); waits = false; return nil })
			l.Go("other", func(context.Context) error { other = !waits; return nil })
			if err := l.Wait(); err != nil {
				t.Error(err)
			}
			if !other || l.Foreign() {
				t.Errorf("the other one came after it: %v; foreign: %v", other, l.Foreign())
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A goroutine may use the lab before the task that started it comes to wait for it.
func TestTurnIsLentEarly(t *testing.T) {
	l := lab.New(t)
	began, slept := l.Now(), make(chan struct{})
	go func() { l.Sleep(time.Hour); close(slept) }()
	compute(longTurn)
	<-slept
	if took := l.Now().Sub(began); took != time.Hour || l.Foreign() {
		t.Errorf("%v passed; foreign: %v", took, l.Foreign())
	}
}

// Who waits for something else loses his turn although the process is never quiet: at once if what keeps it busy
// is not the lab's, else when patience is over.
func TestTurnIsLost(t *testing.T) {
	for name, theirs := range map[string]bool{"beside another's goroutine": false, "beside one of its own": true} {
		t.Run(name, func(t *testing.T) {
			patience := time.Hour
			if theirs {
				patience = longTurn
			}
			defer lab.SetHelpPatience(patience)()
			spin := func() (stop func()) { return busyLoop(t) }
			if !theirs {
				defer spin()()
			}
			ended := make(chan error)
			go func() { ended <- waitElsewhere(t, theirs, spin) }() // who is of no kin to the other
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}

// waitElsewhere is a lab in which a task waits for a channel, beside a goroutine that computes.
func waitElsewhere(t *testing.T, theirs bool, spin func() (stop func())) error {
	l, err := lab.Start(context.Background())
	if err != nil {
		return err
	}
	if theirs {
		defer spin()()
	}
	var given atomic.Bool
	c := make(chan int)
	l.Go("waits", func(context.Context) error { <-c; return nil })
	l.Go("gives", func(context.Context) error { given.Store(true); c <- 1; return nil })
	if err := l.Wait(); err != nil {
		return err
	}
	if !given.Load() || !l.Foreign() {
		t.Errorf("given: %v, foreign: %v", given.Load(), l.Foreign())
	}
	return l.Close()
}

// A lab in which everybody waits does not give up while a goroutine that it does not know yet has something left
// to do, however long.
func TestLateGoroutine(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP(short): it takes more than the second after which a lab gives up")
	}
	l := lab.New(t)
	h := l.Host(lab.HostConfig{Addresses: lab.Addresses("2001:db8::1/64")})
	ln, err := h.Listen(t.Context(), "tcp", ":80")
	if err != nil {
		t.Fatal(err)
	}
	dialled := make(chan error, 1)
	go func() {
		compute(1200 * time.Millisecond)
		c, err := h.DialContext(t.Context(), "tcp", "[2001:db8::1]:80")
		if err == nil {
			err = c.Close()
		}
		dialled <- err
	}()
	c, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if err := <-dialled; err != nil {
		t.Error(err)
	}
}
