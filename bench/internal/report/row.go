package report

import "github.com/hextet/hextet/bench/internal/measure"

// A Row is one comparison, or one figure of our own where PeerName is empty.
type Row struct {
	Name string // part/subject/detail, the same in every run
	Unit string // of Ours and Peer: "ns", "allocs", "B"
	Goal Goal

	Ours, Peer float64 // medians
	PeerName   string

	// Ratio, of the medians, is how many times as long the peer takes as ours; where
	// the goal is AtMost or Grows, how many times as long ours takes as what it grew
	// from.
	Ratio   float64
	Verdict measure.Verdict
	OK      bool

	Runs          int        // rounds that counted
	Spread        float64    // of the ratios round by round, or of ours alone: distance of the quartiles over the median
	Outliers      int        // rounds whose ratio, or time, is far outside of the quartiles
	OursQuartiles [2]float64 // lower and upper
	PeerQuartiles [2]float64

	// RatioQuartiles are those of the ratio round by round, which Ratio, of the medians,
	// need not lie between.
	RatioQuartiles [2]float64

	// Err says why there are no figures: the two didn't compute the same, or could
	// not be measured. OK is false then.
	Err error
}

// Compared returns the row that two samples give.
func Compared(name, unit string, goal Goal, ours, peer measure.Sample) Row {
	ratios := measure.Ratios(ours, peer)
	r := Row{
		Name: name, Unit: unit, Goal: goal,
		Ours: ours.Median(), Peer: peer.Median(), PeerName: peer.Name,
		Verdict:  measure.Compare(ours, peer),
		Runs:     len(ours.Rounds),
		Spread:   ratios.Spread(),
		Outliers: ratios.Outliers(),
	}
	r.OursQuartiles[0], r.OursQuartiles[1] = ours.Quartiles()
	r.PeerQuartiles[0], r.PeerQuartiles[1] = peer.Quartiles()
	r.RatioQuartiles[0], r.RatioQuartiles[1] = ratios.Quartiles()
	above, below := r.Peer, r.Ours
	if goal.Kind.UpsideDown() {
		above, below = below, above
		r.RatioQuartiles[0], r.RatioQuartiles[1] = measure.Ratios(peer, ours).Quartiles()
	}
	if below > 0 {
		r.Ratio = above / below
	}
	r.OK = goal.met(&r)
	return r
}

// Alone returns the row of a sample that has no peer.
func Alone(name, unit string, goal Goal, ours measure.Sample) Row {
	r := Row{
		Name: name, Unit: unit, Goal: goal,
		Ours: ours.Median(), Runs: len(ours.Rounds), Spread: ours.Spread(), Outliers: ours.Outliers(),
	}
	r.OursQuartiles[0], r.OursQuartiles[1] = ours.Quartiles()
	r.OK = goal.met(&r)
	return r
}

// Counted returns the row of a figure that has no peer.
func Counted(name, unit string, goal Goal, value float64) Row {
	r := Row{Name: name, Unit: unit, Goal: goal, Ours: value, Runs: 1}
	r.OK = goal.met(&r)
	return r
}

// Beside returns the row of a figure beside a peer's. Both were counted, not timed: there is nothing to judge.
func Beside(name, unit string, goal Goal, value float64, peerName string, peer float64) Row {
	r := Compared(name, unit, goal, measure.Sample{Rounds: []float64{value}}, measure.Sample{Name: peerName, Rounds: []float64{peer}})
	r.Verdict = ""
	return r
}

// Failed returns the row of what could not be measured.
func Failed(name string, err error) Row { return Row{Name: name, Err: err} }
