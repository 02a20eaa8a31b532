package registrations

import (
	"context"
	"slices"

	"github.com/hextet/hextet/bench/internal/suite"
)

// Cases returns the cases of dynamic registration.
func Cases() []suite.Case {
	var rates, flips []suite.Case
	for _, product := range []string{"dnsregtest", "bind", "knot"} {
		rates = append(rates, suite.Case{Name: "dnsreg/rate/" + product, Open: func(ctx context.Context) (*suite.Bench, error) { return openRate(ctx, product) }})
		flips = append(flips, suite.Case{Name: "dnsreg/flip/" + product, Open: func(ctx context.Context) (*suite.Bench, error) { return openFlip(ctx, product) }})
	}
	return slices.Concat(rates, costCases(), flips)
}
