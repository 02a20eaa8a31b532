package measure

import "slices"

// A Sample is what the rounds of a contender gave, in nanoseconds per operation and
// in the order of the rounds.
type Sample struct {
	Name   string
	Rounds []float64
}

// Median returns the middle value.
func (s Sample) Median() float64 { return s.quantile(0.5) }

// Quartiles returns the values below which a quarter and three quarters of the
// rounds lie.
func (s Sample) Quartiles() (low, high float64) { return s.quantile(0.25), s.quantile(0.75) }

// Spread returns the distance of the quartiles as a share of the median.
func (s Sample) Spread() float64 {
	low, high := s.Quartiles()
	if m := s.Median(); m > 0 {
		return (high - low) / m
	}
	return 0
}

// Outliers counts the rounds that lie further outside of the quartiles than one and a
// half times the quartiles' distance.
func (s Sample) Outliers() (n int) {
	low, high := s.Quartiles()
	reach := 1.5 * (high - low)
	for _, v := range s.Rounds {
		if v < low-reach || v > high+reach {
			n++
		}
	}
	return n
}

// quantile interpolates between the two rounds nearest to a share q of them all.
func (s Sample) quantile(q float64) float64 {
	if len(s.Rounds) == 0 {
		return 0
	}
	v := slices.Sorted(slices.Values(s.Rounds))
	at := q * float64(len(v)-1)
	i := int(at)
	if i+1 == len(v) {
		return v[i]
	}
	return v[i] + (at-float64(i))*(v[i+1]-v[i])
}
