//go:build !purego

package checksum_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/hextet/hextet/icmp6/checksum"
)

// Each tier can be switched off from outside, and then the next one takes over.
func TestGODEBUG(t *testing.T) {
	if want := os.Getenv("CHECKSUM_TEST_AT_MOST"); want != "" {
		for i, name := range checksum.Tiers {
			if name == want && checksum.Best > i {
				t.Errorf("GODEBUG=%s: %s", os.Getenv("GODEBUG"), checksum.Implementation())
			}
		}
		return
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ godebug, atMost string }{
		{"cpu.avx512f=off", "avx2"},
		{"cpu.avx512bw=off", "avx2"},
		{"cpu.avx512vl=off", "avx2"},
		{"cpu.avx512vnni=off", "avx2"},
		{"cpu.avx2=off", "generic"},
		{"cpu.bmi2=off", "generic"},
		{"cpu.all=off", "generic"},
	} {
		cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestGODEBUG$")
		cmd.Env = append(os.Environ(), "GODEBUG="+tt.godebug, "CHECKSUM_TEST_AT_MOST="+tt.atMost)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", tt.godebug, err, out)
		}
	}
}
