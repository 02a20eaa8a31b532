package choices

import (
	"context"
	"fmt"

	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/suite"
)

// linuxBench compares with a UDP connect, the way in which programs ask a kernel for a
// source address; it is two system calls, as the socket must forget its last one.
func linuxBench(ctx context.Context, n int) (*suite.Bench, error) {
	c, err := certainChooser(n)
	if err != nil {
		return nil, err
	}
	k, err := newKernel(ctx, distinctMix.addresses(n), c.queries)
	if err != nil {
		return nil, err
	}
	return &suite.Bench{
		Check:      func() error { return c.sameAs("Linux", k.choose, checked(n)) },
		Contenders: []measure.Contender{{Name: "hextet", Run: c.run}, {Name: "Linux UDP connect", Run: k.run}},
		Rows:       []suite.Row{{Ours: 0, Peer: 1}},
		Fewer:      fewer(n),
		Close:      k.close,
	}, nil
}

// mostLinux is the largest number of addresses for which a kernel is set up: to add one, it
// walks over those of the device, which makes minutes of 100,000.
const mostLinux = 10_000

func linuxCases(counts []int) (cases []suite.Case) {
	for _, n := range counts {
		if n > mostLinux {
			continue
		}
		cases = append(cases, suite.Case{Name: fmt.Sprintf("select/linux/%d", n), Open: func(ctx context.Context) (*suite.Bench, error) { return linuxBench(ctx, n) }})
	}
	return cases
}
