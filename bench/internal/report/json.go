package report

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// line is a Row as JSON. What a row doesn't have is null, so that every line has
// the same names.
type line struct {
	Name     string   `json:"name"`
	Ours     *float64 `json:"ours"`
	Peer     *float64 `json:"peer"`
	PeerName string   `json:"peer_name"`
	Unit     string   `json:"unit"`
	Ratio    *float64 `json:"ratio"`
	Goal     *float64 `json:"goal"`
	GoalKind Kind     `json:"goal_kind"`
	OK       bool     `json:"ok"`
	Verdict  string   `json:"verdict"`
	Runs     int      `json:"runs"`
	Spread   float64  `json:"spread"`

	OursQuartiles  *quartiles `json:"ours_quartiles"`
	PeerQuartiles  *quartiles `json:"peer_quartiles"`
	RatioQuartiles *quartiles `json:"ratio_quartiles"`
	Outliers       int        `json:"outliers"`
	Error          string     `json:"error,omitempty"`
}

// MarshalJSON returns the row as an object in one line, figures rounded to four
// digits.
func (r Row) MarshalJSON() ([]byte, error) {
	l := line{
		Name: r.Name, PeerName: r.PeerName, Unit: r.Unit, GoalKind: r.Goal.Kind,
		OK: r.OK, Verdict: string(r.Verdict), Runs: r.Runs, Spread: round(r.Spread), Outliers: r.Outliers,
	}
	if r.Err != nil {
		l.Error = r.Err.Error()
		return json.Marshal(l)
	}
	l.Ours = rounded(r.Ours)
	if r.Goal.Kind.valued() {
		l.Goal = &r.Goal.Value
	}
	if r.PeerName != "" || r.Runs > 1 {
		l.OursQuartiles = roundedBoth(r.OursQuartiles)
	}
	if r.PeerName != "" {
		l.Peer, l.Ratio = rounded(r.Peer), rounded(r.Ratio)
		l.PeerQuartiles, l.RatioQuartiles = roundedBoth(r.PeerQuartiles), roundedBoth(r.RatioQuartiles)
	}
	return json.Marshal(l)
}

func rounded(v float64) *float64 {
	v = round(v)
	return &v
}

// quartiles are a lower and an upper one.
type quartiles [2]float64

func roundedBoth(v [2]float64) *quartiles { return &quartiles{round(v[0]), round(v[1])} }

// UnmarshalJSON refuses more or fewer figures, where package json would drop or add some.
func (q *quartiles) UnmarshalJSON(text []byte) error {
	var v []float64
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	if len(v) != len(q) {
		return fmt.Errorf("quartiles are two figures, not %d", len(v))
	}
	*q = quartiles(v)
	return nil
}

// round keeps four significant digits; what was rounded once stays as it is.
func round(v float64) float64 {
	if math.IsInf(v, 0) || math.IsNaN(v) {
		return 0
	}
	v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'g', 4, 64), 64) // what FormatFloat wrote parses
	return v
}
