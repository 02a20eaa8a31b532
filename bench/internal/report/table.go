package report

import (
	"fmt"
	"strconv"

	"github.com/hextet/hextet/bench/internal/measure"
)

// columns are those of Header and of a Row's String.
const columns = "%-36s %10s  %10s %-26s %8s %9s %6s %4s  %s"

// Header is the first line of a table whose other lines are Rows.
func Header() string {
	return fmt.Sprintf(columns, "", "ours", "peer", "", "ratio", "goal", "spread", "out", "")
}

// String returns the row as a line of a table.
func (r Row) String() string {
	if r.Err != nil {
		return fmt.Sprintf("%-36s %v", r.Name, r.Err)
	}
	peer, ratio, spread := "", "", ""
	if r.PeerName != "" {
		peer, ratio = Figure(r.Peer, r.Unit), Digits(r.Ratio)+"x"
	}
	if r.Runs > 1 {
		spread = Percent(r.Spread)
	}
	return fmt.Sprintf(columns, r.Name, Figure(r.Ours, r.Unit), peer, r.PeerName, ratio, r.GoalText(), spread, strconv.Itoa(r.Outliers), r.Remark())
}

// GoalText is the goal in few characters.
func (r Row) GoalText() string {
	switch r.Goal.Kind {
	case AtLeast:
		return ">=" + Digits(r.Goal.Value) + "x"
	case AtMost:
		return "<=" + Digits(r.Goal.Value) + "x"
	case NotSlower:
		return ">=" + Digits(tie) + "x"
	case Within:
		return "<=+" + Figure(r.Goal.Value, r.Unit)
	case Total:
		return "<=" + Figure(r.Goal.Value, r.Unit)
	}
	return ""
}

// Remark is the judgement. A row without a goal says what the samples show.
func (r Row) Remark() string {
	switch {
	case !r.OK && r.Verdict == measure.Same && r.Goal.Kind == AtLeast:
		return "SHORT: the spread covers the difference"
	case !r.OK:
		return "SHORT"
	case r.Goal.Kind == Grows:
		return ""
	case r.Goal.Kind != None:
		return "ok"
	}
	return string(r.Verdict)
}

// Percent writes a share.
func Percent(share float64) string { return strconv.FormatFloat(100*share, 'f', 0, 64) + "%" }

// Digits writes v with three significant digits.
func Digits(v float64) string { return strconv.FormatFloat(significant(v), 'f', -1, 64) }

func significant(v float64) float64 {
	s, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 3, 64), 64) // what FormatFloat wrote parses
	return s
}

// Figure writes v with its unit; long times in longer units.
func Figure(v float64, unit string) string {
	if unit == "ns" {
		switch {
		case v >= 1e9:
			v, unit = v/1e9, "s"
		case v >= 1e6:
			v, unit = v/1e6, "ms"
		case v >= 1e4:
			v, unit = v/1e3, "µs"
		}
	}
	return Digits(v) + " " + unit
}
