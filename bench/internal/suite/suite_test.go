package suite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/report"
)

// A story records what a Runner reports.
type story struct {
	now      time.Duration
	rows     []report.Row
	omitted  []Omission
	progress []string
	closed   int
}

func (s *story) runner() *Runner {
	return &Runner{
		Measure:  measure.Config{Rounds: 3, Clock: func() time.Duration { return s.now }},
		Row:      func(r report.Row) error { s.rows = append(s.rows, r); return nil },
		Omit:     func(o Omission) { s.omitted = append(s.omitted, o) },
		Progress: func(name string, _, _ int) { s.progress = append(s.progress, name) },
	}
}

// bench is of two contenders, of which the second takes three times as long.
func (s *story) bench() *Bench {
	run := func(d time.Duration) func(int) {
		return func(n int) { s.now += time.Duration(n) * d }
	}
	return &Bench{
		Contenders: []measure.Contender{{Name: "ours", Run: run(1000)}, {Name: "peer", Run: run(3000)}},
		Rows:       []Row{{Name: "peer", Ours: 0, Peer: 1, Goal: report.Goal{Kind: report.AtLeast, Value: 2}}},
		Close:      func() { s.closed++ },
	}
}

func (s *story) open(change func(*Bench)) func(context.Context) (*Bench, error) {
	return func(context.Context) (*Bench, error) {
		b := s.bench()
		change(b)
		return b, nil
	}
}

func TestRun(t *testing.T) {
	var s story
	broken := errors.New("broken")
	err := s.runner().Run(t.Context(), []Case{
		{"a/good", s.open(func(b *Bench) {
			b.Check = func() error { return nil }
			b.Counts = []Count{
				{Name: "allocs", Unit: "allocs", Get: func() (float64, error) { return 5, nil }},
				{Name: "bytes", Unit: "B", Get: func() (float64, error) { return 4, nil }, Peer: "peer", PeerGet: func() (float64, error) { return 8, nil }},
			}
		})},
		{"a/uncounted", s.open(func(b *Bench) {
			b.Counts = []Count{{Name: "bytes", Get: func() (float64, error) { return 4, nil }, Peer: "peer", PeerGet: func() (float64, error) { return 0, broken }}}
		})},
		{"a/differs", s.open(func(b *Bench) {
			b.Check = func() error { return broken }
			b.Contenders[0].Run = func(int) { t.Error("what computes something else was timed") }
		})},
		{"a/slips", s.open(func(b *Bench) { b.Err = func() error { return broken } })},
		{"a/alone", s.open(func(b *Bench) {
			b.Rows = []Row{{Ours: 1, Peer: Nobody, Goal: report.Goal{Kind: report.Total, Value: 3000}}}
			b.Fewer, b.Err = 3, func() error { return nil }
		})},
		{"a/absent", func(context.Context) (*Bench, error) { return nil, Unavailable("needs %s", "root") }},
		{"a/fails", func(context.Context) (*Bench, error) { return nil, broken }},
	})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range s.rows {
		names = append(names, r.Name)
	}
	if want := []string{"a/good/peer", "a/good/allocs", "a/good/bytes", "a/uncounted", "a/differs", "a/slips", "a/alone", "a/fails"}; !slices.Equal(names, want) {
		t.Fatalf("rows %q, want %q", names, want)
	}
	if r := s.rows[0]; r.Ratio != 3 || !r.OK || r.Ours != 1000 || r.Peer != 3000 {
		t.Errorf("%+v", r)
	}
	if r := s.rows[1]; r.Ours != 5 {
		t.Errorf("%+v", r)
	}
	if r := s.rows[2]; r.Ours != 4 || r.Peer != 8 || r.PeerName != "peer" || r.Ratio != 2 || r.Verdict != "" || !r.OK {
		t.Errorf("%+v", r)
	}
	if r := s.rows[6]; r.Ours != 3000 || r.PeerName != "" || r.Runs != 1 || !r.OK {
		t.Errorf("%+v", r)
	}
	for _, r := range slices.Concat(s.rows[3:6], s.rows[7:]) {
		if !errors.Is(r.Err, broken) || r.OK {
			t.Errorf("%+v", r)
		}
	}
	if want := []Omission{{"a/absent", "needs root"}}; !slices.Equal(s.omitted, want) {
		t.Errorf("left out %v", s.omitted)
	}
	if len(s.progress) != 7 || s.closed != 5 {
		t.Errorf("progress %q, %d closed", s.progress, s.closed)
	}
}

