//go:build unix

package dnsreg

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestStateFileIsItsOwners(t *testing.T) {
	f := tempState(t)
	old := syscall.Umask(0)
	mustSave(t, f, "x")
	syscall.Umask(old)
	info, err := os.Stat(f.path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	for _, mode := range []os.FileMode{0o600, 0o400, 0o644, 0o755} {
		if err := os.Chmod(f.path, mode); err != nil {
			t.Fatal(err)
		}
		if got := mustLoad(t, f); got != "x" {
			t.Errorf("mode %v: %q", mode, got)
		}
	}
	for _, mode := range []os.FileMode{0o620, 0o602, 0o666, 0o777} {
		if err := os.Chmod(f.path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := f.Load()
		if e := stateError(t, err); e.Path != f.path || !strings.Contains(e.Rule, fmt.Sprintf("mode %04o: others may write", mode)) {
			t.Errorf("mode %v: %v", mode, err)
		}
		if _, _, err := load(f); err == nil || len(files(t, f)) != 1 {
			t.Errorf("mode %v: taken for a damaged one: %v, %v", mode, err, files(t, f))
		}
	}
	mustSave(t, f, "y") // a new file, with its own mode
	if got := mustLoad(t, f); got != "y" {
		t.Errorf("%q", got)
	}
}

func TestStateFileOfSomebodyElse(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIP(privilege): only root can give files away")
	}
	f := tempState(t)
	mustSave(t, f, "x")
	if err := os.Chown(f.path, 12345, -1); err != nil {
		t.Fatal(err)
	}
	_, err := f.Load()
	if e := stateError(t, err); !strings.Contains(e.Rule, "uid 12345") {
		t.Errorf("error %v", err)
	}
}

// Links and pipes are no state: a pipe would make Load wait, and a link leads elsewhere.
func TestStateFileIsNoLink(t *testing.T) {
	f := tempState(t)
	target := filepath.Join(t.TempDir(), "target")
	if err := os.WriteFile(target, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, f.path); err != nil {
		t.Fatal(err)
	}
	_, err := f.Load()
	if e := stateError(t, err); !strings.Contains(e.Rule, "no regular file: L") {
		t.Errorf("error %v", err)
	}
	if err := os.Remove(f.path); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, f.temporary()); err != nil {
		t.Fatal(err)
	}
	mustSave(t, f, "x")
	if b, err := os.ReadFile(target); string(b) != "mine" {
		t.Errorf("a link at the temporary name led to %q, %v", b, err)
	}
	if err := os.Remove(f.path); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(f.path, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = f.Load()
	if e := stateError(t, err); !strings.Contains(e.Rule, "no regular file: p") {
		t.Errorf("error %v", err)
	}
}

// The variables that make this test binary a process that saves and dies.
const (
	crashPath = "DNSREG_TEST_CRASH_PATH"
	crashStep = "DNSREG_TEST_CRASH_STEP" // the number of the step at which it kills itself; empty: none
)

// oldState and newState differ in length and in every octet.
var (
	oldState = strings.Repeat("old", 50_000)
	newState = strings.Repeat("NEW", 90_000)
)

// init turns the process into the child of the tests that follow, if it is to be one.
func init() {
	path := os.Getenv(crashPath)
	if path == "" {
		return
	}
	f := &stateFile{path: path}
	var left int // 0: never
	fmt.Sscan(os.Getenv(crashStep), &left)
	f.step = func(string) {
		if left--; left == 0 {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	for {
		for _, data := range []string{newState, oldState} {
			if err := f.Save([]byte(data)); err != nil {
				fmt.Println(err)
				os.Exit(1)
			}
			fmt.Println("saved")
		}
	}
}

func crashingChild(t *testing.T, path, step string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), crashPath+"="+path, crashStep+"="+step)
	return cmd
}

func killed(err error) bool {
	e, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return false
	}
	s, ok := e.Sys().(syscall.WaitStatus)
	return ok && s.Signaled() && s.Signal() == syscall.SIGKILL
}

// kill -9 at every step of Save: the next process finds the old state or the new one, whole, and no litter.
func TestCrashAtEveryStep(t *testing.T) {
	steps := 0
	count := tempState(t)
	count.step = func(string) { steps++ }
	mustSave(t, count, newState)
	var found []string
	for step := 1; step <= steps; step++ {
		f := tempState(t)
		mustSave(t, f, oldState)
		if out, err := crashingChild(t, f.path, fmt.Sprint(step)).CombinedOutput(); !killed(err) {
			t.Fatalf("step %d: the child ended with %v\n%s", step, err, out)
		}
		switch mustLoad(t, f) {
		case oldState:
			found = append(found, "old")
		case newState:
			found = append(found, "new")
		default:
			t.Errorf("step %d: a mixture", step)
		}
		if got := files(t, f); !slices.Equal(got, []string{"state"}) {
			t.Errorf("step %d: files %v", step, got)
		}
	}
	if want := []string{"old", "old", "old", "old", "new", "new"}; !slices.Equal(found, want) { // from the rename on
		t.Errorf("found %v, want %v", found, want)
	}
}

func TestCrashAtAnyTime(t *testing.T) {
	for range 10 {
		f := tempState(t)
		mustSave(t, f, oldState)
		cmd := crashingChild(t, f.path, "")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		r := bufio.NewReader(out)
		for range 1 + rand.IntN(20) {
			if _, err := r.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, r)
		if err := cmd.Wait(); !killed(err) {
			t.Fatalf("the child ended with %v", err)
		}
		if got := mustLoad(t, f); got != oldState && got != newState {
			t.Fatalf("a mixture of %d octets", len(got))
		}
		if got := files(t, f); !slices.Equal(got, []string{"state"}) {
			t.Errorf("files %v", got)
		}
	}
}
