// Package page tells of a run to people: as a page of its own, as Markdown, and as the
// pictures that both show. All of it is made from what the run left, and nothing else.
package page

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/hextet/hextet/bench/internal/picture"
	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/bench/internal/results"
)

// The files that Write makes, besides a picture for each name of picture.Names.
const (
	HTMLFile     = "report.html"
	MarkdownFile = "RESULTS.md"
)

// Write writes the pictures and report.html into a directory, and the Markdown into a file, whose
// links lead to the directory. A picture that a whole run has no rows for is taken away: it
// would be another run's. A part of a run leaves it alone.
func Write(dir, markdown string, r results.Results) error {
	pictures := picture.All(r)
	drawn := map[string]bool{}
	for _, p := range pictures {
		drawn[p.Name] = true
		if err := results.WriteFile(filepath.Join(dir, p.Name+".svg"), p.SVG(picture.Wide, "")); err != nil {
			return err
		}
	}
	for _, name := range picture.Names() {
		if drawn[name] || !r.Run.Complete || r.Run.Only != "" {
			continue
		}
		if err := os.Remove(filepath.Join(dir, name+".svg")); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	text, err := render(r, pictures)
	if err != nil {
		return err
	}
	if err := results.WriteFile(filepath.Join(dir, HTMLFile), text); err != nil {
		return err
	}
	way, err := filepath.Rel(filepath.Dir(markdown), dir)
	if err != nil {
		return err
	}
	return results.WriteFile(markdown, mark(r, pictures, filepath.ToSlash(way)))
}

// A part is the rows of the first element of their names.
type part struct {
	Name string
	Rows []report.Row
}

// parts groups rows, in their order.
func parts(rows []report.Row) (all []part) {
	for _, r := range rows {
		name, _, _ := strings.Cut(r.Name, "/")
		if len(all) == 0 || all[len(all)-1].Name != name {
			all = append(all, part{Name: name})
		}
		last := &all[len(all)-1]
		last.Rows = append(last.Rows, r)
	}
	return all
}

// short are the rows that miss their goals, failed ones included.
func short(rows []report.Row) (missed []report.Row) {
	for _, r := range rows {
		if !r.OK {
			missed = append(missed, r)
		}
	}
	return missed
}

// conditions are the lines about machine and run.
func conditions(r results.Results) [][2]string {
	m := r.Machine
	state := "complete"
	if !r.Run.Complete {
		state = "interrupted: rows are missing"
	}
	lines := [][2]string{
		{"Command", r.Run.Command},
		{"Revision", r.Run.Revision},
		{"Date", r.Run.Date() + ", " + state},
		{"CPU", m.CPU},
		{"System", m.System + ", kernel " + m.Kernel + ", " + m.Go},
		{"Checksum tier", m.Tier},
		{"Load", m.Load + " before, " + r.Run.Load + " after"},
		{"Governor", m.Governor},
		{"GODEBUG", m.GODEBUG},
	}
	kept := lines[:0]
	for _, l := range lines {
		if l[1] != "" {
			kept = append(kept, l)
		}
	}
	return kept
}
