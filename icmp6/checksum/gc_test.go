package checksum_test

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hextet/hextet/icmp6/checksum"
)

// How long a garbage collection takes beside a goroutine that does nothing but sum,
// again and again: it has to wait until that goroutine can be stopped. A loop in Go, which
// can be stopped anywhere, is there to compare.
func BenchmarkGCBesideSum(b *testing.B) {
	b.Run("loop", func(b *testing.B) {
		gcBeside(b, func(s uint16) uint16 {
			for range 1 << 20 {
				s = s*5 + 1
			}
			return s
		})
	})
	data := make([]byte, 64<<20)
	for _, n := range []int{20, 1500, len(data)} {
		b.Run(sizeName(n), func(b *testing.B) {
			gcBeside(b, func(s uint16) uint16 {
				for range max(1, 1<<20/n) {
					s = checksum.Sum(data[:n], s)
				}
				return s
			})
		})
	}
}

func gcBeside(b *testing.B, f func(uint16) uint16) {
	var stop atomic.Bool
	started, stopped := make(chan bool), make(chan uint16)
	go func() {
		close(started)
		var s uint16
		for !stop.Load() {
			s = f(s)
		}
		stopped <- s
	}()
	<-started
	var longest time.Duration
	for b.Loop() {
		start := time.Now()
		runtime.GC()
		longest = max(longest, time.Since(start))
	}
	stop.Store(true)
	sink += <-stopped
	b.ReportMetric(float64(longest)/1e6, "ms-longest")
}
