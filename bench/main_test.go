package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hextet/hextet/bench/internal/machine"
	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/bench/internal/results"
	"github.com/hextet/hextet/bench/internal/suite"
)

// asProgram in the environment makes the test's binary the program itself, for tests that
// need a process.
const asProgram = "HEXTET_BENCH_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

// Every case of the command, each contender for a moment only: all compute the same as
// their peers, and every row is what programs expect.
func TestEveryCase(t *testing.T) {
	names := map[string]bool{}
	goals := 0
	r := suite.Runner{
		Measure: measure.Config{Rounds: 2, Round: time.Microsecond},
		Row: func(r report.Row) error {
			if r.Err != nil || r.Ours < 0 || r.PeerName != "" && (r.Ours == 0 || r.Peer == 0 || r.Ratio == 0) {
				t.Errorf("%+v", r)
			}
			if names[r.Name] {
				t.Errorf("two rows are called %s", r.Name)
			}
			names[r.Name] = true
			if r.Goal.Kind != report.None {
				goals++
			}
			return nil
		},
		Omit: func(o suite.Omission) {
			kind := needs(o.What)
			if os.Getenv(strings.ToUpper(kind)+"_TESTS") == "require" {
				t.Errorf("%s_TESTS=require: %s: %s", strings.ToUpper(kind), o.What, o.Why)
			}
			t.Logf("SKIP(%s): %s: %s", kind, o.What, o.Why)
		},
		Progress: func(string, int, int) {},
	}
	if err := r.Run(t.Context(), allowed(t)); err != nil {
		t.Fatal(err)
	}
	if len(names) < 100 || goals < 50 {
		t.Errorf("%d rows, %d with a goal", len(names), goals)
	}
}

// needs says what a case needs that not every machine has.
func needs(name string) string {
	switch {
	case strings.HasPrefix(name, "select/linux"), strings.HasPrefix(name, "raw/linux"), strings.HasPrefix(name, "tcp/") && strings.Contains(name, "kernel"),
		strings.HasPrefix(name, "lab/") && strings.HasSuffix(name, "/linux"):
		return "netns"
	case strings.HasPrefix(name, "dnsreg/"):
		return "dns"
	}
	return "cpu"
}

// allowed leaves out what the environment says to leave out.
func allowed(t *testing.T) (kept []suite.Case) {
	for _, c := range (options{quick: true}).cases() {
		env := strings.ToUpper(needs(c.Name)) + "_TESTS"
		if os.Getenv(env) == "off" {
			t.Logf("SKIP(%s): %s=off: %s", needs(c.Name), env, c.Name)
			continue
		}
		kept = append(kept, c)
	}
	return kept
}

func TestJSON(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	var stdout, stderr bytes.Buffer
	if err := run(t.Context(), []string{"-quick", "-json", "-only", "checksum/header,checksum/limit/call", "-out", dir}, &stdout, &stderr); err != nil {
		t.Fatal(err, stderr.String())
	}
	lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
	if len(lines) != 4 {
		t.Fatalf("%d lines: %s", len(lines), &stdout)
	}
	for _, l := range lines {
		var row map[string]any
		if err := json.Unmarshal([]byte(l), &row); err != nil {
			t.Fatal(err)
		}
		for _, k := range []string{"name", "ours", "peer", "peer_name", "unit", "ratio", "goal", "ok", "runs", "spread"} {
			if _, ok := row[k]; !ok {
				t.Errorf("no %q in %s", k, l)
			}
		}
		if row["runs"] != 31. || row["unit"] != "ns" {
			t.Errorf("%s", l)
		}
	}
	if got := read(t, dir, "results.jsonl"); got != stdout.String() {
		t.Errorf("results.jsonl differs from the output:\n%s", got)
	}
	if got := read(t, dir, "results.txt"); strings.Count(got, "checksum/") != 4 || !strings.Contains(got, "rows measured: 4,") {
		t.Errorf("results.txt: %s", got)
	}
	var info machine.Info
	if err := json.Unmarshal([]byte(read(t, dir, "machine.json")), &info); err != nil || info.Cores == 0 {
		t.Errorf("machine.json: %+v, %v", info, err)
	}
	if !strings.Contains(stderr.String(), "rows measured: 4,") || strings.Contains(stderr.String(), "\r") {
		t.Errorf("people read: %s", &stderr)
	}
	r, err := results.Read(dir)
	if err != nil || len(r.Rows) != 4 || !r.Run.Complete || r.Run.Revision == "" || r.Run.Command != "go run -C bench . -only checksum/header,checksum/limit/call -quick" {
		t.Errorf("read again: %+v, %v", r.Run, err)
	}
}

