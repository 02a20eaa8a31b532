package report

import (
	"encoding/json"
	"math"
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

	OursQuartiles *[2]float64 `json:"ours_quartiles"`
	PeerQuartiles *[2]float64 `json:"peer_quartiles"`
	Outliers      int         `json:"outliers"`
	Error         string      `json:"error,omitempty"`
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
	if r.Goal.Kind != None && r.Goal.Kind != Grows {
		l.Goal = &r.Goal.Value
	}
	if r.PeerName != "" || r.Runs > 1 {
		l.OursQuartiles = &[2]float64{round(r.OursQuartiles[0]), round(r.OursQuartiles[1])}
	}
	if r.PeerName != "" {
		l.Peer, l.Ratio = rounded(r.Peer), rounded(r.Ratio)
		l.PeerQuartiles = &[2]float64{round(r.PeerQuartiles[0]), round(r.PeerQuartiles[1])}
	}
	return json.Marshal(l)
}

func rounded(v float64) *float64 {
	v = round(v)
	return &v
}

// round keeps four significant digits.
func round(v float64) float64 {
	if v == 0 || math.IsInf(v, 0) || math.IsNaN(v) {
		return 0
	}
	unit := math.Pow(10, 3-math.Floor(math.Log10(math.Abs(v))))
	return math.Round(v*unit) / unit
}
