package picture

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/bench/internal/suite"
)

// A table finds rows by their names. Rows without figures are not in it.
type table struct {
	rows    []report.Row
	omitted []suite.Omission
}

func newTable(rows []report.Row, omitted []suite.Omission) *table {
	return &table{slices.DeleteFunc(slices.Clone(rows), func(r report.Row) bool { return r.Err != nil }), omitted}
}

// row returns the row of a name.
func (t *table) row(name string) (report.Row, bool) {
	i := slices.IndexFunc(t.rows, func(r report.Row) bool { return r.Name == name })
	if i < 0 {
		return report.Row{}, false
	}
	return t.rows[i], true
}

// A numbered row is one of several that differ in a number.
type numbered struct {
	n   float64
	row report.Row
}

// over returns the rows whose names are before/N/after, or before/N, by rising N.
func (t *table) over(before, after string) (found []numbered) {
	for _, r := range t.rows {
		rest, ok := strings.CutPrefix(r.Name, before+"/")
		if !ok {
			continue
		}
		if after != "" {
			if rest, ok = strings.CutSuffix(rest, "/"+after); !ok {
				continue
			}
		}
		if n, err := strconv.ParseUint(rest, 10, 32); err == nil && n > 0 {
			found = append(found, numbered{float64(n), r})
		}
	}
	slices.SortFunc(found, func(a, b numbered) int { return cmp.Compare(a.n, b.n) })
	return found
}

// oursOf and peerOf return a side's figures. What is not above zero has no place on
// a logarithmic axis.
func oursOf(rows []numbered) []point {
	return points(rows, func(r report.Row) (float64, [2]float64) { return r.Ours, r.OursQuartiles })
}

func peerOf(rows []numbered) []point {
	return points(rows, func(r report.Row) (float64, [2]float64) { return r.Peer, r.PeerQuartiles })
}

func points(rows []numbered, side func(report.Row) (float64, [2]float64)) (pts []point) {
	for _, r := range rows {
		v, q := side(r.row)
		if v <= 0 {
			continue
		}
		if q[0] <= 0 || r.row.Runs < 2 {
			q = [2]float64{v, v}
		}
		pts = append(pts, point{r.n, v, q[0], q[1]})
	}
	return pts
}

// absent says why a contender is not drawn whose rows have names that begin so.
func (t *table) absent(name, rows string) string {
	for _, o := range t.omitted {
		if suite.Within(rows, o.What) || suite.Within(o.What, rows) {
			return name + " is not drawn: " + o.Why + "."
		}
	}
	return name + " is not drawn: this run has no rows of it."
}

// A figure is a picture that is being put together.
type figure struct {
	*table
	Picture
}

// add appends a series, or says that it isn't there.
func (f *figure) add(to *lines, name, rows string, l look, pts []point) {
	if len(pts) == 0 {
		f.Absent = append(f.Absent, f.absent(name, rows))
		return
	}
	to.series = append(to.series, series{name, l, pts})
}
