package page

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hextet/hextet/internal/peertest"
)

// probe tells the page around it what a browser makes of this one: nothing more to the right,
// pictures of a size, one of each pair, no text on another or outside of its picture, and
// what the filter shows.
const probe = `<script>
const wrong = [];
if (document.documentElement.scrollWidth > innerWidth) wrong.push("scrolls sideways: " + document.documentElement.scrollWidth + " of " + innerWidth);
const shown = [...document.querySelectorAll("figure svg")].filter(s => s.getBoundingClientRect().width > 0);
for (const svg of shown) {
	const all = svg.getBoundingClientRect(), texts = [...svg.querySelectorAll("text")].map(e => [e.textContent, e.getBoundingClientRect()]);
	if (all.height < 200 || all.width < 300) wrong.push(svg.querySelector("title").textContent + ": " + all.width + " by " + all.height);
	texts.forEach(([a, r], i) => {
		if (r.left < all.left || r.right > all.right || r.top < all.top || r.bottom > all.bottom) wrong.push(a + " is cut off");
		for (const [b, o] of texts.slice(0, i)) {
			// The boxes are of whole lines; letters that touch overlap by half of one.
			if (r.left + 1 < o.right && o.left + 1 < r.right && r.top + 6 < o.bottom && o.top + 6 < r.bottom) wrong.push(a + " lies on " + b);
		}
	});
}
const rows = () => [...document.querySelectorAll("tbody tr")].filter(e => e.getBoundingClientRect().height > 0).length;
const before = rows(), box = document.getElementById("filter");
box.value = "Short scan"; box.dispatchEvent(new Event("input"));
const fits = query => matchMedia(query).matches;
parent.postMessage(JSON.stringify({ width: innerWidth, wide: fits("(min-width: 800px)"), dark: fits("(prefers-color-scheme: dark)"), pictures: shown.length, before, after: rows(), tables: [...document.querySelectorAll("table:not([hidden])")].length, count: document.getElementById("count").textContent, wrong }), "*");
</script>`

// frame holds the page at a width of its own: a window of Chromium's is never as narrow as a phone.
const frame = `<!DOCTYPE html><meta name="color-scheme" content="light dark"><title>nothing was said</title>
<iframe src="probe.html" style="width:%dpx;height:900px;border:0"></iframe>
<script>onmessage = e => { document.title = e.data; };</script>`

// The page in Chromium, at the width of a screen and of a phone, in light and in dark.
func TestInBrowser(t *testing.T) {
	peertest.Chromium(t)
	dir := write(t, sample())
	save := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return file
	}
	save("probe.html", read(t, dir, HTMLFile)+probe)
	for width, wide := range map[int]bool{1280: true, 400: false} {
		file := save("frame.html", fmt.Sprintf(frame, width))
		for scheme, dark := range []bool{true, false} {
			dom := peertest.Browse(t, file, "--window-size=1400,1000", fmt.Sprintf("--blink-settings=preferredColorScheme=%d", scheme))
			_, title, _ := strings.Cut(dom, "<title>")
			title, _, _ = strings.Cut(title, "</title>")
			want := fmt.Sprintf(`{"width":%d,"wide":%t,"dark":%t,"pictures":2,"before":6,"after":1,"tables":1,"count":"1 of 6","wrong":[]}`, width, wide, dark)
			if title != want {
				t.Errorf("%d wide:\n got %s\nwant %s", width, title, want)
			}
		}
	}
}
