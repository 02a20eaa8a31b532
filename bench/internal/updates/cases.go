package updates

import (
	"context"
	"fmt"
	"slices"

	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/bench/internal/suite"
)

// Cases returns the cases of registration. If it should be quick, Knot and what takes long is not among them.
func Cases(quick bool) (cases []suite.Case) {
	servers, sizes, fewer := kinds(), []int{10, 30, 100, 300, 1000}, 1
	if quick {
		servers = slices.DeleteFunc(servers, func(k kind) bool { return k.slow })
		sizes, fewer = []int{10, 100}, 3
	}
	add := func(name string, fewer int, open func(context.Context) (*suite.Bench, error)) {
		cases = append(cases, suite.Case{Name: "dnsreg/" + name, Open: func(ctx context.Context) (*suite.Bench, error) {
			b, err := open(ctx)
			if err != nil {
				return nil, err
			}
			b.Fewer = fewer
			return b, nil
		}})
	}
	for _, k := range servers {
		pair := func(shared bool, names, batch int, goal report.Goal) func(context.Context) (*suite.Bench, error) {
			return func(ctx context.Context) (*suite.Bench, error) { return openPair(ctx, k, shared, names, batch, goal) }
		}
		add("one/"+k.name, fewer, pair(false, 1, k.batch, report.Goal{Kind: report.NotSlower}))
		if !quick {
			add("shared/"+k.name, 1, pair(true, 1, 1, report.Goal{}))
		}
		if !quick || k.name == inProcess {
			add("16/"+k.name, 2*fewer, pair(false, crowd, 1, report.Goal{}))
		}
		add("processes/"+k.name, 4, func(ctx context.Context) (*suite.Bench, error) { return openProcesses(ctx, k, quick) })
	}
	add("1000/one-speaks", 0, func(ctx context.Context) (*suite.Bench, error) { return openLimits(ctx, true, 3, 600), nil })
	add("1000/all-speak", 0, func(ctx context.Context) (*suite.Bench, error) { return openLimits(ctx, false, 10, 80_000), nil })
	add("refresh", 0, func(ctx context.Context) (*suite.Bench, error) { return openRefresh(ctx), nil })
	for _, k := range servers {
		if quick {
			break
		}
		add("1000/all-speak/"+k.name, 15*fewer, func(ctx context.Context) (*suite.Bench, error) { return openBulk(ctx, k) })
	}
	for _, n := range sizes {
		add(fmt.Sprintf("curve/%d", n), 0, func(ctx context.Context) (*suite.Bench, error) { return openCurve(ctx, n), nil })
	}
	for _, k := range servers {
		if k.name == "bind" || !quick {
			add("flip/"+k.name, 15*fewer, func(ctx context.Context) (*suite.Bench, error) { return openFlip(ctx, k) })
		}
	}
	return cases
}
