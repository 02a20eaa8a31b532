package picture

import (
	"fmt"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A bar is a figure of a contender, with the quartiles of its rounds.
type bar struct {
	name             string
	ink              ink
	hollow           bool // a peer's: told from ours without colour
	value, low, high float64
}

// A group is bars that were measured together.
type group struct {
	heading string
	bars    []bar
}

// bars is a panel of bars that lie, so that their names can be read.
type bars struct {
	value  axis
	groups []group
}

const (
	barHeight = 13
	barGap    = 7
	barRight  = 64 // room for the longest bar's figure
)

// pitch is the distance of bars. On narrow pictures their names stand above them.
func pitch(width vg.Length) vg.Length {
	if beside(width) {
		return barHeight + barGap
	}
	return barHeight + barGap + lineOf(words)
}

const groupHead = vg.Length(words)*1.35 + 10

func (b *bars) height(width vg.Length) vg.Length {
	h := vg.Length(0)
	for _, g := range b.groups {
		h += groupHead + vg.Length(len(g.bars))*pitch(width)
	}
	return h + tickRoom + lineOf(words) + 8
}

func (b *bars) draw(c draw.Canvas) {
	width := c.Max.X - c.Min.X
	left := b.left(width)
	p := plot.New()
	p.BackgroundColor = nil
	p.HideY()
	high := 0.0
	for _, g := range b.groups {
		for _, one := range g.bars {
			high = max(high, one.value, one.high)
		}
	}
	b.value.dress(&p.X, 0, high)
	p.Y.Min, p.Y.Max = 0, 1
	area := draw.Crop(c, left, -barRight, lineOf(words), -8)
	what := b.value.what
	write(&c, plain(words), faint, vg.Point{X: c.Max.X - barRight - widthOf(what, plain(words)), Y: c.Min.Y + 3}, what)
	p.Add(&rule{vertical: b.value.labelled(0, high)}, &barsAt{b, c})
	p.Draw(area)
}

// left is the room for names beside the bars.
func (b *bars) left(width vg.Length) (room vg.Length) {
	if !beside(width) {
		return 2
	}
	for _, g := range b.groups {
		for _, one := range g.bars {
			room = max(room, widthOf(one.name, plain(words))+10)
		}
	}
	return room
}

// barsAt draws bars within a panel.
type barsAt struct {
	*bars
	panel draw.Canvas
}

// Plot draws the bars, as a plot.Plotter.
func (b *barsAt) Plot(c draw.Canvas, p *plot.Plot) {
	x, _ := p.Transforms(&c)
	width := b.panel.Max.X - b.panel.Min.X
	y := c.Max.Y
	for _, g := range b.groups {
		y -= groupHead
		write(&c, bold(words), text, vg.Point{X: b.panel.Min.X, Y: y + 6}, g.heading)
		for _, one := range g.bars {
			y -= pitch(width)
			b.one(c, one, x, y+barGap/2)
		}
	}
}

// one draws a bar upwards from y.
func (b *barsAt) one(c draw.Canvas, one bar, x func(float64) vg.Length, y vg.Length) {
	corners := box(x(0), y, x(one.value), y+barHeight)
	if one.hollow {
		c.FillPolygon(ground, corners)
		c.StrokeLines(draw.LineStyle{Color: one.ink, Width: 2}, append(corners, corners[0]))
	} else {
		c.FillPolygon(one.ink, corners)
	}
	end := x(one.value)
	if one.low < one.high {
		end = max(end, x(one.high))
		c.StrokeLine2(draw.LineStyle{Color: text, Width: 1}, x(one.low), y+barHeight/2, x(one.high), y+barHeight/2)
	}
	write(&c, plain(words), text, vg.Point{X: end + 6, Y: y + 2}, b.value.format(one.value))
	name := vg.Point{X: b.panel.Min.X, Y: y + 2}
	if !beside(b.panel.Max.X - b.panel.Min.X) {
		name.Y = y + barHeight + 4
	}
	write(&c, plain(words), text, name, one.name)
}

// say tells the figures.
func (b *bars) say() string {
	var parts []string
	for _, g := range b.groups {
		var says []string
		for _, one := range g.bars {
			says = append(says, one.name+" "+b.value.format(one.value))
		}
		parts = append(parts, fmt.Sprintf("%s (%s): %s.", g.heading, b.value.what, strings.Join(says, ", ")))
	}
	return strings.Join(parts, " ")
}