// What was measured before an interrupt is handed over, and nothing half-measured.
func TestRunInterrupted(t *testing.T) {
	var s story
	ctx, cancel := context.WithCancel(t.Context())
	err := s.runner().Run(ctx, []Case{
		{"a/first", s.open(func(*Bench) {})},
		{"a/second", s.open(func(b *Bench) {
			run := b.Contenders[0].Run
			b.Contenders[0].Run = func(n int) { run(n); cancel() }
		})},
		{"a/third", s.open(func(*Bench) {})},
	})
	if !errors.Is(err, context.Canceled) || len(s.rows) != 1 || s.rows[0].Name != "a/first/peer" || s.closed != 2 {
		t.Errorf("%v, rows %v, %d closed", err, s.rows, s.closed)
	}
}

func TestPick(t *testing.T) {
	cases := []Case{{Name: "checksum/sum/8"}, {Name: "checksum/sum/80"}, {Name: "checksum/copy/64"}, {Name: "select/linux/64"}}
	for _, tt := range []struct {
		only string
		want string
	}{
		{"", "checksum/sum/8 checksum/sum/80 checksum/copy/64 select/linux/64"},
		{"checksum", "checksum/sum/8 checksum/sum/80 checksum/copy/64"},
		{"checksum/sum/8", "checksum/sum/8"},
		{"select,checksum/copy/", "checksum/copy/64 select/linux/64"},
	} {
		picked, err := Pick(cases, tt.only)
		var names []string
		for _, c := range picked {
			names = append(names, c.Name)
		}
		if got := strings.Join(names, " "); err != nil || got != tt.want {
			t.Errorf("%q: %s, %v", tt.only, got, err)
		}
	}
	for _, only := range []string{"dial", "checksum,dial", "check", ",", "select,"} {
		if _, err := Pick(cases, only); err == nil || !strings.Contains(err.Error(), "parts: checksum, select") {
			t.Errorf("%q: %v", only, err)
		}
	}
}

func TestProfile(t *testing.T) {
	var s story
	r := s.runner()
	r.Profiles = t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	b := s.bench()
	ran := 0
	b.Contenders[0].Run = func(int) { ran++; cancel() } // ends the profile at once
	if err := r.profile(ctx, "a/good", b); err != nil {
		t.Fatal(err)
	}
	r.Profiles = filepath.Join(r.Profiles, "not there")
	if err := r.Run(t.Context(), []Case{{"a/good", s.open(func(*Bench) {})}}); err == nil || len(s.rows) != 1 || !s.rows[0].OK {
		t.Errorf("no place for a profile: %v; rows kept: %v", err, s.rows)
	}
	r.Profiles = filepath.Dir(r.Profiles)
	info, err := os.Stat(filepath.Join(r.Profiles, "a_good_peer_ours.pprof"))
	if err != nil || info.Size() == 0 || ran != 1 {
		t.Errorf("%v, %v, ran %d times", info, err, ran)
	}
}

// Contenders of one name have a profile each.
func TestProfileNames(t *testing.T) {
	var s story
	r := s.runner()
	r.Profiles = t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // ends each profile at once
	b := s.bench()
	b.Contenders[1].Name = "ours"
	b.Rows = []Row{{Name: "8/peer", Ours: 0, Peer: 1}, {Name: "8/other", Ours: 0, Peer: 1}, {Name: "64/peer", Ours: 1, Peer: 0}}
	if err := r.profile(ctx, "a/tier", b); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(r.Profiles, "*"))
	for i := range files {
		files[i] = filepath.Base(files[i])
	}
	if want := []string{"a_tier_64_peer_ours.pprof", "a_tier_8_peer_ours.pprof"}; err != nil || !slices.Equal(files, want) {
		t.Errorf("%q, %v; want %q", files, err, want)
	}
}
