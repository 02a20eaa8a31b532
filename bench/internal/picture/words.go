package picture

import (
	"strings"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

func plain(size vg.Length) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
}

func bold(size vg.Length) font.Font {
	f := plain(size)
	f.Weight = xfont.WeightBold
	return f
}

// write writes a text whose base line begins at a point.
func write(c *draw.Canvas, f font.Font, i ink, pt vg.Point, s string) {
	c.SetColor(i)
	c.FillString(font.DefaultCache.Lookup(f, f.Size), pt, s)
}

// lineOf is how far lines of text are apart.
func lineOf(size vg.Length) vg.Length { return size * 1.35 }

// widthOf is how wide a text is.
func widthOf(s string, f font.Font) vg.Length {
	face := font.DefaultCache.Lookup(f, f.Size)
	return face.Width(s)
}

// wrap breaks a text between words into lines of at most a width. A longer word has a
// line for itself.
func wrap(s string, f font.Font, width vg.Length) (lines []string) {
	for word := range strings.SplitSeq(s, " ") {
		last := len(lines) - 1
		if last >= 0 && widthOf(lines[last]+" "+word, f) <= width {
			lines[last] += " " + word
			continue
		}
		lines = append(lines, word)
	}
	return lines
}
