package connects

import (
	"context"
	"fmt"

	"github.com/hextet/hextet/bench/internal/pairs"
	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/bench/internal/suite"
)

// few and many are the numbers of addresses that are compared.
const few, many = 4, 10_000

func hextet(ctx context.Context, p pairs.Plan) (*pairs.Pair, error) { return pairs.Hextet(ctx, p, nil) }

// growthBench measures ours and gVisor with few addresses and with many, in the same
// rounds.
func growthBench(ctx context.Context, plan func(int) pairs.Plan) (*suite.Bench, error) {
	b := newBench()
	quiet := plan(many)
	quiet.Quiet = true
	for _, c := range []struct {
		name string
		plan pairs.Plan
		open func(context.Context, pairs.Plan) (*pairs.Pair, error)
	}{
		{"hextet n=%d", plan(few), hextet},
		{"hextet n=%d", plan(many), hextet},
		{"hextet n=%d, one speaks", quiet, hextet},
		{"gvisor n=%d", plan(few), pairs.GVisor},
		{"gvisor n=%d", plan(many), pairs.GVisor},
	} {
		if err := b.add(ctx, fmt.Sprintf(c.name, len(c.plan.Near)), c.plan, c.open); err != nil {
			b.close()
			return nil, err
		}
	}
	flat := report.Goal{Kind: report.AtMost, Value: 1.3}
	b.Rows = []suite.Row{
		{Name: fmt.Sprintf("growth/%d", many), Ours: 1, Peer: 0, Goal: flat},
		{Name: fmt.Sprintf("growth-one-speaks/%d", many), Ours: 2, Peer: 0, Goal: flat},
		{Name: fmt.Sprintf("gvisor/%d", few), Ours: 0, Peer: 3},
		{Name: fmt.Sprintf("gvisor/%d", many), Ours: 1, Peer: 4},
	}
	return &b.Bench, nil
}

// loopbackBench compares with the kernel's loopback.
func loopbackBench(ctx context.Context, plan func(int) pairs.Plan) (*suite.Bench, error) {
	b := newBench()
	err := b.add(ctx, "hextet", plan(1), hextet)
	if err == nil {
		err = b.add(ctx, "kernel loopback", pairs.LoopbackPlan(plan(1)), pairs.Loopback)
	}
	if err != nil {
		b.close()
		return nil, err
	}
	b.Rows = []suite.Row{{Ours: 0, Peer: 1}}
	return &b.Bench, nil
}

// Cases returns the cases of connecting.
func Cases() (cases []suite.Case) {
	for _, family := range []struct {
		name string
		plan func(int) pairs.Plan
	}{{"ipv6", pairs.IPv6}, {"ipv4", pairs.IPv4}} {
		cases = append(cases,
			suite.Case{Name: "dial/" + family.name, Open: func(ctx context.Context) (*suite.Bench, error) { return growthBench(ctx, family.plan) }},
			suite.Case{Name: "dial/" + family.name + "/loopback", Open: func(ctx context.Context) (*suite.Bench, error) { return loopbackBench(ctx, family.plan) }})
	}
	return cases
}
