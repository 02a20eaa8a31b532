package page

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/hextet/hextet/bench/internal/machine"
	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/picture"
	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/bench/internal/results"
	"github.com/hextet/hextet/bench/internal/suite"
)

// sample has rows of all states, and for two pictures.
func sample() results.Results {
	around := func(name string, v float64) measure.Sample {
		return measure.Sample{Name: name, Rounds: []float64{0.9 * v, v, v, v, 1.1 * v}}
	}
	odd := func(s measure.Sample, by float64) measure.Sample {
		s.Rounds[4] *= by
		return s
	}
	timed := func(name string, goal report.Goal, ours float64, peer string, theirs float64) report.Row {
		return report.Compared(name, "ns", goal, around("hextet", ours), odd(around(peer, theirs), 2))
	}
	atLeast := report.Goal{Kind: report.AtLeast, Value: 2}
	return results.Results{
		Machine: machine.Info{CPU: "<b>CPU</b>", Cores: 4, GOMAXPROCS: 2, System: "linux/amd64", Go: "go1.26", Modules: map[string]string{"example.com/peer": "v1.2.3"}},
		Run: results.Run{
			Command: "go run -C bench . -quick", Revision: "v1-2-g3-dirty", Begun: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), Complete: true,
			Omitted: []suite.Omission{{What: "select/linux", Why: "needs root | or so"}},
		},
		Rows: []report.Row{
			timed("select/distinct/scan/4", atLeast, 100, "scan n=4", 50),
			timed("select/distinct/scan/100000", atLeast, 200, "scan n=100000", 4e5),
			timed("dial/ipv6/gvisor/4", report.Goal{}, 1e5, "gvisor", 2e5),
			timed("dial/ipv6/gvisor/10000", atLeast, 1e5, "gvisor", 7e6),
			report.Counted("dnsreg/1000/one-speaks/messages", "msg", report.Goal{Kind: report.Total, Value: 2}, 3),
			report.Failed("tcp/ipv6/memory", errors.New("<script>alert(1)</script> | broken")),
		},
	}
}

func write(t *testing.T, r results.Results) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := Write(dir, filepath.Join(dir, MarkdownFile), r); err != nil {
		t.Fatal(err)
	}
	return dir
}

