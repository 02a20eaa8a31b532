package sums

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"

	gvisor "gvisor.dev/gvisor/pkg/tcpip/checksum"

	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/suite"
	"github.com/hextet/hextet/icmp6/checksum"
)

// randomCases sum another size each time, as a host does that forwards: what the
// branch predictor learns from one fixed size doesn't help.
func randomCases() (cases []suite.Case) {
	for _, longest := range []int{63, 1500} {
		cases = append(cases, suite.Case{Name: fmt.Sprintf("checksum/random/%d-%d", shortest, longest), Open: func(context.Context) (*suite.Bench, error) {
			return randomBench(longest), nil
		}})
	}
	return cases
}

// randomSizes is how many sizes come before they repeat: more than a branch
// predictor remembers.
const randomSizes = 1 << 16

// shortest is the least of the random sizes.
const shortest = 8

func randomBench(longest int) *suite.Bench {
	data := payload(longest)
	rng := rand.New(rand.NewPCG(3, 4))
	lengths := make([]uint16, randomSizes)
	for i := range lengths {
		lengths[i] = uint16(shortest + rng.IntN(longest-shortest+1))
	}
	next := func(k *int) []byte {
		*k = (*k + 1) % randomSizes
		return data[:lengths[*k]]
	}
	oursAt, gvisorAt := 0, 0
	return &suite.Bench{
		Check: func() error {
			for n := shortest; n <= longest; n++ {
				if err := agree(data[:n]); err != nil {
					return err
				}
			}
			return nil
		},
		Contenders: []measure.Contender{
			{Name: "hextet", Run: func(n int) {
				var s uint16
				for range n {
					s += checksum.Sum(next(&oursAt), 0)
				}
				runtime.KeepAlive(s)
			}},
			{Name: "gvisor", Run: func(n int) {
				var s uint16
				for range n {
					s += gvisor.Checksum(next(&gvisorAt), 0)
				}
				runtime.KeepAlive(s)
			}},
		},
		Rows: []suite.Row{{Name: "gvisor", Ours: 0, Peer: 1, Goal: atLeast(randomGoals[checksum.Implementation()], longest)}},
	}
}
