package lab

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/hextet/hextet/stack/capture"
)

// The files of a report.
const (
	reportCapture = "trace.pcapng"
	reportPage    = "trace.html"
)

// Report writes what the lab saw into a directory, which is made if it is not there: trace.pcapng and
// trace.html, as WritePcapng and WritePage describe. A test's lab does so by itself, in a directory that the
// test's log names, if the test has failed, or if LAB_TRACE=always is in the environment; LAB_TRACE=never
// ends that. The directory is one of the test's name in LAB_TRACE_DIR if that is in the environment, else
// the test's ArtifactDir under go test -artifacts, else a new one among the system's temporary files.
// No test overwrites what another has left: the directories' names get a number. Files that are in dir are
// written anew.
func (l *Lab) Report(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("lab: report: %w", err)
	}
	return errors.Join(
		writeFile(filepath.Join(dir, reportCapture), l.WritePcapng),
		writeFile(filepath.Join(dir, reportPage), l.WritePage))
}

func writeFile(name string, write func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("lab: report: %w", err)
	}
	err = write(f)
	return errors.Join(err, f.Close())
}

// WritePcapng writes the trace as a capture file: an interface for each segment, each packet once, as it was
// sent, in the lab's time, with a comment: who sent it, why it has its source address, and what happened to
// it on the way if it was not simply delivered.
func (l *Lab) WritePcapng(w io.Writer) error {
	c, err := capture.NewWriter(w, capture.Options{Application: "hextet lab"})
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	for _, p := range l.Packets() {
		err := c.WritePacket(capture.Packet{
			Time: p.Time, Interface: p.Segment, LinkType: capture.Ethernet, Direction: capture.Outbound,
			Data: p.Data, Comment: p.comment(),
		})
		if err != nil {
			return fmt.Errorf("lab: %w", err)
		}
	}
	if err := c.Close(); err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	return nil
}

// comment is what a capture file says of a packet.
func (p Packet) comment() string {
	words := []string{"from " + p.From}
	if p.Choice != nil {
		words = append(words, p.Choice.Why)
	}
	if p.bad != nil {
		words = append(words, p.bad.Error())
	}
	if s := p.mishaps(); s != "" {
		words = append(words, s)
	}
	return strings.Join(words, "\n")
}

// reportTest leaves a report of a test that has failed. It is called at the test's end.
func (l *Lab) reportTest() {
	l.tb.Helper()
	switch os.Getenv("LAB_TRACE") {
	case "always":
	case "never":
		return
	default:
		if !l.tb.Failed() {
			return
		}
	}
	dir, err := reportDir(l.tb)
	if err == nil {
		err = l.Report(dir)
	}
	if err != nil {
		l.tb.Logf("%v", err)
		return
	}
	l.tb.Logf("lab: %d packets are in %s, and to be looked at in %s",
		len(l.Packets()), filepath.Join(dir, reportCapture), filepath.Join(dir, reportPage))
}

// reportDir makes a directory for a test's report.
func reportDir(tb TB) (dir string, err error) {
	name := fileName(tb.Name())
	parent := os.Getenv("LAB_TRACE_DIR")
	if parent == "" {
		if a, ok := tb.(interface{ ArtifactDir() string }); ok && keepsArtifacts() {
			parent, name = a.ArtifactDir(), "lab"
		}
	}
	if parent == "" {
		dir, err = os.MkdirTemp("", "lab-"+name+"-")
	} else {
		dir, err = numbered(parent, name)
	}
	if err != nil {
		return "", fmt.Errorf("lab: report: %w", err)
	}
	return filepath.Abs(dir)
}

// keepsArtifacts reports whether go test was told to: what is in ArtifactDir is removed otherwise.
func keepsArtifacts() bool {
	f := flag.Lookup("test.artifacts")
	return f != nil && f.Value.String() == "true"
}

// numbered makes a directory that was not there.
func numbered(parent, name string) (string, error) {
	if err := os.MkdirAll(parent, 0o777); err != nil {
		return "", err
	}
	dir := filepath.Join(parent, name)
	for n := 2; ; n++ {
		err := os.Mkdir(dir, 0o777)
		if err == nil || !errors.Is(err, os.ErrExist) {
			return dir, err
		}
		dir = filepath.Join(parent, fmt.Sprintf("%s-%d", name, n))
	}
}

// fileName makes a test's name one that every file system takes.
func fileName(test string) string {
	clean := func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '-':
			return r
		}
		return '-'
	}
	s := strings.Map(clean, test)
	return s[:min(len(s), 80)]
}
