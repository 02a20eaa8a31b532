package picture

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image"
	"image/color"
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

// fonts are what shows the text: the first has the widths that the layout reckons with, and so
// have the next two. For any other, textLength makes the text as wide.
const fonts = `Liberation Sans, Arial, Helvetica, sans-serif`

// A canvas is a vg.Canvas that writes SVG. One unit is one pixel at the picture's own size.
// gonum's vgsvg writes colours as they are; here an ink keeps its name, as a class.
type canvas struct {
	height vg.Length
	body   bytes.Buffer
	states []state
}

// A state is what Push keeps.
type state struct {
	at    vg.Point // where the origin was moved to
	width vg.Length
	dash  []vg.Length
	ink   ink
}

func newCanvas(height vg.Length) *canvas {
	c := &canvas{height: height, states: make([]state, 1)}
	vg.Initialize(c)
	return c
}

func (c *canvas) now() *state { return &c.states[len(c.states)-1] }

func (c *canvas) Push() { c.states = append(c.states, *c.now()) }

func (c *canvas) Pop() { c.states = c.states[:len(c.states)-1] }

func (c *canvas) SetLineWidth(w vg.Length) { c.now().width = w }

func (c *canvas) SetLineDash(pattern []vg.Length, _ vg.Length) { c.now().dash = pattern }

// SetColor sets an ink. gonum itself sets black, for a start.
func (c *canvas) SetColor(col color.Color) {
	i, ok := col.(ink)
	if !ok {
		i = text
	}
	c.now().ink = i
}

func (c *canvas) Translate(pt vg.Point) {
	c.now().at = c.now().at.Add(pt)
}

// Rotate, Scale and DrawImage are what no picture does: text that stands upright is read.
func (c *canvas) Rotate(float64) { panic("picture: rotated") }

// Scale is not there; see Rotate.
func (c *canvas) Scale(float64, float64) { panic("picture: scaled") }

// DrawImage is not there; see Rotate.
func (c *canvas) DrawImage(vg.Rectangle, image.Image) { panic("picture: an image") }

func (c *canvas) Stroke(p vg.Path) {
	s := c.now()
	if s.width <= 0 {
		return
	}
	dash := ""
	if len(s.dash) > 0 {
		var lengths []string
		for _, l := range s.dash {
			lengths = append(lengths, number(l))
		}
		dash = ` stroke-dasharray="` + strings.Join(lengths, " ") + `"`
	}
	fmt.Fprintf(&c.body, `<path class="s%d" d="%s" fill="none" stroke="%s" stroke-width="%s"%s/>`+"\n", s.ink, c.path(p), s.ink.hex(), number(s.width), dash)
}

func (c *canvas) Fill(p vg.Path) {
	i := c.now().ink
	fmt.Fprintf(&c.body, `<path class="f%d" d="%s" fill="%s"/>`+"\n", i, c.path(p), i.hex())
}

func (c *canvas) FillString(f font.Face, pt vg.Point, s string) {
	if s == "" {
		return
	}
	i, weight := c.now().ink, ""
	if f.Font.Weight > 0 {
		weight = ` font-weight="bold"`
	}
	fmt.Fprintf(&c.body, `<text class="f%d" x="%s" y="%s" font-size="%s"%s textLength="%s" lengthAdjust="spacingAndGlyphs" fill="%s">%s</text>`+"\n",
		i, c.x(pt), c.y(pt), number(f.Font.Size), weight, number(widthOf(s, f.Font)), i.hex(), escaped(s))
}

func (c *canvas) x(pt vg.Point) string { return number(c.now().at.X + pt.X) }

// y turns gonum's coordinates, which rise, into those of SVG.
func (c *canvas) y(pt vg.Point) string { return number(c.height - c.now().at.Y - pt.Y) }

// path is the d of a path.
func (c *canvas) path(p vg.Path) string {
	var b strings.Builder
	for _, e := range p {
		switch e.Type {
		case vg.MoveComp:
			b.WriteString("M" + c.x(e.Pos) + " " + c.y(e.Pos))
		case vg.LineComp:
			b.WriteString("L" + c.x(e.Pos) + " " + c.y(e.Pos))
		case vg.ArcComp:
			c.arc(&b, e)
		case vg.CurveComp:
			panic("picture: a curve")
		case vg.CloseComp:
			b.WriteString("Z")
		}
	}
	return b.String()
}

// arc goes in two halves: SVG can't tell a whole circle from none.
func (c *canvas) arc(b *strings.Builder, e vg.PathComp) {
	sweep := 0 // falling coordinates turn the direction round
	if e.Angle < 0 {
		sweep = 1
	}
	for part := range 3 {
		sin, cos := math.Sincos(e.Start + e.Angle*float64(part)/2)
		pt := e.Pos.Add(vg.Point{X: e.Radius * vg.Length(cos), Y: e.Radius * vg.Length(sin)})
		if part == 0 {
			b.WriteString("L" + c.x(pt) + " " + c.y(pt))
			continue
		}
		fmt.Fprintf(b, "A%s %s 0 0 %d %s %s", number(e.Radius), number(e.Radius), sweep, c.x(pt), c.y(pt))
	}
}

// number writes a tenth of a pixel: nobody sees less, and machines differ in the rest.
func number(v vg.Length) string {
	f := math.Round(10*float64(v)) / 10
	if f == 0 {
		f = 0 // not -0
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

func escaped(s string) string {
	var b bytes.Buffer
	xml.EscapeText(&b, []byte(s)) // a bytes.Buffer doesn't fail
	return b.String()
}
