package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/hextet/hextet/bench/internal/compare"
	"github.com/hextet/hextet/bench/internal/machine"
	"github.com/hextet/hextet/bench/internal/page"
	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/bench/internal/results"
	"github.com/hextet/hextet/bench/internal/suite"
)

// tableFile is the table for people, beside the files of package results.
const tableFile = "results.txt"

// An output writes rows as they come: the table or JSON to stdout, both to files if a
// directory was named; everything else is for people, and goes to stderr with -json.
type output struct {
	o       options
	now     results.Results // of this run, as far as it has come
	rows    io.Writer       // stdout
	people  io.Writer       // who reads the table
	said    io.Writer       // who reads what changed
	results *results.File   // results.jsonl; nil without a directory
	table   *results.File   // results.txt
	stderr  io.Writer
	live    bool // stderr is a terminal: show progress there
	whole   bool // all rows that there are to be have come
}

// newOutput writes what is known before the first row.
func newOutput(o options, info machine.Info, made results.Run, stdout, stderr io.Writer) (*output, error) {
	out := &output{o: o, now: results.Results{Machine: info, Run: made}, rows: stdout, people: stdout, said: stdout, stderr: stderr, live: terminal(stderr)}
	switch {
	case o.json:
		out.people, out.said = stderr, stderr
	case o.from != "" && o.compare != "": // two earlier runs
		out.rows, out.people = io.Discard, io.Discard
	}
	if o.profiles != "" {
		if err := os.MkdirAll(o.profiles, 0o777); err != nil {
			return nil, err
		}
	}
	if o.out != "" {
		if err := out.openFiles(o.out); err != nil {
			return nil, err
		}
	}
	err := info.Write(out.with(out.people))
	if err == nil {
		err = out.tableLine(report.Header())
	}
	if err != nil {
		return nil, errors.Join(err, out.discard())
	}
	return out, nil
}

// discard takes the files away that were to take rows.
func (out *output) discard() error {
	if out.results == nil {
		return nil
	}
	return errors.Join(out.results.Discard(), out.table.Discard())
}

// tableLine writes a line of the table to where there is one.
func (out *output) tableLine(line any) error {
	var err error
	if !out.o.json {
		_, err = fmt.Fprintln(out.rows, line)
	}
	if out.table != nil && err == nil {
		_, err = fmt.Fprintln(out.table, line)
	}
	return err
}

// openFiles makes the directory, and in it the files that take the rows as they come.
func (out *output) openFiles(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	rows, err := results.Create(filepath.Join(dir, results.RowsFile))
	if err != nil {
		return err
	}
	table, err := results.Create(filepath.Join(dir, tableFile))
	if err != nil {
		return errors.Join(err, rows.Discard())
	}
	out.results, out.table = rows, table
	return nil
}

// with adds results.txt, if there is one.
func (out *output) with(w io.Writer) io.Writer {
	if out.table != nil {
		return io.MultiWriter(w, out.table)
	}
	return w
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

// row writes a row. What people read of it is what was written, with as many digits.
func (out *output) row(r report.Row) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	var written report.Row
	if err := json.Unmarshal(text, &written); err != nil {
		return fmt.Errorf("a row that can't be read again: %w", err)
	}
	out.now.Rows = append(out.now.Rows, written)
	text = append(text, '\n')
	out.clear()
	if out.results != nil {
		if _, err := out.results.Write(text); err != nil {
			return err
		}
	}
	if out.o.json {
		if _, err := out.rows.Write(text); err != nil {
			return err
		}
	}
	return out.tableLine(written)
}

func (out *output) omit(o suite.Omission) { out.now.Run.Omitted = append(out.now.Run.Omitted, o) }

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

// finish writes what was left out, the balance and what changed since an old run, if there is
// one, and saves. Its error is about those, or about rows that failed.
func (out *output) finish(old *results.Results) error {
	out.clear()
	failed, err := out.balance()
	if old != nil {
		err = errors.Join(err, compare.Write(out.with(out.said), *old, out.now, out.covered(*old)))
	}
	if failed > 0 {
		err = errors.Join(err, fmt.Errorf("%d rows could not be measured", failed))
	}
	if out.results != nil {
		err = errors.Join(err, out.save())
	}
	return err
}

// save puts a run in the place of the one that was in the directory, and draws. What was cut
// short takes no other's place: its rows stay where they were written.
func (out *output) save() error {
	if len(out.now.Rows) == 0 {
		return out.discard()
	}
	dir := out.o.out
	if _, err := os.Stat(filepath.Join(dir, results.RowsFile)); err == nil && !out.whole {
		fmt.Fprintf(out.stderr, "%s keeps its earlier run; the rows of this one are in %s\n", dir, out.results.Name())
		return errors.Join(out.results.Close(), out.table.Close())
	}
	err := errors.Join(results.WriteMachine(dir, out.now.Machine), results.WriteRun(dir, out.now.Run), out.results.Replace(), out.table.Replace())
	if err != nil {
		return err
	}
	markdown := out.o.markdown
	if markdown == "" {
		markdown = filepath.Join(dir, page.MarkdownFile)
	}
	return page.Write(dir, markdown, out.now)
}

// balance writes what was left out and how many rows there are.
func (out *output) balance() (failed int, err error) {
	w, run := out.with(out.people), out.now.Run
	for _, o := range run.Omitted {
		fmt.Fprintf(w, "left out: %s: %s\n", o.What, o.Why)
	}
	short := 0
	for _, r := range out.now.Rows {
		switch {
		case r.Err != nil:
			failed++
		case !r.OK:
			short++
		}
	}
	what := "rows measured"
	if !run.Complete {
		what = "rows kept of an unfinished run"
	}
	_, err = fmt.Fprintf(w, "%s: %d, short of their goals: %d, failed: %d, in %.0f s; load then %s\n", what, len(out.now.Rows), short, failed, run.Seconds, run.Load)
	return failed, err
}

// covered says whether this run should have a row of an old one: it was asked for, and what it
// belongs to was neither left out nor not come to. A quick run and another have other rows.
func (out *output) covered(old results.Results) func(name string) bool {
	run := out.now.Run
	return func(name string) bool {
		for _, o := range run.Omitted {
			if suite.Within(name, o.What) {
				return false
			}
		}
		return run.Complete && run.Quick == old.Run.Quick && suite.Within(name, run.Only) && suite.Within(name, out.o.only)
	}
}
