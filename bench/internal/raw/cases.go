package raw

import (
	"context"

	"github.com/hextet/hextet/bench/internal/suite"
)

// Cases returns the cases of raw sockets.
func Cases() []suite.Case {
	cases := []suite.Case{{Name: "raw/gvisor", Open: func(context.Context) (*suite.Bench, error) { return gvisorBench() }}}
	for _, d := range devices {
		cases = append(cases, suite.Case{Name: "raw/linux/" + d.kind, Open: func(ctx context.Context) (*suite.Bench, error) { return linuxBench(ctx, d) }})
	}
	return cases
}