// A run is told again without measuring: the same rows, the same pages, byte for byte.
func TestAgain(t *testing.T) {
	top := t.TempDir()
	first, second := filepath.Join(top, "first"), filepath.Join(top, "second")
	if err := run(t.Context(), []string{"-quick", "-only", "checksum/sum/64,checksum/limit/call", "-out", first}, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	var stdout bytes.Buffer
	if err := run(t.Context(), []string{"-from", first, "-out", second}, &stdout, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"results.jsonl", "results.txt", "machine.json", "run.json", "report.html", "RESULTS.md", "checksum.svg"} {
		if a, b := read(t, first, name), read(t, second, name); a == "" || a != b {
			t.Errorf("%s differs:\n%s\n%s", name, a, b)
		}
	}
	if got := read(t, second, "results.txt"); got != stdout.String() {
		t.Errorf("printed: %s", &stdout)
	}
	alone := filepath.Join(top, "alone.jsonl")
	if err := os.WriteFile(alone, []byte(read(t, first, "results.jsonl")), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), []string{"-from", alone, "-out", filepath.Join(top, "third")}, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), "alone.jsonl: rows alone") {
		t.Errorf("rows of an unknown machine: %v", err)
	}
	stdout.Reset()
	markdown := filepath.Join(top, "SUMS.md")
	if err := run(t.Context(), []string{"-from", first, "-out", first, "-md", markdown}, &stdout, io.Discard); err != nil {
		t.Fatal(err)
	}
	if a, b := read(t, first, "results.jsonl"), read(t, second, "results.jsonl"); a != b {
		t.Errorf("drawn anew in place, the rows differ: %s", a)
	}
	if got := read(t, top, "SUMS.md"); !strings.Contains(got, "](first/checksum.svg)") {
		t.Errorf("%s", got)
	}
}

// Two runs are compared; what was not asked for is not gone.
func TestCompare(t *testing.T) {
	dir := t.TempDir()
	if err := run(t.Context(), []string{"-quick", "-only", "checksum/header", "-out", dir}, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	if err := run(t.Context(), []string{"-from", dir, "-compare", filepath.Join(dir, "results.jsonl")}, &stdout, io.Discard); err != nil {
		t.Fatal(err)
	}
	if s := stdout.String(); strings.Count(s, "\nsame ") != 3 || !strings.HasPrefix(s, "compared with the run of ") || !strings.HasSuffix(s, "rows compared: 3 (same 3); goals newly missed: 0, newly met: 0\n") {
		t.Errorf("with itself: %s", s)
	}
	stdout.Reset()
	if err := run(t.Context(), []string{"-quick", "-only", "checksum/header/8,checksum/limit/call", "-json", "-compare", dir}, &stdout, &stderr); err != nil {
		t.Fatal(err)
	}
	s := stderr.String()
	if !strings.Contains(s, "new      checksum/limit/call") || !strings.Contains(s, "rows compared: 2 (") || strings.Contains(s, "header/20") || strings.Contains(stdout.String(), "compared") {
		t.Errorf("%s\n%s", s, &stdout)
	}
}

// What a quick run leaves out is not gone, and the other way round.
func TestCompareQuick(t *testing.T) {
	for _, tt := range []struct {
		now, old, want bool
	}{{false, false, true}, {true, true, true}, {true, false, false}, {false, true, false}} {
		out := output{now: results.Results{Run: results.Run{Complete: true, Quick: tt.now}}}
		if got := out.covered(results.Results{Run: results.Run{Quick: tt.old}})("x/y"); got != tt.want {
			t.Errorf("quick now %t, before %t: covered %t", tt.now, tt.old, got)
		}
	}
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A canceller is an output that interrupts the run with the first row.
type canceller struct {
	bytes.Buffer
	cancel context.CancelFunc
}

func (c *canceller) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("checksum/header/8/")) {
		c.cancel()
	}
	return c.Buffer.Write(b)
}

// An interrupt keeps what was measured, in the files too.
func TestInterrupt(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	stdout := &canceller{cancel: cancel}
	err := run(ctx, []string{"-quick", "-only", "checksum/header", "-out", dir}, stdout, io.Discard)
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if s := stdout.String(); !strings.Contains(s, "rows kept of an unfinished run: 1,") || strings.Contains(s, "header/20") {
		t.Error(s)
	}
	if got := read(t, dir, "results.jsonl"); strings.Count(got, "\n") != 1 {
		t.Errorf("results.jsonl: %s", got)
	}
}

