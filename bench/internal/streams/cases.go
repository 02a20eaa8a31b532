package streams

import (
	"context"

	"github.com/hextet/hextet/bench/internal/pairs"
	"github.com/hextet/hextet/bench/internal/suite"
)

// Rounds are long, so that their start and end, when only one side works, are little of
// them. The two are those of suite.Bench; the second pair is for -quick.
const (
	longer, fewer           = 40, 3
	quickLonger, quickFewer = 20, 4
)

// Cases returns the cases of bulk TCP. If it should be quick, rounds are shorter, and ours
// without offload is not among them.
func Cases(quick bool) (cases []suite.Case) {
	add := func(name string, open func(context.Context, pairs.Plan) (*bench, error)) {
		for _, family := range []struct {
			name string
			plan pairs.Plan
		}{{"ipv6", pairs.IPv6(1)}, {"ipv4", pairs.IPv4(1)}} {
			cases = append(cases, suite.Case{Name: "tcp/" + family.name + "/" + name, Open: func(ctx context.Context) (*suite.Bench, error) {
				b, err := open(ctx, family.plan)
				if err != nil {
					return nil, err
				}
				if b.Longer, b.Fewer = longer, fewer; quick {
					b.Longer, b.Fewer = quickLonger, quickFewer
				}
				return &b.Bench, nil
			}})
		}
	}
	add("memory", func(ctx context.Context, p pairs.Plan) (*bench, error) { return memoryBench(ctx, p, !quick) })
	add("loopback", loopbackBench)
	add("kernel-to-stack", func(ctx context.Context, p pairs.Plan) (*bench, error) { return tunBench(ctx, p, false, 6) })
	add("stack-to-kernel", func(ctx context.Context, p pairs.Plan) (*bench, error) { return tunBench(ctx, p, true, 10) })
	return cases
}
