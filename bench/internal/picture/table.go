package picture

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/bench/internal/suite"
)

// A table finds rows by their names. Rows without figures are not in it, but missing says why.
type table struct {
	rows    []report.Row
	missing []suite.Omission
}

func newTable(rows []report.Row, omitted []suite.Omission) *table {
	t := &table{missing: slices.Clone(omitted)}
	for _, r := range rows {
		if r.Err != nil {
			t.missing = append(t.missing, suite.Omission{What: r.Name, Why: "it could not be measured"})
			continue
		}
		t.rows = append(t.rows, r)
	}
	return t
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

// absent says why a contender is not drawn whose rows have such names; a * is any element.
func (t *table) absent(name, rows string) string {
	for _, m := range t.missing {
		if concerns(m.What, rows) {
			return name + " is not drawn: " + m.Why + "."
		}
	}
	return name + " is not drawn: this run has no rows of it."
}

// concerns says whether something that is missing is among rows, or they are among it.
func concerns(what, rows string) bool {
	a, b := strings.Split(what, "/"), strings.Split(rows, "/")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] && b[i] != "*" {
			return false
		}
	}
	return true
}

// A figure is a picture that is being put together.
type figure struct {
	*table
	Picture
}

// add appends a series, or says that it isn't there. Its rows are those of absent.
func (f *figure) add(to *lines, name, rows string, l look, pts []point) {
	if len(pts) == 0 {
		f.lacks(name, rows)
		return
	}
	to.series = append(to.series, series{name, l, pts})
}

// lacks says that a contender isn't drawn, and why: once, whatever the panels that it is missing from.
func (f *figure) lacks(name, rows string) {
	if why := f.absent(name, rows); !slices.Contains(f.Absent, why) {
		f.Absent = append(f.Absent, why)
	}
}

// panel appends a panel of lines, if there are any.
func (f *figure) panel(l *lines) {
	if len(l.series) > 0 {
		f.panels = append(f.panels, l)
	}
}
