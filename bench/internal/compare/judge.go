package compare

import (
	"fmt"
	"math"
	"strings"

	"github.com/hextet/hextet/bench/internal/report"
)

const (
	// fewest is from how many rounds quartiles tell something of the next run's.
	fewest = 5

	// least is the smallest change of a ratio that counts. Where code and data happen to
	// lie moves ratios by as much from one build to the next, in all rounds of a run.
	least = 1.03
)

// judge compares figures, and says why where it can't.
func judge(old, now *report.Row) (kind Kind, why string) {
	switch {
	case old.Unit != now.Unit:
		return Unjudged, fmt.Sprintf("in %s before, in %s now", old.Unit, now.Unit)
	case now.Unit != "ns":
		return counted(old.Ours, now.Ours, tolerance(now)), ""
	case old.PeerName != now.PeerName:
		return Unjudged, fmt.Sprintf("beside %q before, beside %q now", old.PeerName, now.PeerName)
	case now.PeerName == "":
		return Unjudged, "a time without a peer"
	case min(old.Runs, now.Runs) < fewest:
		return Unjudged, fmt.Sprintf("%d and %d rounds", old.Runs, now.Runs)
	}
	return timed(speed(old), speed(now)), ""
}

// tolerance is the share by which a figure that is no time differs between two runs of the
// same program. Messages and bytes of them don't; allocations are an average that is
// rounded down; a heap's size depends on when its garbage was collected.
func tolerance(r *report.Row) float64 {
	switch {
	case strings.Contains(r.Name, "/memory"):
		return 0.25
	case r.Unit == "allocs":
		return 0.05
	}
	return 0
}

// counted compares figures that are no times. Of all that the suite counts, less is better.
func counted(old, now, tolerance float64) Kind {
	noise := tolerance * math.Abs(old)
	switch {
	case old-now > noise:
		return Better
	case now-old > noise:
		return Worse
	}
	return Same
}

// A span is a ratio with the quartiles that it had round by round.
type span struct{ low, ratio, high float64 }

// speed is how many times as long as ours the peer takes, whatever way round the row says it.
func speed(r *report.Row) span {
	s := span{r.RatioQuartiles[0], r.Ratio, r.RatioQuartiles[1]}
	if r.Goal.Kind.UpsideDown() && s.low > 0 {
		s = span{1 / s.high, 1 / s.ratio, 1 / s.low}
	}
	return s
}

// timed compares ratios: they changed if the space between the two spans is larger than
// either span. That they don't overlap is not enough. Quartiles tell how the rounds of
// one run differ; runs differ by more.
func timed(old, now span) Kind {
	noise := max(old.high-old.low, now.high-now.low)
	switch {
	case now.low-old.high > noise && now.ratio > least*old.ratio:
		return Better
	case old.low-now.high > noise && old.ratio > least*now.ratio:
		return Worse
	}
	return Same
}
