package networks

import (
	"context"
	"fmt"
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

// Cases returns the cases of networks in memory. If it should be quick, a thousand hosts
// are not among them, nor is what waits for real time.
func Cases(quick bool) (cases []suite.Case) {
	add := func(name string, open func(context.Context) (*suite.Bench, error)) {
		cases = append(cases, suite.Case{Name: "lab/" + name, Open: open})
	}
	for _, dad := range []bool{false, true} {
		for _, n := range []int{10, 100, 1000} {
			if quick && (n == 1000 || dad && n == 100) {
				continue
			}
			for _, r := range []rival{gvisorRival, kernelRival} {
				name, p := "start", plan{hosts: n, dad: dad}
				if dad {
					name = "start-dad"
				}
				add(fmt.Sprintf("%s/%d/%s", name, n, r.row), func(ctx context.Context) (*suite.Bench, error) {
					return startBench(ctx, p, 15, r)
				})
			}
		}
	}
	for _, net := range []struct {
		name string
		plan plan
	}{{"segment", plan{hosts: 2}}, {"router", plan{hosts: 2, routed: true}}} {
		for _, r := range []rival{gvisorRival, kernelRival} {
			add("packets/"+net.name+"/"+r.row, func(ctx context.Context) (*suite.Bench, error) { return packetBench(ctx, net.plan, r) })
		}
	}
	add("packets/100-hosts", func(ctx context.Context) (*suite.Bench, error) {
		return growthBench(ctx, "100 hosts", plan{hosts: 100}, newSimulation)
	})
	add("packets/latency", func(ctx context.Context) (*suite.Bench, error) {
		return growthBench(ctx, "1 ms", plan{hosts: 2}, newDistant)
	})
	add("idle-day/2h", func(ctx context.Context) (*suite.Bench, error) { return idleBench(ctx, 2*time.Hour) })
	add("idle-day/15s", func(ctx context.Context) (*suite.Bench, error) { return idleBench(ctx, 15*time.Second) })
	add("memory/100", func(ctx context.Context) (*suite.Bench, error) { return memoryBench(ctx, plan{hosts: 100}) })
	return cases
}
