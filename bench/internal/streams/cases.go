package streams

import (
	"context"

	"github.com/hextet/hextet/bench/internal/pairs"
	"github.com/hextet/hextet/bench/internal/suite"
)

// Cases returns the cases of bulk TCP.
func Cases() (cases []suite.Case) {
	add := func(name string, open func(context.Context, pairs.Plan) (*suite.Bench, error)) {
		for _, family := range []struct {
			name string
			plan pairs.Plan
		}{{"ipv6", pairs.IPv6(1)}, {"ipv4", pairs.IPv4(1)}} {
			cases = append(cases, suite.Case{Name: "tcp/" + family.name + "/" + name, Open: func(ctx context.Context) (*suite.Bench, error) { return open(ctx, family.plan) }})
		}
	}
	add("memory", memoryBench)
	add("loopback", loopbackBench)
	add("kernel-to-stack", func(ctx context.Context, p pairs.Plan) (*suite.Bench, error) { return tunBench(ctx, p, false, 6) })
	add("stack-to-kernel", func(ctx context.Context, p pairs.Plan) (*suite.Bench, error) { return tunBench(ctx, p, true, 10) })
	return cases
}
