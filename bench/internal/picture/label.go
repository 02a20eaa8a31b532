package picture

import (
	"cmp"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A label is the name of a series, and where its line ends.
type label struct {
	series *series
	end    vg.Point
	y      vg.Length // of the label's middle, once it was spread
}

// label writes each name where its line ends: beside that point if it is in the midst and
// there is room, otherwise on the right, with a thin line that leads there.
func (l *lines) label(c, inner *draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(inner)
	ways := make([][]vg.Point, len(l.series))
	var last vg.Length
	for i, s := range l.series {
		for _, pt := range s.points {
			ways[i] = append(ways[i], vg.Point{X: x(pt.x), Y: y(pt.y)})
			last = max(last, x(pt.x))
		}
	}
	var taken []vg.Rectangle
	var side []label
	for i := range l.series {
		s, end := &l.series[i], ways[i][len(ways[i])-1]
		if spot, ok := free(spots(end, widthOf(s.name, plain(words))), inner, ways, taken); ok && end.X < last-1 {
			taken = append(taken, spot)
			write(c, plain(words), text, spot.Min.Add(vg.Point{X: 2, Y: 4}), s.name)
			continue
		}
		side = append(side, label{s, end, end.Y})
	}
	spread(side, inner.Min.Y, inner.Max.Y, lineOf(words))
	for _, s := range side {
		at := vg.Point{X: inner.Max.X + labelGap, Y: s.y}
		c.StrokeLines(draw.LineStyle{Color: s.series.look.ink, Width: 1}, []vg.Point{{X: s.end.X + 5, Y: s.end.Y}, {X: inner.Max.X + 6, Y: s.end.Y}, {X: at.X - 4, Y: s.y}})
		write(c, plain(words), text, vg.Point{X: at.X, Y: s.y - 4}, s.series.name)
	}
}

// spots are where a name may stand beside a point: right of it, above, below, left.
func spots(end vg.Point, width vg.Length) (all []vg.Rectangle) {
	width += 4
	for _, min := range []vg.Point{{X: 6, Y: -8}, {X: 2, Y: 6}, {X: 2, Y: -22}, {X: -6 - width, Y: -8}} {
		min = min.Add(end)
		all = append(all, vg.Rectangle{Min: min, Max: min.Add(vg.Point{X: width, Y: 16})})
	}
	return all
}

// free returns the first spot that is within the axes, on no line and on no other name.
func free(spots []vg.Rectangle, inner *draw.Canvas, ways [][]vg.Point, taken []vg.Rectangle) (vg.Rectangle, bool) {
	i := slices.IndexFunc(spots, func(s vg.Rectangle) bool {
		inside := s.Min.X > inner.Min.X && s.Max.X < inner.Max.X && s.Min.Y > inner.Min.Y && s.Max.Y < inner.Max.Y+8
		return inside && !crossed(s, ways) && !overlaps(s, taken)
	})
	if i < 0 {
		return vg.Rectangle{}, false
	}
	return spots[i], true
}

// spread moves labels so far apart that they can be read, in the order of their lines' ends.
func spread(labels []label, bottom, top, gap vg.Length) {
	slices.SortStableFunc(labels, func(a, b label) int { return cmp.Compare(b.end.Y, a.end.Y) })
	highest := top
	for i := range labels {
		labels[i].y = min(labels[i].end.Y, highest)
		highest = labels[i].y - gap
	}
	lowest := bottom
	for i := len(labels) - 1; i >= 0; i-- {
		labels[i].y = max(labels[i].y, lowest)
		lowest = labels[i].y + gap
	}
}

// crossed says whether a line goes through a rectangle: looked at each pixel of the way
// along the longer side.
func crossed(r vg.Rectangle, ways [][]vg.Point) bool {
	for _, way := range ways {
		for i := 1; i < len(way); i++ {
			a, d := way[i-1], way[i].Sub(way[i-1])
			n := int(max(d.X, -d.X, d.Y, -d.Y)) + 1
			for k := range n + 1 {
				if inside(r, a.Add(d.Scale(vg.Length(k)/vg.Length(n)))) {
					return true
				}
			}
		}
	}
	return false
}

func inside(r vg.Rectangle, pt vg.Point) bool {
	return pt.X > r.Min.X && pt.X < r.Max.X && pt.Y > r.Min.Y && pt.Y < r.Max.Y
}

func overlaps(r vg.Rectangle, others []vg.Rectangle) bool {
	return slices.ContainsFunc(others, func(o vg.Rectangle) bool {
		return r.Min.X < o.Max.X && o.Min.X < r.Max.X && r.Min.Y < o.Max.Y && o.Min.Y < r.Max.Y
	})
}

// An entry is a name in a legend, and where its sample of the line begins.
type entry struct {
	series *series
	x      vg.Length
}

const sample = 26 // the width of a sample of a line

// legend distributes the names over lines.
func (l *lines) legend(width vg.Length) (rows [][]entry) {
	x := width
	for i := range l.series {
		need := sample + 6 + widthOf(l.series[i].name, plain(words))
		if x+need > width {
			rows, x = append(rows, nil), 0
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], entry{&l.series[i], x})
		x += need + 14
	}
	return rows
}

// writeLegend writes a line of the legend, with a sample of each line.
func (l *lines) writeLegend(c *draw.Canvas, y vg.Length, entries []entry) {
	for _, e := range entries {
		x, look := c.Min.X+e.x, e.series.look
		c.StrokeLine2(look.line(), x, y+4, x+sample, y+4)
		if look.glyph != nil {
			c.DrawGlyphNoClip(look.mark(), vg.Point{X: x + sample/2, Y: y + 4})
		}
		write(c, plain(words), text, vg.Point{X: x + sample + 6, Y: y}, e.series.name)
	}
}
