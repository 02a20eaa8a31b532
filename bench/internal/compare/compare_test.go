package compare

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/bench/internal/machine"
	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/bench/internal/results"
)

// ratios returns a row whose peer takes so many times as long, round by round.
func ratios(goal report.Goal, rounds ...float64) report.Row {
	ours, peer := measure.Sample{Name: "hextet"}, measure.Sample{Name: "peer"}
	for _, r := range rounds {
		ours.Rounds, peer.Rounds = append(ours.Rounds, 10), append(peer.Rounds, 10*r)
	}
	return report.Compared("x", "ns", goal, ours, peer)
}

// growth is ratios upside down: ours takes so many times as long as what it grew from.
func growth(goal report.Goal, rounds ...float64) report.Row {
	for i, r := range rounds {
		rounds[i] = 1 / r
	}
	return ratios(goal, rounds...)
}

func TestJudge(t *testing.T) {
	atLeast, atMost := report.Goal{Kind: report.AtLeast, Value: 2}, report.Goal{Kind: report.AtMost, Value: 2}
	steady := ratios(atLeast, 2.95, 2.98, 3, 3.02, 3.05)
	alone := report.Alone("x", "ns", report.Goal{}, measure.Sample{Rounds: []float64{1, 1, 1, 1, 1}})
	count := func(name, unit string, v float64) report.Row {
		return report.Counted(name, unit, report.Goal{}, v)
	}
	other := steady
	other.PeerName = "another"
	failed := report.Failed("x", errors.New("broken"))
	for _, tt := range []struct {
		name     string
		old, now report.Row
		want     Kind
		why      string
	}{
		{"the same", steady, steady, Same, ""},
		{"faster", steady, ratios(atLeast, 3.95, 3.98, 4, 4.02, 4.05), Better, ""},
		{"slower", ratios(atLeast, 3.95, 3.98, 4, 4.02, 4.05), steady, Worse, ""},
		{"overlapping quartiles", steady, ratios(atLeast, 2, 3, 4, 5, 6), Same, ""},
		{"apart, but by less than they are wide", steady, ratios(atLeast, 3.05, 3.1, 3.2, 3.3, 3.4), Same, ""},
		{"apart by more than they are wide", steady, ratios(atLeast, 3.05, 3.12, 3.14, 3.16, 3.4), Better, ""},
		{"exact, but by less than a build moves it", ratios(atLeast, 3, 3, 3, 3, 3), ratios(atLeast, 3.08, 3.08, 3.08, 3.08, 3.08), Same, ""},
		{"grows less", growth(atMost, 1.98, 1.99, 2, 2.01, 2.02), growth(atMost, 1.08, 1.09, 1.1, 1.11, 1.12), Better, ""},
		{"grows more", growth(atMost, 1.08, 1.09, 1.1, 1.11, 1.12), growth(atMost, 1.98, 1.99, 2, 2.01, 2.02), Worse, ""},
		{"the same, said the other way round", growth(atMost, 3, 3.01, 3, 2.99, 3), growth(report.Goal{}, 3, 3.01, 3, 2.99, 3), Same, ""},
		{"four rounds", steady, ratios(atLeast, 4, 4, 4, 4), Unjudged, "5 and 4 rounds"},
		{"a time alone", alone, alone, Unjudged, "without a peer"},
		{"another peer", steady, other, Unjudged, `beside "peer" before, beside "another" now`},
		{"another unit", steady, count("x", "msg", 3), Unjudged, "in ns before, in msg now"},
		{"one message less", count("x", "msg", 3), count("x", "msg", 2), Better, ""},
		{"one message more", count("x", "msg", 1000), count("x", "msg", 1001), Worse, ""},
		{"an allocation where none was", count("x", "allocs", 0), count("x", "allocs", 1), Worse, ""},
		{"an allocation of many", count("x", "allocs", 20), count("x", "allocs", 21), Same, ""},
		{"a heap", count("x/memory", "KiB", 25), count("x/memory", "KiB", 30), Same, ""},
		{"a heap twice as large", count("x/memory-per-address/y", "B", 25), count("x/memory-per-address/y", "B", 50), Worse, ""},
		{"broke", steady, failed, Failed, ""},
		{"mended", failed, steady, Mended, ""},
		{"broken still", failed, failed, Unjudged, "neither run could measure it"},
	} {
		c := Rows([]report.Row{tt.old}, []report.Row{tt.now}, nil)
		if tt.old.Name != tt.now.Name || len(c) != 1 || c[0].Kind != tt.want || !strings.Contains(c[0].Why, tt.why) || (tt.why == "") != (c[0].Why == "") {
			t.Errorf("%s: %+v, want %s", tt.name, c, tt.want)
		}
	}
}

