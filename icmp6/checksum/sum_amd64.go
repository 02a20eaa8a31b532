//go:build !purego

package checksum

import "golang.org/x/sys/cpu"

// Tiers, slowest first. The assembly reads these names.
const (
	tierGeneric = iota
	tierAVX2
	tierAVX512
)

var tierNames = []string{tierGeneric: "generic", tierAVX2: "avx2", tierAVX512: "avx512"}

// tier selects the kernels. Only tests write to it after init. AVX-512's have run under emulation only, so
// they wait to be chosen until their tests have passed on a processor.
var tier = min(best, tierAVX2)

// best is the highest tier that can run here.
var best = bestTier()

// bestTier asks x/sys/cpu, which asks processor and operating system, and obeys
// GODEBUG=cpu.avx2=off and the like.
func bestTier() uint8 {
	x := &cpu.X86
	switch {
	case !x.HasAVX2 || !x.HasBMI2:
		return tierGeneric
	case !x.HasAVX512F || !x.HasAVX512BW || !x.HasAVX512VL || !x.HasAVX512VNNI:
		return tierAVX2
	}
	return tierAVX512
}

// sum is Sum by the kernels of the tier. It is the only way in: it checks the
// stack, which is where a goroutine that does nothing but sum can be stopped for
// a garbage collection.
//
//go:noescape
func sum(b []byte, initial uint16) uint16

// sumAVX2 sums 9 to 65536 bytes. Up to 64 bytes, the 64 bytes from its first one must
// not cross the end of a page.
//
//go:noescape
func sumAVX2(b []byte, initial uint16) uint16

// sumAVX512 sums under the conditions of sumAVX2.
//
//go:noescape
func sumAVX512(b []byte, initial uint16) uint16

// copySum is Copy for more than copyShortest bytes and len(dst) == len(src). Like
// sum, it checks the stack.
//
//go:noescape
func copySum(dst, src []byte, initial uint16) uint16

// copyAVX2 copies and sums what copySum does, 65536 bytes at most.
//
//go:noescape
func copyAVX2(dst, src []byte, initial uint16) uint16

// copyAVX512 copies and sums what copySum does, 65536 bytes at most.
//
//go:noescape
func copyAVX512(dst, src []byte, initial uint16) uint16

// Called from assembly only.
var (
	_ = sumAVX2
	_ = sumAVX512
	_ = copyAVX2
	_ = copyAVX512
)
