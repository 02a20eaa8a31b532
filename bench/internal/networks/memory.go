package networks

import (
	"context"
	"errors"

	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/suite"
)

// memoryBench weighs the hosts of a network, their goroutines' stacks included.
func memoryBench(ctx context.Context, p plan) *suite.Bench {
	var ours, theirs float64
	return &suite.Bench{
		Check: func() (err error) {
			ours, theirs, err = weigh(ctx, p)
			return err
		},
		Counts: []suite.Count{{
			Unit: "KiB", Get: func() (float64, error) { return ours, nil },
			Peer: gvisorRival.name, PeerGet: func() (float64, error) { return theirs, nil },
		}},
	}
}

// weigh returns KiB a host, of ours and of gVisor's. Small networks come and go before: what
// the first of a kind leaves in pools and tables of the program is nobody's host. Neither of
// those that are weighed goes before both were: some of what one leaves behind is collected
// late, such as timers that were stopped.
func weigh(ctx context.Context, p plan) (ours, theirs float64, err error) {
	small := plan{hosts: 2, still: p.still}
	for _, make := range []maker{newSimulation, newGvisor} {
		n, err := make(ctx, small)
		if err == nil {
			err = errors.Join(complete(n, small), n.close())
		}
		if err != nil {
			return 0, 0, err
		}
	}
	var networks []network
	one := func(make maker) float64 {
		bytes := measure.HeldBytes(func() any {
			n, failed := make(ctx, p)
			if err = errors.Join(err, failed); failed == nil {
				networks = append(networks, n)
			}
			return n
		})
		return bytes / 1024 / float64(p.hosts)
	}
	theirs = one(newGvisor)
	ours = one(newSimulation)
	for _, n := range networks {
		err = errors.Join(err, complete(n, p), n.close())
	}
	return ours, theirs, err
}
