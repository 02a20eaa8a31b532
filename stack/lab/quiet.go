package lab

import (
	"runtime"
	"runtime/metrics"
	"time"
)

// quiet tells whether any other goroutine of the process does something, by the runtime's own count. It is
// needed only for goroutines that the lab did not start: whether these are done, nobody else can tell.
type quiet struct {
	samples []metrics.Sample
	outside uint64    // goroutines that always are in a system call: that of os/signal, say
	more    time.Time // since when nothing but more of these keeps the process from being quiet
	vain    int       // times in a row that the process did not become quiet
}

// What the runtime calls them, in the order in which quiet has them.
var quietNames = []string{
	"/sched/goroutines/running:goroutines",
	"/sched/goroutines/runnable:goroutines",
	"/sched/goroutines/not-in-go:goroutines",
}

const (
	// The process counts as quiet if it is so several times in a row.
	quietSamples = 4
	quietPause   = 20 * time.Microsecond
	// Where no goroutine was noticed that is not the lab's, the process may be busy for other reasons, a
	// test beside this one say: there is little point in waiting for it.
	quietBriefly = 5 * time.Millisecond
	quietVain    = 20
	// A system call that takes so long is one that waits.
	quietHabit = 100 * time.Millisecond
	// A goroutine that is not the lab's may compute, but not for ever: while the process is not quiet, the
	// lab's time goes no faster than real time, until it goes on all the same.
	quietAtLast = time.Second
)

func newQuiet() *quiet {
	q := new(quiet)
	for _, name := range quietNames {
		q.samples = append(q.samples, metrics.Sample{Name: name})
	}
	metrics.Read(q.samples)
	q.outside = q.count(2)
	return q
}

// now reports whether only the caller runs.
func (q *quiet) now() bool {
	for range quietSamples {
		runtime.Gosched()
		metrics.Read(q.samples)
		if q.count(0) > 1 || q.count(1) > 0 {
			q.more = time.Time{}
			return false
		}
		if q.count(2) > q.outside {
			return q.habit()
		}
	}
	q.more = time.Time{}
	return true
}

// habit takes what has been in a system call for long for something that always is.
func (q *quiet) habit() bool {
	switch now := time.Now(); {
	case q.more.IsZero():
		q.more = now
	case now.Sub(q.more) > quietHabit:
		q.outside = q.count(2)
	}
	return false
}

// count is 0 for a runtime that does not count.
func (q *quiet) count(i int) uint64 {
	if q.samples[i].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return q.samples[i].Value.Uint64()
}

// mayAdvance reports whether time may go on by d: all that runs has come to rest, or was given d of real time
// to do so. It returns false as soon as there is something else to look at.
func (s *scheduler) mayAdvance(d time.Duration) bool {
	foreign := s.foreign.Load()
	if !foreign && s.quiet.vain >= quietVain {
		return true
	}
	limit := min(d, quietBriefly)
	if foreign {
		limit = min(d, quietAtLast)
	}
	for began := time.Now(); ; time.Sleep(quietPause) {
		isQuiet := s.quiet.now()
		select {
		case <-s.wake:
			return false
		default:
		}
		switch {
		case isQuiet:
			s.quiet.vain = 0
			return true
		case time.Since(began) > limit:
			s.quiet.vain++
			return true
		}
	}
}