func read(t *testing.T, names ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(names...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The page loads nothing, has every row, and text from rows is text.
func TestHTML(t *testing.T) {
	text := read(t, write(t, sample()), HTMLFile)
	ids := map[string]int{}
	z := html.NewTokenizer(strings.NewReader(text))
	for z.Next() != html.ErrorToken {
		token := z.Token()
		for _, a := range token.Attr {
			switch {
			case a.Key == "id":
				ids[a.Val]++
			case (a.Key == "href" || a.Key == "src") && !strings.HasPrefix(a.Val, "#") && a.Val != "data:,":
				t.Errorf("the page loads %s", a.Val)
			}
		}
	}
	if z.Err() != io.EOF {
		t.Error(z.Err())
	}
	for _, r := range sample().Rows {
		if ids[r.Name] != 1 {
			t.Errorf("%s is there %d times", r.Name, ids[r.Name])
		}
	}
	for id, n := range ids {
		if n > 1 {
			t.Errorf("id %s is there %d times", id, n)
		}
	}
	if strings.Contains(text, "<script>alert") || strings.Contains(text, "<b>CPU") || strings.Contains(text, "ZgotmplZ") || regexp.MustCompile(`url\(|@import|https?://(?:[^w]|w[^w])`).MatchString(text) {
		t.Error("text of rows is markup, or the page loads something")
	}
	for _, want := range []string{"6 rows, 3 short", "go run -C bench . -quick", "v1-2-g3-dirty", "needs root | or so", "example.com/peer v1.2.3", `class="failed"`, `class="short"`, `class="ok"`, `class="informs"`, `<td data-label="rounds">5</td><td data-label="outliers">1</td>`, `<td data-label="rounds">1</td><td></td>`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
}

// The Markdown leads to the pictures from wherever it is, and a picture of another run is
// taken away.
func TestWrite(t *testing.T) {
	top := t.TempDir()
	dir := filepath.Join(top, "results")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"checksum.svg", "mine.svg"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := Write(dir, filepath.Join(top, "OUT.md"), sample()); err != nil {
		t.Fatal(err)
	}
	for name, there := range map[string]bool{"select.svg": true, "dial.svg": true, "mine.svg": true, "checksum.svg": false, "RESULTS.md": false} {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != there {
			t.Errorf("%s: %v", name, err)
		}
	}
	text := read(t, top, "OUT.md")
	for _, want := range []string{
		"](results/select.svg)", "| goal | spread | rounds | outliers | |", "| 3 msg |  |  | &lt;=2 msg |  | 1 |  | SHORT |", "](results/dial.svg)", "6 rows, 3 short of their goals", "- `select/distinct/scan/4`: 0.5x, goal >=2x", "- `dnsreg/1000/one-speaks/messages`: 3 msg, goal &lt;=2 msg",
		"- `select/linux`: needs root", "| dial/ipv6/gvisor/10000 | 100 µs | 7 ms gvisor | 70x | >=2x | 0% | 5 | 1 | ok |", `&lt;script>alert(1)&lt;/script> \| broken`, "- Command: `go run -C bench . -quick`", "- Revision: v1-2-g3-dirty", "example.com/peer v1.2.3",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if got := read(t, write(t, sample()), MarkdownFile); !strings.Contains(got, "](select.svg)") {
		t.Error("beside the pictures, the links go elsewhere")
	}
}

// What a row, a machine or an omission says is text, and stays in its line and its cell.
func TestHostileMarkdown(t *testing.T) {
	const evil = "a\n# b\r| c ` <img> [d](e) \\| &lt;"
	r := sample()
	r.Machine.Modules = map[string]string{evil: evil}
	r.Machine.CPU, r.Run.Command, r.Run.Omitted = evil, evil, []suite.Omission{{What: evil, Why: evil}}
	row := report.Counted(evil, evil, report.Goal{Kind: report.Total, Value: 1}, 3)
	failed := report.Failed(evil, errors.New(evil))
	r.Rows = append(r.Rows, row, failed)
	plain := sample()
	plain.Rows = append(plain.Rows, report.Counted("x", "x", report.Goal{Kind: report.Total, Value: 1}, 3), report.Failed("x", errors.New("x")))
	pictures := picture.All(r)
	for _, p := range pictures {
		p.Title = evil
	}
	text, without := string(mark(r, pictures, ".")), string(mark(plain, picture.All(plain), "."))
	if a, b := strings.Count(text, "\n"), strings.Count(without, "\n"); a != b {
		t.Errorf("%d lines, %d without what is hostile:\n%s", a, b, text)
	}
	bars := regexp.MustCompile(`(^|[^\\])\|`)
	for line := range strings.Lines(text) {
		plainly := regexp.MustCompile("`[^`]*`").ReplaceAllString(line, "")
		if strings.Contains(plainly, "<") || strings.Contains(line, "\r") || strings.Contains(plainly, "`") || regexp.MustCompile(`(^|[^\\])\[d`).MatchString(plainly) || strings.Contains(plainly, " &lt; ") {
			t.Errorf("markup: %q", line)
		}
		if n := len(bars.FindAllString(strings.ReplaceAll(line, `\\`, ""), -1)); strings.HasPrefix(line, "|") && n != 10 {
			t.Errorf("%d bars in %q", n, line)
		}
	}
}

// A part of a run, or an unfinished one, takes no pictures away: they are not its.
func TestWriteKeeps(t *testing.T) {
	for name, change := range map[string]func(*results.Run){
		"unfinished": func(r *results.Run) { r.Complete = false },
		"a part":     func(r *results.Run) { r.Only = "select" },
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "checksum.svg"), nil, 0o666); err != nil {
			t.Fatal(err)
		}
		r := sample()
		change(&r.Run)
		if err := Write(dir, filepath.Join(dir, MarkdownFile), r); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(dir, "checksum.svg")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if parts, err := filepath.Glob(filepath.Join(dir, "*"+results.Part)); err != nil || len(parts) > 0 {
			t.Errorf("left over: %q, %v", parts, err)
		}
	}
}

// The same results give the same bytes.
func TestSameBytes(t *testing.T) {
	a, b := write(t, sample()), write(t, sample())
	for _, name := range []string{HTMLFile, MarkdownFile, "select.svg"} {
		if read(t, a, name) != read(t, b, name) {
			t.Errorf("%s differs", name)
		}
	}
}
