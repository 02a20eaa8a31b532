package page

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"maps"
	"math"
	"slices"

	"github.com/hextet/hextet/bench/internal/picture"
	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/bench/internal/results"
)

//go:embed report.html.tmpl
var source string

//go:embed report.css
var css string

//go:embed report.js
var script string

var page = template.Must(template.New("report").Funcs(template.FuncMap{
	"figure":   report.Figure,
	"spread":   spreadCell,
	"outliers": outlierCell,
	"bar":      barWidth,
	"state":    state,
	"ratio":    func(r report.Row) string { _, ratio := peerCells(r); return ratio },
}).Parse(source))

// A content is what the template shows.
type content struct {
	CSS        template.CSS
	Script     template.JS
	Conditions [][2]string
	Cores      string
	Pictures   []drawing
	Parts      []part
	Results    results.Results
	Short      []report.Row
	Modules    []string
}

// A drawing is a picture at both widths. Style sheets choose the one that fits.
type drawing struct {
	Name         string
	Wide, Narrow template.HTML
}

// render writes report.html: one file that loads nothing.
func render(r results.Results, pictures []*picture.Picture) ([]byte, error) {
	c := content{
		CSS: template.CSS(css), Script: template.JS(script),
		Conditions: conditions(r),
		Cores:      fmt.Sprintf("%d, of which Go uses %d", r.Machine.Cores, r.Machine.GOMAXPROCS),
		Parts:      parts(r.Rows), Results: r, Short: short(r.Rows),
	}
	for _, p := range pictures {
		// The pictures are ours, and escape what rows say.
		c.Pictures = append(c.Pictures, drawing{p.Name, template.HTML(p.SVG(picture.Wide, "")), template.HTML(p.SVG(picture.Narrow, "-narrow"))})
	}
	for _, path := range slices.Sorted(maps.Keys(r.Machine.Modules)) {
		c.Modules = append(c.Modules, path+" "+r.Machine.Modules[path])
	}
	var b bytes.Buffer
	err := page.Execute(&b, c)
	return b.Bytes(), err
}

// barWidth is the spread as the share of a bar that is full at 100 %.
func barWidth(r report.Row) string {
	return fmt.Sprintf("%.0f%%", 100*math.Min(r.Spread, 1))
}

// state is the class of a row.
func state(r report.Row) string {
	switch {
	case r.Err != nil:
		return "failed"
	case !r.OK:
		return "short"
	case r.GoalText() != "":
		return "ok"
	}
	return "informs"
}
