//go:build unix && !linux

package dnsreg

import (
	"os"
	"testing"
)

// powerless skips a test that depends on the modes of files, which are nothing to root.
func powerless(t *testing.T, _ string) {
	t.Helper()
	if os.Geteuid() == 0 {
		t.Skip("SKIP(privilege): root may write everywhere")
	}
}
