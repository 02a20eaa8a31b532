package choices

import (
	"slices"

	"github.com/hextet/hextet/bench/internal/suite"
)

// fewCounts are those of counts at which peers are measured with little time.
var fewCounts = []int{4, 64, 1_000}

// Cases returns the cases of source selection. If it should be quick, peers have fewer
// numbers of addresses.
func Cases(quick bool) []suite.Case {
	peers := counts
	if quick {
		peers = fewCounts
	}
	return slices.Concat(growthCases(), gvisorCases(peers), linuxCases(peers), parallelCases(), updateCases(), memoryCases())
}

// checked is how many queries a peer with n addresses is asked in the check. One takes
// gVisor half a second with 100,000.
func checked(n int) int { return min(queryCount, max(4, 160_000/n)) }

// fewer bounds the rounds for such peers.
func fewer(n int) int {
	switch {
	case n > 10_000:
		return 20
	case n > 1_000:
		return 4
	}
	return 1
}
