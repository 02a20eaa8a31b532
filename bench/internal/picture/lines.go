package picture

import (
	"fmt"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A point is a figure with the quartiles of its rounds.
type point struct{ x, y, low, high float64 }

// A series is a contender's line.
type series struct {
	name   string
	look   look
	points []point
}

// A look is how a line is told from others: by three things, of which each is enough.
type look struct {
	ink   ink
	dash  []vg.Length
	glyph draw.GlyphDrawer // nil: a limit, which was not measured at points
	width vg.Length
}

func (l look) line() draw.LineStyle {
	return draw.LineStyle{Color: l.ink, Width: l.width, Dashes: l.dash}
}

func (l look) mark() draw.GlyphStyle {
	return draw.GlyphStyle{Color: l.ink, Radius: 3.5, Shape: l.glyph}
}

// lines is a panel of series over a number.
type lines struct {
	heading string // "" where the picture has one panel
	x, y    axis
	series  []series
}

const (
	plotHeight = 270
	labelGap   = 22 // from the end of a line to its label
)

// beside says whether there is room for labels beside lines and bars.
func beside(width vg.Length) bool { return width > Narrow-2*margin }

func (l *lines) height(width vg.Length) vg.Length {
	h := l.top() + plotHeight + tickRoom + lineOf(words)
	if !beside(width) {
		h += vg.Length(len(l.legend(width)))*lineOf(words) + 6
	}
	return h
}

// top is the room for what stands above the axes.
func (l *lines) top() vg.Length {
	if l.heading != "" {
		return 2*lineOf(words) + 6
	}
	return lineOf(words) + 6
}

func (l *lines) draw(c draw.Canvas) {
	width := c.Max.X - c.Min.X
	y := c.Max.Y
	if l.heading != "" {
		y -= lineOf(words)
		write(&c, bold(words), text, vg.Point{X: c.Min.X, Y: y + 3}, l.heading)
	}
	if !beside(width) {
		for _, entries := range l.legend(width) {
			y -= lineOf(words)
			l.writeLegend(&c, y+3, entries)
		}
		y -= 6
	}
	y -= lineOf(words)
	write(&c, plain(words), faint, vg.Point{X: c.Min.X, Y: y + 3}, l.y.what)
	what := l.x.what
	write(&c, plain(words), faint, vg.Point{X: c.Max.X - l.right(width) - widthOf(what, plain(words)), Y: c.Min.Y + 3}, what)

	area := draw.Crop(c, 0, -l.right(width), lineOf(words), y-6-c.Max.Y)
	p := l.plot()
	p.Draw(area)
	if beside(width) {
		inner := p.DataCanvas(area)
		l.label(&c, &inner, p)
	}
}

// right is the room for labels beside the lines.
func (l *lines) right(width vg.Length) (room vg.Length) {
	if !beside(width) {
		return 8
	}
	for _, s := range l.series {
		room = max(room, labelGap+widthOf(s.name, plain(words)))
	}
	return room
}

// plot makes gonum's plot of the series.
func (l *lines) plot() *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	x, y := l.ranges()
	l.x.dress(&p.X, x[0], x[1])
	l.y.dress(&p.Y, y[0], y[1])
	p.Add(&rule{vertical: l.x.labelled(x[0], x[1]), horizontal: l.y.labelled(y[0], y[1])})
	for _, s := range l.series {
		p.Add(s)
	}
	return p
}

// ranges are the least and the greatest of both coordinates, quartiles included.
func (l *lines) ranges() (x, y [2]float64) {
	x, y = [2]float64{math.Inf(1), math.Inf(-1)}, [2]float64{math.Inf(1), math.Inf(-1)}
	for _, s := range l.series {
		for _, pt := range s.points {
			x[0], x[1] = min(x[0], pt.x), max(x[1], pt.x)
			if s.look.glyph == nil {
				pt.low, pt.high = pt.y, pt.y
			}
			y[0], y[1] = min(y[0], pt.low), max(y[1], pt.high)
		}
	}
	return x, y
}

// Plot draws the series, as a plot.Plotter.
func (s series) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	var way []vg.Point
	for _, pt := range s.points {
		at := vg.Point{X: x(pt.x), Y: y(pt.y)}
		way = append(way, at)
		if pt.low < pt.high && s.look.glyph != nil {
			c.StrokeLine2(draw.LineStyle{Color: s.look.ink, Width: 1}, at.X, y(pt.low), at.X, y(pt.high))
		}
	}
	c.StrokeLines(s.look.line(), way)
	if s.look.glyph == nil {
		return
	}
	for _, at := range way {
		c.DrawGlyphNoClip(s.look.mark(), at)
	}
}

// say tells the figures.
func (l *lines) say() string {
	var b strings.Builder
	if l.heading != "" {
		b.WriteString(l.heading + ". ")
	}
	for _, s := range l.series {
		var parts []string
		for _, pt := range s.points {
			parts = append(parts, fmt.Sprintf("%s at %s", l.y.format(pt.y), l.x.format(pt.x)))
		}
		fmt.Fprintf(&b, "%s (%s over %s): %s. ", s.name, l.y.what, l.x.what, strings.Join(parts, ", "))
	}
	return strings.TrimSpace(b.String())
}

// A rule is the grid behind lines.
type rule struct{ vertical, horizontal []float64 }

// Plot draws the grid, as a plot.Plotter.
func (r *rule) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	style := draw.LineStyle{Color: grid, Width: 1}
	for _, v := range r.vertical {
		c.StrokeLine2(style, x(v), c.Min.Y, x(v), c.Max.Y)
	}
	for _, v := range r.horizontal {
		c.StrokeLine2(style, c.Min.X, y(v), c.Max.X, y(v))
	}
}
