package choices

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/bench/internal/suite"
)

// parallelBatch is the number of choices in a turn: long enough for the start of two
// goroutines not to count.
const parallelBatch = 1 << 15

// parallelBench compares choices shared by two goroutines with the same ones made by
// one.
func parallelBench(m mix, n int) (*suite.Bench, error) {
	if procs := runtime.GOMAXPROCS(0); procs < 2 {
		return nil, suite.Unavailable("needs two cores; GOMAXPROCS is %d", procs)
	}
	s, err := m.selector(n)
	if err != nil {
		return nil, err
	}
	c := &chooser{s, queries(n)}
	together := func(goroutines int) func(int) {
		return func(turns int) {
			for range turns {
				var wg sync.WaitGroup
				for range goroutines {
					wg.Go(func() { c.run(parallelBatch / goroutines) })
				}
				wg.Wait()
			}
		}
	}
	return &suite.Bench{
		Contenders: []measure.Contender{
			{Name: "two goroutines", Ops: parallelBatch, Run: together(2)},
			{Name: "one goroutine", Ops: parallelBatch, Run: together(1)},
		},
		Rows:  []suite.Row{{Ours: 0, Peer: 1, Goal: report.Goal{Kind: report.AtLeast, Value: 1.7}}},
		Fewer: 2, // a turn takes 10 ms
	}, nil
}

func parallelCases() (cases []suite.Case) {
	for _, n := range []int{8, 100_000} {
		cases = append(cases, suite.Case{Name: fmt.Sprintf("select/two-readers/%d", n), Open: func(context.Context) (*suite.Bench, error) {
			return parallelBench(distinctMix, n)
		}})
	}
	return cases
}
