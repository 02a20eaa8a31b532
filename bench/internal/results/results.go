// Package results keeps a run in a directory: its rows, on what machine and how they were
// measured, and what was left out. Everything else that is told of a run is drawn from
// these three files.
package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/hextet/hextet/bench/internal/machine"
	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/bench/internal/suite"
)

// The files of a directory.
const (
	RowsFile    = "results.jsonl"
	MachineFile = "machine.json"
	RunFile     = "run.json"
)

// Results is what a run left.
type Results struct {
	Machine machine.Info
	Run     Run
	Rows    []report.Row
}

// A Run says how rows were measured.
type Run struct {
	Command  string           `json:"command"` // measures the same again; what it says of files is left out
	Only     string           `json:"only"`    // the rows that were asked for; empty: all
	Quick    bool             `json:"quick"`
	Revision string           `json:"revision"` // of the source that was measured
	Begun    time.Time        `json:"begun"`
	Seconds  float64          `json:"seconds"`
	Complete bool             `json:"complete"` // false: it was interrupted, and rows are missing
	Load     string           `json:"load"`     // at the end; that at the beginning is the machine's
	Omitted  []suite.Omission `json:"omitted"`
}

// Date is the day of the run, in UTC.
func (r Run) Date() string { return r.Begun.UTC().Format(time.DateOnly) }

// Read reads the directory that a run wrote, or a file of rows. A file called
// results.jsonl stands for its directory, but may be alone there; of any other, Machine
// and Run are zero.
func Read(path string) (Results, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Results{}, err
	}
	if info.IsDir() || filepath.Base(path) == RowsFile {
		if !info.IsDir() {
			path = filepath.Dir(path)
		}
		return readDir(path, !info.IsDir())
	}
	rows, err := readRows(path)
	return Results{Rows: rows}, err
}

// readDir reads a directory, of which the rows may be all that there is.
func readDir(dir string, alone bool) (r Results, err error) {
	if r.Rows, err = readRows(filepath.Join(dir, RowsFile)); err != nil {
		return Results{}, err
	}
	for name, v := range map[string]any{MachineFile: &r.Machine, RunFile: &r.Run} {
		if err := readObject(filepath.Join(dir, name), v); err != nil && !(alone && errors.Is(err, fs.ErrNotExist)) {
			return Results{}, err
		}
	}
	return r, nil
}

func readRows(file string) ([]report.Row, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := report.Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return rows, nil
}

func readObject(file string, v any) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// WriteMachine writes machine.json.
func WriteMachine(dir string, info machine.Info) error {
	return writeObject(filepath.Join(dir, MachineFile), info)
}

// WriteRun writes run.json.
func WriteRun(dir string, run Run) error { return writeObject(filepath.Join(dir, RunFile), run) }

func writeObject(file string, v any) error {
	text, err := json.MarshalIndent(v, "", "\t")
	if err != nil {
		return err
	}
	return WriteFile(file, append(text, '\n'))
}
