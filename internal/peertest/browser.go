package peertest

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
)

// Browse opens a page in Chromium, which reaches no network, and returns its document once its scripts have run.
// The page is a file's path, perhaps with a fragment. It fails the test if the page says something to the console.
func Browse(t testing.TB, page string, flags ...string) (document string) {
	t.Helper()
	flags = append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--enable-logging=stderr", "--log-level=0",
		"--virtual-time-budget=5000", "--host-resolver-rules=MAP * ~NOTFOUND", "--user-data-dir=" + t.TempDir(),
	}, flags...)
	cmd := exec.CommandContext(t.Context(), Chromium(t), append(flags, "--dump-dom", "file://"+page)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("chromium: %v\n%s", err, &errs)
	}
	for line := range strings.Lines(errs.String()) {
		if strings.Contains(line, "CONSOLE") {
			t.Errorf("the page says to the console: %s", line)
		}
	}
	return out.String()
}

// Chromium returns the program's name, which is not the same everywhere, and skips the test with -short and where
// there is none.
func Chromium(t testing.TB) string {
	t.Helper()
	Browser.Off(t)
	if testing.Short() {
		t.Skipf("SKIP(%s): -short", Browser.Word)
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	Browser.Tools(t, "chromium")
	return ""
}
