package picture

import (
	"encoding/xml"
	"fmt"
	"math"
	"testing"

	"github.com/hextet/hextet/bench/internal/results"
)

// A written text, as an SVG has it.
type written struct {
	X      float64 `xml:"x,attr"`
	Y      float64 `xml:"y,attr"`
	Size   float64 `xml:"font-size,attr"`
	Length float64 `xml:"textLength,attr"`
	Text   string  `xml:",chardata"`
}

func (w written) overlaps(o written) bool {
	return w.X < o.X+o.Length && o.X < w.X+w.Length && w.Y-0.75*w.Size < o.Y+0.2*o.Size && o.Y-0.75*o.Size < w.Y+0.2*w.Size
}

// parsed is an SVG as far as the tests look at it.
type parsed struct {
	Width  float64   `xml:"width,attr"`
	Height float64   `xml:"height,attr"`
	Title  string    `xml:"title"`
	Desc   string    `xml:"desc"`
	Texts  []written `xml:"text"`
}

// All pictures are XML, say what they show, and no text lies on another or outside, at
// both widths, with all rows and with rows that make it hard.
func TestLayout(t *testing.T) {
	same := run(
		timed("checksum/sum/1500/gvisor", 20, "gvisor", 20), timed("checksum/sum/1500/tailscale", 20, "tailscale", 20), timed("checksum/sum/1500/wireguard-go", 20, "wireguard-go", 20),
		timed("select/distinct/scan/1000", 100, "scan", 100), timed("select/distinct/scan/100000", 100, "scan", 100), timed("select/gvisor/1000", 100, "gvisor FindRoute", 100), timed("select/linux/1000", 100, "Linux UDP connect", 100),
		timed("raw/gvisor/4/sendto", 300, "gvisor sendto", 0), timed("tcp/ipv6/loopback", 1e6, "linux loopback", 1e6),
		counted("dnsreg/curve/10000/all", "msg", 3, 3), counted("dnsreg/curve/100000/all", "msg", 3, 3), counted("dnsreg/curve/10000/flagged", "msg", 3, 3),
	)
	for name, r := range map[string]results.Results{"whole": whole(), "the same": same} {
		for _, p := range All(r) {
			for _, width := range []int{Wide, Narrow} {
				checkLayout(t, fmt.Sprintf("%s, %s, %d", name, p.Name, width), p, p.SVG(width, "-x"), width)
			}
		}
	}
}

func checkLayout(t *testing.T, name string, p *Picture, svg []byte, width int) {
	t.Helper()
	var got parsed
	if err := xml.Unmarshal(svg, &got); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if got.Title != p.Title || got.Desc != p.Alt() || got.Width != float64(width) || len(got.Texts) < 5 {
		t.Errorf("%s: title %q, description %q, width %v, %d texts", name, got.Title, got.Desc, got.Width, len(got.Texts))
	}
	for i, a := range got.Texts {
		if a.X < 0 || a.X+a.Length > got.Width || a.Y-a.Size < 0 || a.Y+0.2*a.Size > got.Height {
			t.Errorf("%s: %q is cut off: %+v", name, a.Text, a)
		}
		for _, b := range got.Texts[:i] {
			if a.overlaps(b) {
				t.Errorf("%s: %q lies on %q", name, a.Text, b.Text)
			}
		}
	}
}

// Lines and text stand out from the ground, light and dark: WCAG asks 3 for lines, 4.5 for text.
func TestContrast(t *testing.T) {
	for i := ink(0); int(i) < len(palette); i++ {
		want := 3.0
		switch i {
		case ground, grid:
			continue
		case text, faint:
			want = 4.5
		}
		for side, of := range map[string]func(ink) uint32{"light": func(i ink) uint32 { return palette[i].light }, "dark": func(i ink) uint32 { return palette[i].dark }} {
			if got := contrast(of(i), of(ground)); got < want {
				t.Errorf("ink %d on %s ground: contrast %.2f, want %v", i, side, got, want)
			}
		}
	}
}

// contrast is WCAG's ratio of luminances.
func contrast(a, b uint32) float64 {
	light := func(c uint32) float64 {
		part := func(shift int) float64 {
			v := float64(c>>shift&0xff) / 255
			if v <= 0.04045 {
				return v / 12.92
			}
			return math.Pow((v+0.055)/1.055, 2.4)
		}
		return 0.2126*part(16) + 0.7152*part(8) + 0.0722*part(0)
	}
	x, y := light(a), light(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// No two lines of a picture look alike to somebody who sees no colours.
func TestLooks(t *testing.T) {
	for _, p := range All(whole()) {
		for _, panel := range p.panels {
			l, ok := panel.(*lines)
			if !ok {
				continue
			}
			seen := map[string]string{}
			for _, s := range l.series {
				key := fmt.Sprintf("%v %T", s.look.dash, s.look.glyph)
				if other, ok := seen[key]; ok {
					t.Errorf("%s: %s looks like %s", p.Name, s.name, other)
				}
				seen[key] = s.name
			}
		}
	}
}
