package results

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/bench/internal/machine"
	"github.com/hextet/hextet/bench/internal/suite"
)

const row = `{"name":"x/n","ours":3,"peer":null,"peer_name":"","unit":"msg","ratio":null,"goal":null,"goal_kind":"","ok":true,"verdict":"","runs":1,"spread":0,"ours_quartiles":null,"peer_quartiles":null,"ratio_quartiles":null,"outliers":0}` + "\n"

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	file := write(t, dir, RowsFile, row)
	other := write(t, dir, "old.jsonl", row)
	info := machine.Info{CPU: "some", Go: "go1", Modules: map[string]string{"a/b": "v1"}}
	run := Run{Command: "go run", Revision: "v1-2-g3", Begun: time.Date(2026, 11, 22, 23, 30, 0, 0, time.FixedZone("", -3600)), Complete: true, Omitted: []suite.Omission{{What: "a", Why: "b"}}}
	if err := WriteMachine(dir, info); err != nil {
		t.Fatal(err)
	}
	if err := WriteRun(dir, run); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, file} {
		r, err := Read(path)
		if err != nil || len(r.Rows) != 1 || !reflect.DeepEqual(r.Machine, info) || !r.Run.Begun.Equal(run.Begun) || r.Run.Revision != "v1-2-g3" || r.Run.Omitted[0] != run.Omitted[0] {
			t.Errorf("%s: %+v, %v", path, r, err)
		}
		if d := r.Run.Date(); d != "2026-11-23" {
			t.Errorf("the date is %s", d)
		}
	}
	if r, err := Read(other); err != nil || len(r.Rows) != 1 || r.Machine.CPU != "" {
		t.Errorf("rows alone: %+v, %v", r, err)
	}
}

// Rows that somebody took out of a directory are read, with what is there of it.
func TestReadAlone(t *testing.T) {
	dir := t.TempDir()
	file := write(t, dir, RowsFile, row)
	if r, err := Read(file); err != nil || len(r.Rows) != 1 || r.Machine.Go != "" || !r.Run.Begun.IsZero() {
		t.Errorf("%+v, %v", r, err)
	}
	write(t, dir, MachineFile, `{"go":"go1"}`)
	if r, err := Read(file); err != nil || r.Machine.Go != "go1" {
		t.Errorf("%+v, %v", r, err)
	}
	write(t, dir, RunFile, `{`)
	if r, err := Read(file); err == nil {
		t.Errorf("half of %s: %+v", RunFile, r)
	}
}

func TestReadRefuses(t *testing.T) {
	for _, tt := range []struct{ name, rows, machine, run, want string }{
		{"no rows", "", "{}", "{}", RowsFile},
		{"bad rows", "{}", "{}", "{}", "results.jsonl: report: line 1:"},
		{"no machine", row, "", "{}", MachineFile},
		{"no run", row, "{}", "", RunFile},
		{"another machine", row, `{"cpus":1}`, "{}", `machine.json: json: unknown field "cpus"`},
		{"no time", row, "{}", `{"begun":"yesterday"}`, "run.json: "},
	} {
		dir := t.TempDir()
		for name, text := range map[string]string{RowsFile: tt.rows, MachineFile: tt.machine, RunFile: tt.run} {
			if text != "" {
				write(t, dir, name, text)
			}
		}
		if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
	if _, err := Read(filepath.Join(t.TempDir(), "nothing")); !os.IsNotExist(err) {
		t.Errorf("%v", err)
	}
}

// Until a file is whole, what was there is there.
func TestFile(t *testing.T) {
	dir := t.TempDir()
	name := write(t, dir, "x", "old")
	for _, tt := range []struct {
		end  func(*File) error
		want string
	}{{(*File).Discard, "old"}, {(*File).Replace, "new"}} {
		f, err := Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString("new"); err != nil {
			t.Fatal(err)
		}
		if text, err := os.ReadFile(name); err != nil || string(text) != "old" {
			t.Errorf("while it is written: %q, %v", text, err)
		}
		if err := tt.end(f); err != nil {
			t.Fatal(err)
		}
		if text, err := os.ReadFile(name); err != nil || string(text) != tt.want {
			t.Errorf("after: %q, %v, want %q", text, err, tt.want)
		}
		if _, err := os.Stat(name + Part); !os.IsNotExist(err) {
			t.Errorf("left over: %v", err)
		}
	}
}
