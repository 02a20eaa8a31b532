package sums

import (
	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/icmp6/checksum"
)

// Goals are by tier, of which a program has one: see tierCases for the others.

// gvisorGoals is how many times gVisor's time ours should fit in, by bytes.
var gvisorGoals = map[string]map[int]float64{
	"avx512":  {8: 1.2, 20: 1.3, 64: 1.3, 256: 1.9, 1280: 4.2, 1500: 4.5, 9000: 7, 65535: 4.3},
	"avx2":    {1500: 3.3, 9000: 5.5},
	"generic": {1280: 1.3, 1500: 1.3, 9000: 1.3, 65535: 1.3},
}

// loadsGoals is the share of the speed of bare loads that ours should have, by bytes. It is
// the same for all tiers that can run the loop of loads.
var loadsGoals = map[string]map[int]float64{
	"avx512": {1500: 0.70, 9000: 0.88, 64 << 10: 0.97, 1 << 20: 0.97},
	"avx2":   {1500: 0.70, 9000: 0.88, 64 << 10: 0.97, 1 << 20: 0.97},
}

// randomGoals is as gvisorGoals, by the greatest of random sizes.
var randomGoals = map[string]map[int]float64{
	"avx512": {63: 3.5, 1500: 2.2},
	"avx2":   {63: 3.5, 1500: 2.2},
}

// atLeast returns the goal that a tier has for a size, if any.
func atLeast(goals map[int]float64, size int) report.Goal {
	if g, ok := goals[size]; ok {
		return report.Goal{Kind: report.AtLeast, Value: g}
	}
	return report.Goal{}
}

// peerGoal is the goal against a peer: no Go library faster from 20 bytes up, none by
// more than a nanosecond below. For gVisor there is often more to reach.
func peerGoal(peer string, size int) report.Goal {
	if g := atLeast(gvisorGoals[checksum.Implementation()], size); peer == "gvisor" && g.Kind != report.None {
		return g
	}
	if size < 20 {
		return report.Goal{Kind: report.Within, Value: 1}
	}
	return report.Goal{Kind: report.NotSlower, Value: 1}
}
