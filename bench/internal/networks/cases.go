package networks

import (
	"context"
	"slices"
	"time"

	"github.com/hextet/hextet/bench/internal/suite"
)

// A rival is a kind of network that ours is compared with.
type rival struct {
	name string
	row  string // of the case's name
	make maker
}

var (
	gvisorRival = rival{"gvisor hub", "gvisor", newGvisor}
	kernelRival = rival{"Linux bridge", "linux", newKernel}
)

// Cases returns the cases of networks in memory. If it should be quick, those are few that
// have a thousand hosts or wait for the world's time.
func Cases(quick bool) []suite.Case {
	cases := slices.Concat(startCases(quick), packetCases(quick))
	add := func(name string, open func(context.Context) *suite.Bench) {
		cases = append(cases, suite.Case{Name: "lab/" + name, Open: func(ctx context.Context) (*suite.Bench, error) { return open(ctx), nil }})
	}
	add("idle-day/2h", func(ctx context.Context) *suite.Bench { return idleBench(ctx, 2*time.Hour, 4) })
	if !quick { // seconds a day
		add("idle-day/15s", func(ctx context.Context) *suite.Bench { return idleBench(ctx, 15*time.Second, 20) })
	}
	add("memory/100", func(ctx context.Context) *suite.Bench { return memoryBench(ctx, plan{hosts: 100, still: true}) })
	return cases
}

// startCases are those of new hosts. A thousand namespaces take the better part of a minute
// each time, and are left out.
func startCases(quick bool) (cases []suite.Case) {
	for _, c := range []struct {
		name  string
		plan  plan
		rival rival
		fewer int
		quick bool
	}{
		{"start/10", plan{hosts: 10}, gvisorRival, 6, true},
		{"start/10", plan{hosts: 10}, kernelRival, 10, true},
		{"start/100", plan{hosts: 100}, gvisorRival, 15, true},
		{"start/100", plan{hosts: 100}, kernelRival, 15, false},
		{"start/1000", plan{hosts: 1000}, gvisorRival, 30, false},
		{"start-dad/10", plan{hosts: 10, dad: true}, gvisorRival, 15, false},
		{"start-dad/10", plan{hosts: 10, dad: true}, kernelRival, 15, false},
		{"start-dad/100", plan{hosts: 100, dad: true}, gvisorRival, 30, false},
		{"start-dad/100", plan{hosts: 100, dad: true}, kernelRival, 30, false},
		{"start-dad/1000", plan{hosts: 1000, dad: true}, gvisorRival, 30, false},
	} {
		if c.quick || !quick {
			cases = append(cases, suite.Case{Name: "lab/" + c.name + "/" + c.rival.row, Open: func(ctx context.Context) (*suite.Bench, error) {
				return startBench(ctx, c.plan, c.rival, c.fewer)
			}})
		}
	}
	return cases
}

// packetCases are those of packets.
func packetCases(quick bool) (cases []suite.Case) {
	add := func(name string, open func(context.Context) (*suite.Bench, error)) {
		cases = append(cases, suite.Case{Name: "lab/packets/" + name, Open: open})
	}
	pair := plan{hosts: 2}
	for _, r := range []rival{gvisorRival, kernelRival} {
		add("segment/"+r.row, func(ctx context.Context) (*suite.Bench, error) { return packetBench(ctx, pair, r) })
		add("router/"+r.row, func(ctx context.Context) (*suite.Bench, error) {
			return packetBench(ctx, plan{hosts: 2, routed: true}, r)
		})
	}
	add("latency", func(ctx context.Context) (*suite.Bench, error) {
		return growthBench(ctx, "1 ms", pair, newDistant), nil
	})
	if !quick {
		add("100-hosts", func(ctx context.Context) (*suite.Bench, error) {
			return growthBench(ctx, "100 hosts", plan{hosts: 100}, newSimulation), nil
		})
	}
	return cases
}
