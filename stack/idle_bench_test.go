package stack_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
)

// go test ./stack -run '^$' -bench Idle -benchtime 200x

// BenchmarkIdleStack tells what a host costs that does nothing, with the stacks of its goroutines, and how
// long its Close takes: bare, and with an interface on a Pipe and an address.
func BenchmarkIdleStack(b *testing.B) {
	for _, name := range []string{"bare", "interface"} {
		b.Run(name, func(b *testing.B) {
			before := memory()
			hosts := make([]*stack.Stack, 0, b.N)
			for range b.N {
				s, err := stack.New(stack.Config{})
				if err != nil {
					b.Fatal(err)
				}
				if name == "interface" {
					l, _ := stack.Pipe(1500)
					attach(b, s, "eth0", l, plain("2001:db8::1/64"))
				}
				hosts = append(hosts, s)
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
