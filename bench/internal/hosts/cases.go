package hosts

import (
	"slices"

	"github.com/hextet/hextet/bench/internal/suite"
)

// Cases returns the cases of hosts and their addresses, of which there are fewer and in
// one order only if it should be quick.
func Cases(quick bool) []suite.Case {
	n := whole
	if quick {
		n = whole / 8
	}
	return slices.Concat(idleCases(), addressCases(n))
}
