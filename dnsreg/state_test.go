package dnsreg

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func tempState(t *testing.T) *stateFile {
	t.Helper()
	return StateFile(filepath.Join(t.TempDir(), "state")).(*stateFile)
}

func mustSave(t *testing.T, s State, data string) {
	t.Helper()
	if err := s.Save([]byte(data)); err != nil {
		t.Fatal(err)
	}
}

// mustLoad returns "none" when nothing was kept.
func mustLoad(t *testing.T, s State) string {
	t.Helper()
	data, err := s.Load()
	if err != nil {
		t.Fatal(err)
	}
	if data == nil {
		return "none"
	}
	return string(data)
}

// files lists a state's directory.
func files(t *testing.T, f *stateFile) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(f.path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestStateFile(t *testing.T) {
	f := tempState(t)
	var steps []string
	f.step = func(s string) { steps = append(steps, s) }
	if got := mustLoad(t, f); got != "none" || len(files(t, f)) != 0 {
		t.Errorf("before anything was saved: %q, %v", got, files(t, f))
	}
	for _, data := range []string{"one", "another", "", "x\x00y\n", strings.Repeat("long", 1<<20)} {
		steps = nil
		mustSave(t, f, data)
		if got := mustLoad(t, StateFile(f.path)); got != data {
			t.Errorf("%d octets, want %d", len(got), len(data))
		}
		if got := files(t, f); !slices.Equal(got, []string{"state"}) {
			t.Errorf("files %v", got)
		}
		// The new file is on disk before it takes the old one's place, and the rename is before Save returns.
		if want := []string{"create", "write", "write", "sync", "rename", "sync directory"}; !slices.Equal(steps, want) {
			t.Errorf("steps %v, want %v", steps, want)
		}
	}
}

// What an earlier process has left half-written goes, with Load or with Save.
func TestLeftoverTemporaryFile(t *testing.T) {
	f := tempState(t)
	mustSave(t, f, "kept")
	leave := func() {
		if err := os.WriteFile(f.temporary(), []byte("ha"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	leave()
	if got := mustLoad(t, f); got != "kept" || !slices.Equal(files(t, f), []string{"state"}) {
		t.Errorf("%q, files %v", got, files(t, f))
	}
	leave()
	mustSave(t, f, "new")
	if got := mustLoad(t, f); got != "new" || !slices.Equal(files(t, f), []string{"state"}) {
		t.Errorf("%q, files %v", got, files(t, f))
	}
}

func TestSaveFails(t *testing.T) {
	f := tempState(t)
	mustSave(t, f, "old")
	e := stateError(t, f.Save(make([]byte, maxState+1)))
	if e.Path != f.path || !strings.Contains(e.Rule, "limit") {
		t.Errorf("error %v", e)
	}
	// Something that is no left-over is in the way.
	if err := os.MkdirAll(filepath.Join(f.temporary(), "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if e := stateError(t, f.Save([]byte("new"))); e.Path != f.path || e.Err == nil || !strings.Contains(e.Rule, f.temporary()) {
		t.Errorf("error %v", e)
	}
	if got := mustLoad(t, f); got != "old" {
		t.Errorf("%q", got)
	}
	if err := os.RemoveAll(f.temporary()); err != nil {
		t.Fatal(err)
	}
	if got := mustLoad(t, f); got != "old" {
		t.Errorf("after failures: %q", got)
	}

	lost := StateFile(filepath.Join(t.TempDir(), "no", "state"))
	if got := mustLoad(t, lost); got != "none" {
		t.Errorf("%q", got)
	}
	err := lost.Save([]byte("x"))
	if e := stateError(t, err); !errors.Is(err, fs.ErrNotExist) || strings.Count(e.Error(), filepath.Join("no", "state")) > 2 {
		t.Errorf("error %v", e)
	}

	dir := StateFile(t.TempDir())
	if e := stateError(t, dir.Save([]byte("x"))); e.Err == nil {
		t.Errorf("error %v", e)
	}
	_, err = dir.Load()
	if e := stateError(t, err); !strings.Contains(e.Rule, "no regular file") {
		t.Errorf("error %v", e)
	}
}

func TestOversizedStateFile(t *testing.T) {
	f := tempState(t)
	mustSave(t, f, "")
	if err := os.Truncate(f.path, 1<<40); err != nil { // a hole
		t.Skip("SKIP(system): no files of this size:", err)
	}
	data, err := f.Load()
	if err != nil || len(data) != maxState+1 {
		t.Errorf("%d octets, %v", len(data), err)
	}
	_, err = decodeMemo(data)
	stateError(t, err)
}

// load runs loadMemo and returns what it logs.
func load(s State) (m memo, log string, err error) {
	var b bytes.Buffer
	m, err = loadMemo(s, slog.New(slog.NewTextHandler(&b, nil)))
	return m, b.String(), err
}

func TestLoadMemo(t *testing.T) {
	f := tempState(t)
	if m, log, err := load(f); err != nil || log != "" || !reflect.DeepEqual(m, memo{}) {
		t.Errorf("nothing kept: %+v, %v, %s", m, err, log)
	}
	mustSave(t, f, string(sampleMemo().encode()))
	if m, log, err := load(f); err != nil || log != "" || !reflect.DeepEqual(m, sampleMemo().sorted()) {
		t.Errorf("%+v, %v, %s", m, err, log)
	}

	// Damaged: start without, keep it for somebody to look at, say so once.
	for _, damage := range []string{"", "ha", string(sampleMemo().encode()[:200])} {
		mustSave(t, f, damage)
		m, log, err := load(f)
		if err != nil || !reflect.DeepEqual(m, memo{}) || strings.Count(log, "level=WARN") != 1 || !strings.Contains(log, f.path+".bad") {
			t.Errorf("%q: %+v, %v, %s", damage, m, err, log)
		}
		if b, err := os.ReadFile(f.path + ".bad"); err != nil || string(b) != damage {
			t.Errorf("%q: kept %q, %v", damage, b, err)
		}
		if _, log, err := load(f); err != nil || log != "" {
			t.Errorf("the next time: %v, %s", err, log)
		}
	}

	// From the future: hands off.
	const newer = "hextet-dnsreg-state 2 sha256:00\n"
	mustSave(t, f, newer)
	_, _, err := load(f)
	if e := stateError(t, err); e.Path != f.path || !strings.Contains(e.Error(), "version 2 is newer") {
		t.Errorf("error %v", e)
	}
	if got := mustLoad(t, f); got != newer {
		t.Errorf("now it holds %q", got)
	}

	// In the way.
	mustSave(t, f, "damaged")
	if err := os.Remove(f.path + ".bad"); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(f.path+".bad", "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, _, err := load(f); !strings.Contains(err.Error(), "set aside") {
		t.Errorf("error %v", err)
	}
}

// memState is a State of another kind.
type memState struct {
	data []byte
	err  error
}

func (s *memState) Load() ([]byte, error)  { return s.data, s.err }
func (s *memState) Save(data []byte) error { s.data = bytes.Clone(data); return s.err }

func TestLoadMemoOfAnotherKind(t *testing.T) {
	if m, _, err := load(&memState{data: sampleMemo().encode()}); err != nil || !reflect.DeepEqual(m, sampleMemo().sorted()) {
		t.Errorf("%+v, %v", m, err)
	}
	if _, log, err := load(&memState{data: []byte("ha")}); err != nil || !strings.Contains(log, "kept=nowhere") {
		t.Errorf("%v, %s", err, log)
	}
	broken := errors.New("the network drive is away")
	if _, _, err := load(&memState{err: broken}); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

// The disk is full: changes are made all the same, Status tells, and what was not kept is kept with the next change.
func TestStateThatCantBeSaved(t *testing.T) {
	w, full := newWorld(t), errors.New("no space left")
	st := new(memState)
	r := w.registrar(func(c *Config) { c.State, c.NoPTR = st, true })
	for _, step := range []struct {
		addr string
		err  error
	}{{"192.0.2.1", nil}, {"192.0.2.2", full}, {"192.0.2.3", nil}} {
		st.err = step.err
		w.table.Set(host(step.addr)...)
		w.sync(r)
		w.holdsForward(step.addr)
		if err := r.Status().Err; !errors.Is(err, step.err) || (err == nil) != (step.err == nil) {
			t.Errorf("%s: Status.Err %v, want %v", step.addr, err, step.err)
		}
	}
	m, err := decodeMemo(st.data)
	if err != nil || len(m.RRsets) != 1 || !slices.Equal(m.RRsets[0].Own, []string{"192.0.2.3"}) {
		t.Errorf("kept %+v, %v", m, err)
	}
}
