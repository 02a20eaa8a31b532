package lab

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Golden compares what was sent, and all the filters pass, with a text file in which each packet is a line:
// when it was sent, after the lab began, on which segment, by whom, and its Summary.
//
//	+1.000000s lan1 web/eth0 2001:db8::1 > 2001:db8::2 ICMPv6 EchoRequest id 7 seq 1, 8 bytes
//
// Where they differ the test fails, with the lines that do. The file is written instead if the test binary
// has a flag named update, which it defines itself, and it is set, or if LAB_UPDATE=1 is in the environment.
// Outside of a test it panics.
func (l *Lab) Golden(path string, filters ...Filter) {
	if l.tb != nil {
		l.tb.Helper()
	}
	if err := l.CheckGolden(path, filters...); err != nil {
		if l.tb == nil {
			panic(err)
		}
		l.complain(err)
		l.tb.Errorf("%v", err)
	}
}

// CheckGolden is Golden for programs that are no tests: it returns what differs as an error.
func (l *Lab) CheckGolden(path string, filters ...Filter) error {
	if err := l.checkWhole(); err != nil {
		return err
	}
	got := l.Text(filters...)
	if updating() {
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return fmt.Errorf("lab: golden trace: %w", err)
		}
		if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
			return fmt.Errorf("lab: golden trace: %w", err)
		}
		return nil
	}
	want, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("lab: golden trace: %w (LAB_UPDATE=1 writes it)", err)
	}
	want = bytes.ReplaceAll(want, []byte("\r\n"), []byte("\n"))
	if d := diff(lines(string(want)), lines(got)); d != "" {
		return fmt.Errorf("lab: the trace is not that of %s (LAB_UPDATE=1 writes it anew):\n%s", path, d)
	}
	return nil
}

// Text returns what was sent, and all the filters pass, one packet a line, as Golden describes.
func (l *Lab) Text(filters ...Filter) string {
	var b strings.Builder
	for _, p := range l.Packets(filters...) {
		fmt.Fprintf(&b, "+%.6fs %s %s %s\n", p.Time.Sub(l.cfg.Start).Seconds(), p.Segment, p.From, p.Summary())
	}
	return b.String()
}

// updating reports whether golden files are to be written. A library must not define the flag itself: two
// that do so make the test binary panic.
func updating() bool {
	if os.Getenv("LAB_UPDATE") == "1" {
		return true
	}
	f := flag.Lookup("update")
	return f != nil && f.Value.String() == "true"
}

func lines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(s, "\n"), "\n")
}

const (
	diffContext = 2
	diffLines   = 40   // of its output
	diffSearch  = 4000 // lines on each side that are compared with each other
)

// diff returns the lines in which two texts differ, with some around the first of them: "-" is wanted, "+"
// is there. "" means that they are the same.
func diff(want, got []string) string {
	same := 0
	for same < min(len(want), len(got)) && want[same] == got[same] {
		same++
	}
	if same == len(want) && same == len(got) {
		return ""
	}
	var out []string
	for i := max(same-diffContext, 0); i < same; i++ {
		out = append(out, "  "+want[i])
	}
	out = append(out, edits(want[same:min(len(want), same+diffSearch)], got[same:min(len(got), same+diffSearch)])...)
	if n := len(out) - diffLines; n > 0 {
		out = append(out[:diffLines], fmt.Sprintf("  and %d more lines", n))
	}
	return fmt.Sprintf("line %d; %d lines are wanted, %d are there\n%s", same+1, len(want), len(got), strings.Join(out, "\n"))
}

// edits walks from one list to the other: where they part it looks for the next line that both have, the
// nearest first, and goes on from there.
func edits(want, got []string) (out []string) {
	for len(want) > 0 || len(got) > 0 {
		if len(want) > 0 && len(got) > 0 && want[0] == got[0] {
			out = append(out, "  "+want[0])
			want, got = want[1:], got[1:]
			continue
		}
		skip, add := meet(want, got)
		for _, s := range want[:skip] {
			out = append(out, "- "+s)
		}
		for _, s := range got[:add] {
			out = append(out, "+ "+s)
		}
		want, got = want[skip:], got[add:]
		if len(out) > 2*diffLines {
			return out
		}
	}
	return out
}

// meet returns how many lines to pass over on each side until the lists agree: the fewest, within a
// distance of 50.
func meet(want, got []string) (skip, add int) {
	for d := 1; d <= 50; d++ {
		for skip := range d + 1 {
			if add := d - skip; skip < len(want) && add < len(got) && want[skip] == got[add] {
				return skip, add
			}
		}
	}
	return min(len(want), 50), min(len(got), 50)
}
