package picture

import (
	"fmt"
	"image/color"
	"strings"
)

// An ink is a colour by what it is for. It has one value on light and another on dark
// ground.
type ink int

// The inks. Those of lines are the palette of Okabe and Ito, which people see apart whatever
// their colours, some of them darker or lighter so that they stand out from the ground.
const (
	ground ink = iota
	text
	faint // text that matters less, axes
	grid
	ours
	vermilion
	green
	purple
	amber
	grey
)

var palette = [...]struct{ light, dark uint32 }{
	ground:    {0xffffff, 0x0d1117},
	text:      {0x1f2328, 0xe6edf3},
	faint:     {0x59636e, 0x9198a1},
	grid:      {0xe3e7eb, 0x262c36},
	ours:      {0x0072b2, 0x56b4e9},
	vermilion: {0xd55e00, 0xf0752b},
	green:     {0x008561, 0x1fbf8f},
	purple:    {0xb35a8c, 0xe09cc0},
	amber:     {0xa87200, 0xe69f00},
	grey:      {0x6b7280, 0xaab1bb},
}

// RGBA makes an ink a color.Color for gonum, as which it is light.
func (i ink) RGBA() (r, g, b, a uint32) {
	v := palette[i].light
	return color.NRGBA{uint8(v >> 16), uint8(v >> 8), uint8(v), 0xff}.RGBA()
}

// hex is the ink on light ground, which programs show that know no style sheets.
func (i ink) hex() string { return fmt.Sprintf("#%06x", palette[i].light) }

// style is the style sheet of every picture. It leaves alone what isn't a picture's,
// for within a page it applies to all of that.
func style() string {
	var b strings.Builder
	b.WriteString("@media (prefers-color-scheme:dark){")
	for i, c := range palette {
		fmt.Fprintf(&b, ".hextet .f%d{fill:#%06x}.hextet .s%d{stroke:#%06x}", i, c.dark, i, c.dark)
	}
	b.WriteString("}")
	return b.String()
}
