package choices

import (
	"slices"

	"github.com/hextet/hextet/bench/internal/suite"
)

// Cases returns the cases of source selection.
func Cases() []suite.Case {
	return slices.Concat(growthCases(), gvisorCases(), linuxCases(), parallelCases(), updateCases(), memoryCases())
}