// The row of a case that failed stands for all of its rows, before and now.
func TestFailedCase(t *testing.T) {
	row := ratios(report.Goal{}, 3, 3, 3, 3, 3)
	failed := report.Failed("p/case", errors.New("broken"))
	rows := []report.Row{named("p/case/1", row), named("p/case/2", row), named("p/cases", row)}
	left := []report.Row{failed, named("p/cases", row)}
	for _, tt := range []struct {
		name     string
		old, now []report.Row
		want     []string
	}{
		{"broke", rows, left, []string{"failed p/case", "same p/cases"}},
		{"works", left, rows, []string{"same p/cases", "mended p/case"}},
		{"is no more", left, rows[2:], []string{"same p/cases", "gone p/case"}},
		{"broken still", left, left, []string{"unjudged p/case", "same p/cases"}},
		{"a row of its own name", left, append(rows[:2:2], named("p/case", row)), []string{"mended p/case", "gone p/cases"}},
	} {
		var got []string
		for _, c := range Rows(tt.old, tt.now, func(string) bool { return true }) {
			got = append(got, string(c.Kind)+" "+c.Name)
			if c.Kind == Mended && c.New == nil && !strings.HasSuffix(c.String(), "broken (2 rows now)") {
				t.Errorf("%s: %s", tt.name, c)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func named(name string, r report.Row) report.Row {
	r.Name = name
	return r
}

// A whole comparison: what was different around the runs is first, what changed is last.
func TestWrite(t *testing.T) {
	reached := ratios(report.Goal{Kind: report.AtLeast, Value: 2}, 3, 3, 3, 3, 3)
	missed := ratios(report.Goal{Kind: report.AtLeast, Value: 4}, 3, 3, 3, 3, 3)
	slow := ratios(report.Goal{Kind: report.AtLeast, Value: 2}, 1.5, 1.5, 1.5, 1.5, 1.5)
	old := results.Results{
		Machine: machine.Info{CPU: "one", Cores: 2, Go: "go1.26", Load: "0.1 0 0", Modules: map[string]string{"a": "v1", "b": "v1", "c": "v1"}},
		Run:     results.Run{Command: "bench", Revision: "v1", Begun: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)},
		Rows:    []report.Row{named("p/same", reached), named("p/slow", reached), named("p/gone", reached), named("q/gone", reached), named("p/goal", missed)},
	}
	now := results.Results{
		Machine: machine.Info{CPU: "two", Cores: 2, Go: "go1.26", Load: "5 4 3", Modules: map[string]string{"a": "v1", "b": "v2", "d": "v1"}},
		Run:     results.Run{Command: "bench -quick", Revision: "v1-1-gab-dirty"},
		Rows:    []report.Row{named("p/slow", slow), named("p/same", reached), named("p/new", reached), named("p/goal", reached), report.Failed("p/bad", errors.New("broken"))},
	}
	var b strings.Builder
	if err := Write(&b, old, now, func(name string) bool { return strings.HasPrefix(name, "p/") }); err != nil {
		t.Fatal(err)
	}
	want := `compared with the run of 2026-11-22
  CPU: one before, two now
  revision: v1 before, v1-1-gab-dirty now
  command: bench before, bench -quick now
  b: v1 before, v2 now
  c: v1 before, none now
  d: none before, v1 now
  busy: load 0.1 0 0 before, 5 4 3 now, on 2 and 2 cores
same     p/same                                   3x [3 3] -> 3x [3 3]
new      p/new                                    3x [3 3]
same     p/goal                                   3x [3 3] -> 3x [3 3]; goal newly met: >=2x, within the noise; goal >=4x before, >=2x now
gone     p/gone                                   3x [3 3]
worse    p/slow                                   3x [3 3] -> 1.5x [1.5 1.5]; goal newly missed: >=2x
failed   p/bad                                    broken
rows compared: 6 (same 2, new 1, gone 1, worse 1, failed 1); goals newly missed: 1, newly met: 1
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", &b, want)
	}
	b.Reset()
	if err := Write(&b, results.Results{Rows: old.Rows}, now, func(string) bool { return false }); err != nil || !strings.Contains(b.String(), "an unknown day\n  nothing is known of the machine") {
		t.Errorf("%v\n%s", err, &b)
	}
}
