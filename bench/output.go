package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/hextet/hextet/bench/internal/machine"
	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/bench/internal/suite"
)

// An output writes rows as they come: the table or JSON to stdout, both to files if a
// directory was named; everything else is for people, and goes to stderr with -json.
type output struct {
	rows    io.Writer // stdout
	people  io.Writer
	json    bool
	results io.WriteCloser // results.jsonl; nil without a directory
	table   io.WriteCloser // results.txt
	stderr  io.Writer
	live    bool // stderr is a terminal: show progress there

	start                time.Time
	count, short, failed int
	omitted              []suite.Omission
}

func newOutput(o options, stdout, stderr io.Writer) (*output, error) {
	out := &output{rows: stdout, people: stdout, json: o.json, stderr: stderr, live: terminal(stderr), start: time.Now()}
	if o.json {
		out.people = stderr
	}
	if o.profiles != "" {
		if err := os.MkdirAll(o.profiles, 0o777); err != nil {
			return nil, err
		}
	}
	info := machine.Read()
	if o.out != "" {
		if err := out.openFiles(o.out, info); err != nil {
			return nil, err
		}
	}
	if err := info.Write(out.text()); err != nil {
		return nil, err
	}
	return out, out.tableLine(report.Header())
}

// tableLine writes a line of the table to where there is one.
func (out *output) tableLine(line any) error {
	var err error
	if !out.json {
		_, err = fmt.Fprintln(out.rows, line)
	}
	if out.table != nil && err == nil {
		_, err = fmt.Fprintln(out.table, line)
	}
	return err
}

// openFiles makes the directory and what is in it.
func (out *output) openFiles(dir string, info machine.Info) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	text, err := json.MarshalIndent(info, "", "\t")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "machine.json"), append(text, '\n'), 0o666); err != nil {
		return err
	}
	results, err := os.Create(filepath.Join(dir, "results.jsonl"))
	if err != nil {
		return err
	}
	table, err := os.Create(filepath.Join(dir, "results.txt"))
	if err != nil {
		return errors.Join(err, results.Close())
	}
	out.results, out.table = results, table
	return nil
}

// text is where what people read goes.
func (out *output) text() io.Writer {
	if out.table != nil {
		return io.MultiWriter(out.people, out.table)
	}
	return out.people
}

// terminal says whether w shows what is written at once to somebody.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// row writes a row.
func (out *output) row(r report.Row) error {
	out.count++
	switch {
	case r.Err != nil:
		out.failed++
	case !r.OK:
		out.short++
	}
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	text = append(text, '\n')
	out.clear()
	if out.results != nil {
		if _, err := out.results.Write(text); err != nil {
			return err
		}
	}
	if out.json {
		if _, err := out.rows.Write(text); err != nil {
			return err
		}
	}
	return out.tableLine(r)
}

func (out *output) omit(o suite.Omission) { out.omitted = append(out.omitted, o) }

// progress overwrites its own line.
func (out *output) progress(name string, done, all int) {
	if out.live {
		fmt.Fprintf(out.stderr, "\r\x1b[K%d of %d: %s", done+1, all, name)
	}
}

// clear takes the progress line away.
func (out *output) clear() {
	if out.live {
		fmt.Fprint(out.stderr, "\r\x1b[K")
	}
}

// finish writes what was left out and the balance, and closes the files. Its error is
// about those, or about rows that failed.
func (out *output) finish(stopped error) error {
	out.clear()
	w := out.text()
	for _, o := range out.omitted {
		fmt.Fprintf(w, "left out: %s: %s\n", o.What, o.Why)
	}
	what := "rows measured"
	if stopped != nil {
		what = "rows kept of an unfinished run"
	}
	_, err := fmt.Fprintf(w, "%s: %d, short of their goals: %d, failed: %d, in %.0f s; load now %s\n",
		what, out.count, out.short, out.failed, time.Since(out.start).Seconds(), machine.Read().Load)
	if out.failed > 0 {
		err = errors.Join(err, fmt.Errorf("%d rows could not be measured", out.failed))
	}
	if out.results != nil {
		err = errors.Join(err, out.results.Close(), out.table.Close())
	}
	return err
}
