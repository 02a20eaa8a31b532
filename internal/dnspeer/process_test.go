//go:build unix

package dnspeer

import (
	"errors"
	"strings"
	"testing"
)

// What becomes of a program is told, whatever that is.
func TestProgram(t *testing.T) {
	for script, want := range map[string]error{
		"echo Starting; echo READY; exec sleep 600": nil,
		"echo READYING; echo READY >&2":             nil,
		"echo Address In Use; echo READY":           errTaken,
		"echo READYING":                             errEnded,
		"exit 1":                                    errEnded,
		`test "$WHAT" = this && echo READY`:         nil,
	} {
		var log journal
		p, err := start(Program{Dir: t.TempDir(), Argv: []string{"sh", "-c", script}, Env: []string{"WHAT=this"}, Up: "ready\n", Taken: "address in use"}, &log)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.await(); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v\n%s", script, err, want, &log)
		}
		p.cmd.Process.Kill()
		p.wait()
	}
	if _, err := start(Program{Argv: []string{"/nowhere/program"}}, new(journal)); err == nil || !strings.Contains(err.Error(), "/nowhere/program") {
		t.Errorf("no program: %v", err)
	}
}
