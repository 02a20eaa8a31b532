package lab

import "testing"

func TestParseGoroutine(t *testing.T) {
	for line, want := range map[string]struct {
		id    uint64
		state string
		ok    bool
	}{
		"goroutine 7 [running]:\nmain.main()":                     {7, "running", true},
		"goroutine 18 [chan receive, 2 minutes]:":                 {18, "chan receive", true},
		"goroutine 1 gp=0xc000 m=nil [select, locked to thread]:": {1, "select", true},
		"goroutine x [running]:":                                  {},
		"":                                                        {},
	} {
		if id, state, ok := parseGoroutine([]byte(line)); id != want.id || state != want.state || ok != want.ok {
			t.Errorf("%q: %d %q %v", line, id, state, ok)
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
