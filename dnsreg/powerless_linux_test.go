package dnsreg

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

// powerless has the test's goroutine obey the modes of files, also as root, who gives away the directory, which is
// below os.TempDir, for that.
func powerless(t *testing.T, dir string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	const nobody = 65534
	for root := filepath.Clean(os.TempDir()); dir != root; dir = filepath.Dir(dir) {
		if err := os.Chown(dir, nobody, -1); err != nil {
			t.Fatal(err)
		}
	}
	runtime.LockOSThread()
	if err := syscall.Setfsuid(nobody); err != nil { // of this thread only
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Setfsuid(0)
		runtime.UnlockOSThread()
	})
}
