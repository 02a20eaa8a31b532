package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// program returns the program with arguments, which the end of the test kills.
func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	return cmd
}

// Ctrl-C ends the program with the status of an interrupt; all rows that it had written
// are whole, on its output and in the files.
func TestInterruptedProgram(t *testing.T) {
	dir := t.TempDir()
	markdown := filepath.Join(dir, "none", "x.md") // can't be written, which is said, too
	cmd := program(t, "-quick", "-json", "-only", "checksum", "-out", dir, "-md", markdown)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(stdout)
	first, err := r.ReadString('\n')
	if err != nil {
		t.Fatal(err, cmd.Wait(), &stderr)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if exit, ok := errors.AsType[*exec.ExitError](cmd.Wait()); !ok || exit.ExitCode() != 130 {
		t.Errorf("ended with %v, not 130", exit)
	}
	rows := 0
	for line := range strings.Lines(first + string(rest)) {
		rows++
		if !json.Valid([]byte(line)) {
			t.Errorf("half a row: %s", line)
		}
	}
	if strings.Contains(string(rest), "checksum/limit/call") {
		t.Error("the interrupt came too late to show anything")
	}
	if got := read(t, dir, "results.jsonl"); got != first+string(rest) {
		t.Errorf("results.jsonl differs from the output:\n%s", got)
	}
	for _, want := range []string{fmt.Sprintf("rows kept of an unfinished run: %d,", rows), "bench: interrupted\nbench: open " + markdown} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("no %q in %s", want, &stderr)
		}
	}
}

// A terminal shows which case is being measured, and at the end nothing of that.
func TestProgress(t *testing.T) {
	terminal, shown := openTerminal(t)
	cmd := program(t, "-quick", "-json", "-only", "checksum/header")
	cmd.Stderr = terminal
	all := make(chan string)
	go func() {
		text, err := io.ReadAll(shown)
		if !errors.Is(err, syscall.EIO) { // the end of a terminal that nobody has open
			t.Error(err)
		}
		all <- string(text)
	}()
	err := cmd.Run()
	terminal.Close()
	text := <-all
	if err != nil {
		t.Fatal(err, text)
	}
	const clear = "\r\x1b[K"
	for _, want := range []string{"1 of 3: checksum/header/8" + clear, "3 of 3: checksum/header/40" + clear, clear + "rows measured: 3,"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %q", want, text)
		}
	}
}

// openTerminal returns a terminal, and where to read what it shows.
func openTerminal(t *testing.T) (terminal, shown *os.File) {
	t.Helper()
	shown, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("SKIP(pty): %v", err)
	}
	t.Cleanup(func() { shown.Close() })
	number, err := unix.IoctlGetInt(int(shown.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(shown.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		t.Skipf("SKIP(pty): %v", err)
	}
	return terminal, shown
}
