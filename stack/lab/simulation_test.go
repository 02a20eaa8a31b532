package lab_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/hextet/hextet/dnsreg"
	"github.com/hextet/hextet/stack/lab"
)

// Code that waits for channels, by a lab's clock, keeps the lab's order.
func TestSimulation(t *testing.T) {
	l := lab.New(t)
	clock, ok := l.Clock().(dnsreg.Simulation)
	if !ok {
		t.Fatal("a lab's clock is no dnsreg.Simulation")
	}
	start, rung := l.Now(), make(chan struct{})
	var order []string
	closed := func() bool {
		select {
		case <-rung:
			return true
		default:
			return false
		}
	}
	clock.AfterFunc(time.Hour, func() { close(rung) })
	task := l.Go("waits", func(context.Context) error {
		clock.Wait(closed)
		order = append(order, "task")
		return nil
	})
	clock.Go(func() {
		clock.Wait(closed)
		order = append(order, "goroutine")
	})
	clock.Wait(closed)
	order = append(order, "first")
	if err := task.Wait(); err != nil {
		t.Fatal(err)
	}
	l.Sleep(time.Second)
	slices.Sort(order) // who was asked first goes first, and that is not promised
	if took := l.Now().Sub(start); took != time.Hour+time.Second || !slices.Equal(order, []string{"first", "goroutine", "task"}) {
		t.Errorf("%v: %v", took, order)
	}
	if l.Foreign() {
		t.Error("goroutines were noticed that are not the lab's")
	}
}

// Who waits for what never comes is let go by the end of the lab.
func TestSimulationEnds(t *testing.T) {
	l, err := lab.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	clock := l.Clock().(dnsreg.Simulation)
	ended := make(chan struct{})
	clock.Go(func() {
		defer close(ended)
		clock.Wait(func() bool { return false })
	})
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	<-ended
}

// Luck is the Seed's.
func TestSimulationSource(t *testing.T) {
	draw := func(seed uint64) (drawn []uint64) {
		src := lab.New(t, lab.Config{Seed: seed}).Clock().(interface{ Source() rand.Source }).Source()
		for range 4 {
			drawn = append(drawn, src.Uint64())
		}
		return drawn
	}
	if a, b, c := draw(1), draw(1), draw(2); !slices.Equal(a, b) || slices.Equal(a, c) {
		t.Errorf("%v, %v, %v", a, b, c)
	}
}