// A run that was cut short takes no other's place: what was in the directory stays as it
// was. Without a row it leaves nothing.
func TestInterruptKeeps(t *testing.T) {
	const rows, part = "results.jsonl", "results.jsonl.part"
	dir := t.TempDir()
	before := map[string]string{rows: "old rows", "run.json": "old run", "machine.json": "old machine", "results.txt": "old table", "RESULTS.md": "old page", "checksum.svg": "old picture"}
	for name, text := range before {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, first := range []bool{true, false} {
		ctx, cancel := context.WithCancel(t.Context())
		if first {
			cancel()
		}
		var stderr bytes.Buffer
		if err := run(ctx, []string{"-quick", "-only", "checksum/header", "-out", dir}, &canceller{cancel: cancel}, &stderr); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		for name, text := range before {
			if got := read(t, dir, name); got != text {
				t.Errorf("interrupted before any row %t: %s is %q", first, name, got)
			}
		}
		if _, err := os.Stat(filepath.Join(dir, part)); (err == nil) == first {
			t.Errorf("interrupted before any row %t: %s: %v", first, part, err)
		}
		if said := strings.Contains(stderr.String(), part); said == first {
			t.Errorf("interrupted before any row %t: %s", first, &stderr)
		}
	}
	if got := read(t, dir, part); strings.Count(got, "\n") != 1 || !strings.Contains(got, "checksum/header/8/") {
		t.Errorf("%s: %s", part, got)
	}
}

// The pages of an unfinished run are made again in place, too. If that fails midway, its rows
// are still there.
func TestAgainInPlace(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	if err := run(ctx, []string{"-quick", "-only", "checksum/header", "-out", dir}, &canceller{cancel: cancel}, io.Discard); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	rows := read(t, dir, "results.jsonl")
	if err := os.Remove(filepath.Join(dir, "RESULTS.md")); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), []string{"-from", dir, "-out", dir}, brokenAt("checksum/header/8/"), io.Discard); !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
	if got := read(t, dir, "results.jsonl"); got != rows {
		t.Errorf("midway: %q, before %q", got, rows)
	}
	if err := run(t.Context(), []string{"-from", dir, "-out", dir}, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	if got := read(t, dir, "results.jsonl"); got != rows || !strings.Contains(read(t, dir, "RESULTS.md"), "interrupted") {
		t.Errorf("%q, before %q", got, rows)
	}
}

// brokenAt is an output that fails at a text.
type brokenAt string

func (at brokenAt) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte(at)) {
		return 0, io.ErrClosedPipe
	}
	return len(b), nil
}

// An interrupt doesn't hide what else went wrong.
func TestBesides(t *testing.T) {
	failed, full := errors.New("2 rows could not be measured"), fmt.Errorf("row: %w", io.ErrShortWrite)
	interrupted := fmt.Errorf("x: %w", context.Canceled)
	for _, tt := range []struct {
		err  error
		want []error
	}{
		{interrupted, nil},
		{errors.Join(interrupted, nil), nil},
		{errors.Join(interrupted, errors.Join(failed, full)), []error{failed, full}},
	} {
		if got := besides(tt.err, context.Canceled); !slices.Equal(got, tt.want) {
			t.Errorf("%v: %v, want %v", tt.err, got, tt.want)
		}
	}
}

func TestUsage(t *testing.T) {
	for _, tt := range []struct {
		args []string
		err  error
		text string // in the error or on stderr
	}{
		{[]string{"-h"}, flag.ErrHelp, "-quick"},
		{[]string{"-fast"}, errUsage, "-fast"},
		{[]string{"checksum"}, errUsage, `unexpected argument "checksum"`},
		{[]string{"-only", "dail"}, nil, `nothing is called "dail"; parts: checksum, select, raw, udp, tcp, dial, addresses, dnsreg, lab`},
		{[]string{"-only", "checksum/limit/call", "-out", "main.go/x"}, nil, "main.go"},
		{[]string{"-only", "checksum/limit/call", "-cpuprofile", "main.go/x"}, nil, "main.go"},
		{[]string{"-md", "x.md"}, errUsage, "-md needs -out"},
		{[]string{"-from", "x", "-quick"}, errUsage, "-from measures nothing"},
		{[]string{"-from", "x", "-cpuprofile", "y"}, errUsage, "-from measures nothing"},
		{[]string{"-from", "x", "-only", "raw", "-out", "y"}, errUsage, "-from with -only"},
		{[]string{"-from", "none"}, nil, "none"},
		{[]string{"-compare", "none"}, nil, "none"},
		{[]string{"-compare", "main.go"}, nil, "main.go: report: line 1: "},
	} {
		var stderr bytes.Buffer
		err := run(t.Context(), tt.args, io.Discard, &stderr)
		if err == nil || tt.err != nil && !errors.Is(err, tt.err) || !strings.Contains(stderr.String()+err.Error(), tt.text) {
			t.Errorf("%q: %v\n%s", tt.args, err, &stderr)
		}
	}
}
