//go:build !purego

package checksum

import "golang.org/x/sys/cpu"

// Tiers, slowest first. The assembly reads these names. The generic one is portable Go
// above 64 bytes; below, the call from assembly would cost more than the sum.
const (
	tierGeneric = iota
	tierAVX2
	tierAVX512
)

var tierNames = []string{tierGeneric: "generic", tierAVX2: "avx2", tierAVX512: "avx512"}

// tier selects the kernels. Only tests write to it after init.
var tier = best

// best is the highest tier that can run here.
var best = bestTier()

// bestTier asks x/sys/cpu, which asks processor and operating system, and obeys
// GODEBUG=cpu.avx2=off and the like.
//
// AVX-512 is used at its full width: on Zen 4, a prototype did 9000 bytes 1.1 times as
// fast with 512 bits as with 256. Multiplications that wide can lower the clock of a
// core of Intel's Cascade Lake and Ice Lake; how that comes out has not been measured.
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

// sumAVX2 sums 65 to 65536 bytes.
//
//go:noescape
func sumAVX2(b []byte, initial uint16) uint16

// sumAVX512 sums 9 to 65536 bytes. Up to 64 bytes, the 64 bytes from its first one
// must not cross the end of a page.
//
//go:noescape
func sumAVX512(b []byte, initial uint16) uint16

// copyShortest is the length up to which Copy takes word by word. The kernels rely
// on it: all they copy is longer.
const copyShortest = 32

// copySum is Copy for more than copyShortest bytes and len(dst) == len(src). Like
// sum, it checks the stack.
//
//go:noescape
func copySum(dst, src []byte, initial uint16) uint16

// copyAVX2 copies and sums 33 to 65536 bytes.
//
//go:noescape
func copyAVX2(dst, src []byte, initial uint16) uint16

// copyAVX512 copies and sums 65 to 65536 bytes.
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
