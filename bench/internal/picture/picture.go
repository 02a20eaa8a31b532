package picture

import (
	"fmt"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// The widths of pictures. Text stays as large on the narrow ones, so that they can be read
// on a phone without being scaled.
const (
	Wide   = 760
	Narrow = 360
)

// A Picture is what the rows of a part look like.
type Picture struct {
	Name  string // of its file, without .svg
	Title string // the finding, with its figures

	// Absent says which contenders are not drawn and why, one a line.
	Absent []string

	source string // on what machine and when
	panels []panel
}

// A panel is a part of a picture with axes of its own.
type panel interface {
	// height is what the panel needs where it has a width.
	height(width vg.Length) vg.Length

	// draw fills the canvas.
	draw(c draw.Canvas)

	// say tells the figures in words.
	say() string
}

const (
	margin = 16
	titles = 16 // the size of text, in pixels
	words  = 12
)

// Alt is what the picture shows, for those who don't see it.
func (p *Picture) Alt() string {
	var says []string
	for _, panel := range p.panels {
		says = append(says, panel.say())
	}
	return strings.Join(append(says, p.notes()...), " ")
}

// notes are the lines below the panels.
func (p *Picture) notes() []string { return append(append([]string(nil), p.Absent...), p.source) }

// SVG draws the picture. Pages that hold one picture several times need another suffix
// for each.
func (p *Picture) SVG(width int, suffix string) []byte {
	w := vg.Length(width)
	inner := w - 2*margin
	columns := columnsOf(len(p.panels), w)
	each := (inner - vg.Length(columns-1)*2*margin) / vg.Length(columns)

	title := wrap(p.Title, bold(titles), inner)
	var notes []string
	for _, n := range p.notes() {
		notes = append(notes, wrap(n, plain(words), inner)...)
	}
	height := 2*margin + vg.Length(len(title))*lineOf(titles) + vg.Length(len(notes))*lineOf(words) + margin/2
	rows := rowsOf(p.panels, columns, each)
	for _, r := range rows {
		height += r + margin/2
	}

	svg := newCanvas(height)
	c := draw.NewCanvas(svg, w, height)
	c.FillPolygon(ground, box(0, 0, w, height))
	y := height - margin
	for _, l := range title {
		y -= lineOf(titles)
		write(&c, bold(titles), text, vg.Point{X: margin, Y: y + 4}, l)
	}
	for i, panel := range p.panels {
		column, row := i%columns, i/columns
		if column == 0 {
			y -= rows[row] + margin/2
		}
		left := margin + vg.Length(column)*(each+2*margin)
		panel.draw(draw.Crop(c, left, left+each-w, y, y+rows[row]-height))
	}
	y -= margin / 2
	for _, l := range notes {
		y -= lineOf(words)
		write(&c, plain(words), faint, vg.Point{X: margin, Y: y + 3}, l)
	}
	return p.wrapped(svg, width, suffix)
}

// wrapped puts the picture's head and end around what was drawn.
func (p *Picture) wrapped(c *canvas, width int, suffix string) []byte {
	id := "hextet-" + p.Name + suffix
	head := fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" class="hextet" width="%d" height="%s" viewBox="0 0 %d %s" font-family="%s" role="img" aria-labelledby="%s-title %s-desc">
<title id="%s-title">%s</title>
<desc id="%s-desc">%s</desc>
<style>%s</style>
`, width, number(c.height), width, number(c.height), fonts, id, id, id, escaped(p.Title), id, escaped(p.Alt()), style())
	return append(append([]byte(head), c.body.Bytes()...), "</svg>\n"...)
}

// columnsOf says how many panels stand side by side.
func columnsOf(panels int, width vg.Length) int {
	if width < Wide {
		return 1
	}
	return max(panels, 1)
}

// rowsOf returns the heights of rows of panels.
func rowsOf(panels []panel, columns int, width vg.Length) (heights []vg.Length) {
	for i, p := range panels {
		if i%columns == 0 {
			heights = append(heights, 0)
		}
		last := &heights[len(heights)-1]
		*last = max(*last, p.height(width))
	}
	return heights
}

// box is a rectangle's corners.
func box(left, bottom, right, top vg.Length) []vg.Point {
	return []vg.Point{{X: left, Y: bottom}, {X: right, Y: bottom}, {X: right, Y: top}, {X: left, Y: top}}
}
