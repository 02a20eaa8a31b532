package hosts

import (
	"slices"

	"github.com/hextet/hextet/bench/internal/suite"
)

// Cases returns the cases of hosts and their addresses, of which there are fewer and in
// one order only if it should be quick.
func Cases(quick bool) []suite.Case {
	n, curve := whole, sizes
	if quick {
		n, curve = whole/8, sizes[:4]
	}
	return slices.Concat(idleCases(), addressCases(n), curveCases(curve))
}
