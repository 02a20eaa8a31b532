package streams

import (
	"context"

	"github.com/hextet/hextet/bench/internal/pairs"
	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/bench/internal/suite"
)

// tunBench compares stacks on TUN devices, one way: from the kernel, the near host, or
// to it.
func tunBench(ctx context.Context, plan pairs.Plan, toKernel bool, goal float64) (*bench, error) {
	b := newBench()
	for _, open := range []func(context.Context, pairs.Plan) (*pairs.Pair, error){pairs.HextetTUN, pairs.GVisorTUN} {
		p, err := b.open(open(ctx, plan))
		if err == nil {
			_, err = b.add(ctx, p, p.Name, toKernel)
		}
		if err != nil {
			b.close()
			return nil, err
		}
	}
	b.Rows = []suite.Row{{Ours: 0, Peer: 1, Goal: report.Goal{Kind: report.AtLeast, Value: goal}}}
	return b, nil
}
