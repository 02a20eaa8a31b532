package choices

import (
	"context"

	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/bench/internal/suite"
)

// memoryBench weighs a Selector of many addresses, in bytes for each.
func memoryBench(m mix) (*suite.Bench, error) {
	const n = 100_000
	return &suite.Bench{Counts: []suite.Count{{
		Unit: "B", Goal: report.Goal{Kind: report.Total, Value: 400},
		Get: func() (float64, error) {
			var err error
			bytes := measure.LiveBytes(func() any {
				s, failed := m.selector(n)
				err = failed
				return s
			})
			return bytes / n, err
		},
	}}}, nil
}

func memoryCases() (cases []suite.Case) {
	for _, m := range mixes {
		cases = append(cases, suite.Case{Name: "select/memory-per-address/" + m.name, Open: func(context.Context) (*suite.Bench, error) { return memoryBench(m) }})
	}
	return cases
}
