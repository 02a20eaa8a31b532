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
		peer, ratio = figure(r.Peer, r.Unit), digits(r.Ratio)+"x"
	}
	if r.Runs > 1 {
		spread = percent(r.Spread)
	}
	return fmt.Sprintf(columns, r.Name, figure(r.Ours, r.Unit), peer, r.PeerName, ratio, r.goal(), spread, strconv.Itoa(r.Outliers), r.remark())
}

// goal is the goal in few characters.
func (r Row) goal() string {
	switch r.Goal.Kind {
	case AtLeast:
		return ">=" + digits(r.Goal.Value) + "x"
	case AtMost:
		return "<=" + digits(r.Goal.Value) + "x"
	case NotSlower:
		return ">=1x"
	case Within:
		return "<=+" + figure(r.Goal.Value, r.Unit)
	case Total:
		return "<=" + figure(r.Goal.Value, r.Unit)
	}
	return ""
}

// remark is the judgement. A row without a goal says what the samples show.
func (r Row) remark() string {
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

func percent(share float64) string { return strconv.FormatFloat(100*share, 'f', 0, 64) + "%" }

// digits writes v with three significant digits.
func digits(v float64) string { return strconv.FormatFloat(significant(v), 'f', -1, 64) }

func significant(v float64) float64 {
	s, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 3, 64), 64) // what FormatFloat wrote parses
	return s
}

// figure writes v with its unit; long times in longer units.
func figure(v float64, unit string) string {
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
	return digits(v) + " " + unit
}
