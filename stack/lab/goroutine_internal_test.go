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
