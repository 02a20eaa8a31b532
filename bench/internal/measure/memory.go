package measure

import "runtime"

// Allocations returns how many objects one turn of c allocates, averaged over n turns
// and without Before and After. Other goroutines must be quiet meanwhile.
func Allocations(c Contender, n int) float64 {
	if c.Limit > 0 {
		n = min(n, c.Limit)
	}
	if c.Before != nil {
		c.Before(n)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	c.Run(n)
	runtime.ReadMemStats(&after)
	if c.After != nil {
		c.After(n)
	}
	// A whole number, as testing.AllocsPerRun has it: the runtime itself
	// allocates now and then.
	return float64((after.Mallocs - before.Mallocs) / uint64(n))
}

// LiveBytes returns how many bytes the value that build returns keeps alive.
func LiveBytes(build func() any) float64 {
	before := heap()
	v := build()
	after := heap()
	runtime.KeepAlive(v)
	return float64(after) - float64(before)
}

// HeldBytes is LiveBytes with the stacks of the goroutines that build leaves behind,
// in whole spans of the runtime's: many of the same kind make it exact.
func HeldBytes(build func() any) float64 {
	before := held()
	v := build()
	after := held()
	runtime.KeepAlive(v)
	return float64(after) - float64(before)
}

func heap() uint64 {
	m := collected()
	return m.HeapAlloc
}

func held() uint64 {
	m := collected()
	return m.HeapAlloc + m.StackInuse
}

// collected returns what the runtime counts once all garbage is gone.
func collected() (m runtime.MemStats) {
	runtime.GC()
	runtime.GC() // what the first one found in sync.Pools goes with the second
	runtime.ReadMemStats(&m)
	return m
}
