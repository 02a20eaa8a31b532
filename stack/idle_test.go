package stack_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
)

// idleHosts are hosts that nobody uses yet: bare, or with an interface on a Pipe and an address.
var idleHosts = []struct {
	name string
	make func(t testing.TB) *stack.Stack
}{
	{"bare", newIdle},
	{"interface", func(t testing.TB) *stack.Stack {
		s := newIdle(t)
		l, _ := stack.Pipe(1500)
		attach(t, s, "eth0", l, plain("2001:db8::1/64"))
		return s
	}},
}

func newIdle(t testing.TB) *stack.Stack {
	s, err := stack.New(stack.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// An idle stack costs at most 64 KiB, with an interface too.
func TestIdleStackMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP(short): other tests' garbage makes this one slow")
	}
	if racing {
		t.Skip("SKIP(race): the race detector makes stacks larger")
	}
	for _, host := range idleHosts {
		t.Run(host.name, func(t *testing.T) {
			least := int64(1 << 40) // of several, since earlier tests leave garbage behind
			for range 5 {
				least = min(least, idleStack(t, host.make))
			}
			t.Logf("%d bytes", least)
			if least > 64<<10 {
				t.Errorf("an idle stack has %d bytes, want at most %d", least, 64<<10)
			}
		})
	}
}

// idleStack returns what one stack costs, with 4 KiB for the stack of a goroutine.
func idleStack(t *testing.T, newHost func(testing.TB) *stack.Stack) int64 {
	var stacks [32]*stack.Stack
	for n := range stacks {
		stacks[n] = newHost(t)
	}
	with, threads := heap(), runtime.NumGoroutine()
	for _, s := range stacks {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	clear(stacks[:])
	threads -= runtime.NumGoroutine()
	each := (with - heap() + int64(threads)*4<<10) / int64(len(stacks))
	if each < 16<<10 {
		return 1 << 40 // garbage of others was freed meanwhile
	}
	return each
}

// go test ./stack -run '^$' -bench Idle -benchtime 200x

// BenchmarkIdleStack tells what a host costs that does nothing, with the stacks of its goroutines, and how
// long its Close takes.
func BenchmarkIdleStack(b *testing.B) {
	for _, host := range idleHosts {
		b.Run(host.name, func(b *testing.B) {
			before := memory()
			hosts := make([]*stack.Stack, 0, b.N)
			for range b.N {
				hosts = append(hosts, host.make(b))
			}
			b.ReportMetric(float64(memory()-before)/1024/float64(b.N), "KiB/stack")
			start := time.Now()
			for _, s := range hosts {
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(time.Since(start).Microseconds())/float64(b.N), "µs/close")
		})
	}
}

// memory is what the program holds, in bytes.
func memory() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
