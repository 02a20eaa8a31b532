package measure

// A Verdict is what two samples allow to be said of the first.
type Verdict string

// The verdicts. Same: in more than a quarter of the rounds it was the other way
// round, so that the difference of the medians may be noise.
const (
	Faster Verdict = "faster"
	Slower Verdict = "slower"
	Same   Verdict = "same"
)

// Ratios returns b over a, round by round. The rounds of a Run are pairs: what slows
// the machine for longer than a round slows both and leaves their ratio alone.
func Ratios(a, b Sample) Sample {
	r := Sample{Name: b.Name + "/" + a.Name}
	for i := range min(len(a.Rounds), len(b.Rounds)) {
		if a.Rounds[i] > 0 {
			r.Rounds = append(r.Rounds, b.Rounds[i]/a.Rounds[i])
		}
	}
	return r
}

// Compare says whether a is faster than b, slower, or neither for all that the
// rounds show: the quartiles of Ratios must both be on one side of 1.
func Compare(a, b Sample) Verdict {
	switch low, high := Ratios(a, b).Quartiles(); {
	case low > 1:
		return Faster
	case high < 1 && high > 0:
		return Slower
	}
	return Same
}
