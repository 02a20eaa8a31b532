package checksum_test

import (
	"slices"
	"testing"

	"github.com/hextet/hextet/icmp6/checksum"
)

// eachTier runs f as a subtest of each implementation, the unavailable ones as
// skipped subtests.
func eachTier(t *testing.T, f func(t *testing.T)) {
	for i, name := range checksum.Tiers {
		t.Run(name, func(t *testing.T) {
			if i > checksum.Best {
				t.Skipf("SKIP(tier): this processor, or GODEBUG, has no %s", name)
			}
			t.Cleanup(checksum.Force(i))
			f(t)
		})
	}
}

// everyTier is eachTier for fuzz targets, which cannot have subtests.
func everyTier(f func(name string)) {
	for i, name := range checksum.Tiers[:checksum.Best+1] {
		restore := checksum.Force(i)
		f(name)
		restore()
	}
}

func TestImplementation(t *testing.T) {
	documented := []string{"avx512", "avx2", "neon", "generic"}
	want := checksum.Tiers[checksum.Best]
	if got := checksum.Implementation(); got != want || got != checksum.Tiers[checksum.Chosen] {
		t.Errorf("Implementation() = %q, want %q", got, want)
	}
	eachTier(t, func(t *testing.T) {
		if got := checksum.Implementation(); !slices.Contains(documented, got) || "TestImplementation/"+got != t.Name() {
			t.Errorf("Implementation() = %q", got)
		}
	})
}
