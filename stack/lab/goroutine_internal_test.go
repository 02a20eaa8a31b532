package lab

import "testing"

func TestParseGoroutine(t *testing.T) {
	for stack, want := range map[string]struct {
		id      uint64
		state   string
		started bool
		by      uint64
		ok      bool
	}{
		"goroutine 7 [running]:\nmain.main()\n\t/a.go:1 +0x1":                                            {id: 7, state: "running", ok: true},
		"goroutine 18 [chan receive, 2 minutes]:\na.f()\n\t/a.go:1\ncreated by a.g in goroutine 6\n\t/b": {18, "chan receive", true, 6, true},
		"goroutine 1 gp=0xc000 m=nil [select, locked to thread]:":                                        {id: 1, state: "select", ok: true},
		"goroutine 9 [runnable]:\ncreated by time.goFunc\n\t/sleep.go:1":                                 {9, "runnable", true, 0, true},
		"goroutine 9 [runnable]:\na.f(created by a.g in goroutine 6)\n\t/sleep.go:1":                     {id: 9, state: "runnable", ok: true},
		"goroutine x [running]:": {},
		"":                       {},
	} {
		if g, ok := parseGoroutine([]byte(stack)); g.id != want.id || g.state != want.state || g.started != want.started || g.by != want.by || ok != want.ok {
			t.Errorf("%q: %+v %v", stack, g, ok)
		}
	}
}

// Who waits for the runtime does not wait for another goroutine.
func TestWaits(t *testing.T) {
	for head, want := range map[string]bool{
		"select]:":                         true,
		"select (no cases)]:":              true,
		"chan receive (nil chan)]:":        true,
		"chan send (durable)]:":            true,
		"sync.Mutex.Lock]:":                true,
		"sync.WaitGroup.Wait, 2 minutes]:": true,
		"sleep]:":                          true,
		"IO wait]:":                        true,
		"runnable]:":                       false,
		"running]:":                        false,
		"preempted]:":                      false,
		"wait for GC cycle]:":              false,
		"GC assist wait]:":                 false,
		"stopping the world]:":             false,
		"something new]:":                  false,
		"semacquire]:\ninternal/poll.runtime_Semacquire(0x1)\n\t/a.go:1":    true,
		"semacquire]:\ninternal/runtime/maps.newarray(0x1, 0x2)\n\t/a.go:1": false,
		"semacquire]:\nruntime.ReadMemStats(0x1)\n\t/a.go:1":                false,
		"syscall]:\nos/signal.signal_recv()\n\t/a.go:1":                     true,
		"syscall, locked to thread]:\nsyscall.Syscall(0x1, 0x2)\n\t/a.go:1": false,
	} {
		g, ok := parseGoroutine([]byte("goroutine 7 [" + head))
		if got := g.waits(); !ok || got != want {
			t.Errorf("%q waits: %v", head, got)
		}
	}
}

// A goroutine is its ancestors', as far as these can be told.
func TestMayBeOf(t *testing.T) {
	all := make(goroutines)
	for _, g := range []goroutine{
		{id: 1},
		{id: 2, started: true, by: 1},
		{id: 3, started: true, by: 2},
		{id: 4, started: true, by: 3},
		{id: 5, started: true, by: 1},
		{id: 6, started: true, by: 5},
		{id: 7, started: true, by: 99}, // who has ended
		{id: 8, started: true, by: 7},
		{id: 9, started: true}, // by the runtime
	} {
		all[g.id] = g
	}
	for id, g := range all {
		if got, want := all.mayBeOf(g, map[uint64]bool{2: true}), id != 1 && id != 5 && id != 6; got != want {
			t.Errorf("%d: %v", id, got)
		}
	}
}

// Who waits is told from who runs, has ended, or has not begun.
func TestAllWait(t *testing.T) {
	id, end, ended := make(chan uint64), make(chan int), make(chan int)
	go func() {
		defer close(ended)
		id <- goroutineID()
		<-end
	}()
	waiting := <-id
	for !allWait([]uint64{waiting}) {
	}
	if allWait([]uint64{waiting, goroutineID()}) {
		t.Error("the caller waits")
	}
	if allWait([]uint64{waiting, 0}) {
		t.Error("one that has not begun waits")
	}
	close(end)
	<-ended
	for !allWait([]uint64{waiting}) {
	}
}
