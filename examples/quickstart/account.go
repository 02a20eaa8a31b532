package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// account collects what is printed, and whether every claim in it is true.
type account struct {
	lines  []string
	claims int
	wrong  []string
}

// title starts a chapter.
func (a *account) title(format string, args ...any) {
	a.lines = append(a.lines, "", fmt.Sprintf(format, args...))
}

// say adds a row: what, and how much of it.
func (a *account) say(what, format string, args ...any) {
	a.lines = append(a.lines, "  "+what+"\t"+fmt.Sprintf(format, args...))
}

// claim adds a row that must be true.
func (a *account) claim(ok bool, what, format string, args ...any) {
	a.claims++
	text := fmt.Sprintf(format, args...)
	mark := ""
	if !ok {
		a.wrong = append(a.wrong, what+": "+text)
		mark = "   <-- FALSE"
	}
	a.lines = append(a.lines, "  "+what+"\t"+text+mark)
}

func (a *account) print(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	for _, l := range a.lines {
		fmt.Fprintln(w, l)
	}
	w.Flush()
	fmt.Fprintf(out, "\n%d claims checked against the packets and the zone, %d false; packets in %s\n", a.claims, len(a.wrong), file)
}

func (a *account) err() error {
	if len(a.wrong) == 0 {
		return nil
	}
	return fmt.Errorf("%d claims are false: %q", len(a.wrong), a.wrong)
}
