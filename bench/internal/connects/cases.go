package connects

import (
	"context"
	"fmt"

	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/pairs"
	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/bench/internal/suite"
)

// few and many are the numbers of addresses that are compared.
const few, many = 4, 10_000

func hextet(ctx context.Context, p pairs.Plan) (*pairs.Pair, error) { return pairs.Hextet(ctx, p, nil) }

// growthBench measures ours with few addresses and with many, in the same rounds. No
// peer is among them: the collection of what one leaves would be part of the noise.
func growthBench(ctx context.Context, plan func(int) pairs.Plan) (*suite.Bench, error) {
	quiet := plan(many)
	quiet.Quiet = true
	b, err := newBench(ctx, dials{"hextet n=4", plan(few), hextet}, dials{"hextet n=10000", plan(many), hextet}, dials{"hextet n=10000, one speaks", quiet, hextet})
	if err != nil {
		return nil, err
	}
	flat := report.Goal{Kind: report.AtMost, Value: 1.3}
	b.Rows = []suite.Row{
		{Name: "10000", Ours: 1, Peer: 0, Goal: flat},
		{Name: "10000-one-speaks", Ours: 2, Peer: 0, Goal: flat},
	}
	return b, nil
}

// peerBench compares with another way to dial, whose garbage is not left to ours: with
// 10,000 addresses, gVisor makes megabytes of it.
func peerBench(ctx context.Context, p pairs.Plan, peer dials) (*suite.Bench, error) {
	b, err := newBench(ctx, dials{"hextet", p, hextet}, peer)
	if err != nil {
		return nil, err
	}
	b.Contenders[1] = measure.Clean(b.Contenders[1])
	b.Rows = []suite.Row{{Ours: 0, Peer: 1}}
	return b, nil
}

// curve is the numbers of addresses that show how a connect grows with them; ends are those
// that growth has, too.
var (
	curve = []int{1, few, 16, 64, 256, 1024, 4096, many}
	ends  = []int{few, many}
)

// Cases returns the cases of connecting: of the curve only the ends if it should be quick.
func Cases(quick bool) []suite.Case {
	sizes := curve
	if quick {
		sizes = ends
	}
	return append(family("ipv6", pairs.IPv6, sizes), family("ipv4", pairs.IPv4, ends)...)
}

// family returns the cases of a family, against gVisor at some numbers of addresses.
func family(name string, plan func(int) pairs.Plan, sizes []int) (cases []suite.Case) {
	add := func(what string, open func(context.Context) (*suite.Bench, error)) {
		cases = append(cases, suite.Case{Name: "dial/" + name + "/" + what, Open: open})
	}
	against := func(what string, n int, open func(context.Context, pairs.Plan) (*pairs.Pair, error)) {
		add(fmt.Sprintf("%s/%d", what, n), func(ctx context.Context) (*suite.Bench, error) {
			p := plan(n)
			return peerBench(ctx, p, dials{what, p, open})
		})
	}
	add("growth", func(ctx context.Context) (*suite.Bench, error) { return growthBench(ctx, plan) })
	for _, n := range sizes {
		against("gvisor", n, pairs.GVisor)
	}
	against("wireguard-go", few, pairs.WireguardGo)
	add("loopback", func(ctx context.Context) (*suite.Bench, error) {
		p := plan(1)
		return peerBench(ctx, p, dials{"kernel loopback", pairs.LoopbackPlan(p), pairs.Loopback})
	})
	return cases
}
