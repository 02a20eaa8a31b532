package picture

import (
	"fmt"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/bench/internal/results"
)

// drawings put pictures together, in the order of a page. They set no panels where there
// are no rows of ours.
var drawings = []struct {
	name string
	draw func(*figure)
}{
	{"checksum", checksum},
	{"select", selection},
	{"dial", dial},
	{"raw", raw},
	{"tcp", tcp},
	{"dnsreg", dnsreg},
	{"addresses", addresses},
	{"lab", lab},
}

// Names are those of all pictures that there may be.
func Names() (names []string) {
	for _, d := range drawings {
		names = append(names, d.name)
	}
	return names
}

// All returns the pictures that a run has rows for.
func All(r results.Results) (pictures []*Picture) {
	t := newTable(r.Rows, r.Run.Omitted)
	for _, d := range drawings {
		f := &figure{t, Picture{Name: d.name, source: source(r)}}
		if d.draw(f); len(f.panels) > 0 {
			pictures = append(pictures, &f.Picture)
		}
	}
	return pictures
}

// source is the line below a picture: on what, and when.
func source(r results.Results) string {
	m := r.Machine
	s := fmt.Sprintf("%s, %d cores, %s, %s, load %s, %s. Medians; thin lines are quartiles.", m.CPU, m.Cores, m.System, m.Go, m.Load, r.Run.Date())
	if r.Run.Quick {
		s = strings.TrimSuffix(s, ".") + "; a quick run."
	}
	return s
}

// The looks. A contender has the same one in all pictures.
var (
	looksOurs      = look{ours, nil, draw.CircleGlyph{}, 2.5}
	looksOursToo   = look{ours, dashes(7, 3), draw.RingGlyph{}, 2}
	looksGVisor    = look{vermilion, dashes(8, 3, 2, 3), draw.SquareGlyph{}, 1.5}
	looksKernel    = look{green, dashes(5, 3), draw.PyramidGlyph{}, 1.5}
	looksWireguard = look{purple, dashes(2, 2), draw.BoxGlyph{}, 1.5}
	looksTailscale = look{green, dashes(5, 3), draw.PyramidGlyph{}, 1.5}
	looksGopacket  = look{amber, dashes(10, 3), draw.CrossGlyph{}, 1.5}
	looksOther     = look{grey, dashes(3, 3), draw.TriangleGlyph{}, 1.5}
	looksLimit     = look{text, dashes(1, 3), nil, 1.5}
)

func dashes(lengths ...vg.Length) []vg.Length { return lengths }

// times says how ours stands to a peer, in the words that go before the peer's name.
func times(r report.Row) string {
	if r.Verdict == measure.Same {
		return "level with"
	}
	return short(r.Ratio) + " times"
}

// last returns the row with the largest number.
func last(rows []numbered) (numbered, bool) {
	if len(rows) == 0 {
		return numbered{}, false
	}
	return rows[len(rows)-1], true
}
