//go:build !purego

package checksum

// Tiers, slowest first. The assembly knows that the first one is 0.
const (
	tierGeneric = iota
	tierNEON
)

var tierNames = []string{tierGeneric: "generic", tierNEON: "neon"}

// tier selects the kernels. Only tests write to it: every arm64 processor that Go
// supports has NEON.
var tier uint8 = tierNEON

// best is the highest tier that can run here.
var best = tier

// sum is Sum by the kernel of the tier. It checks the stack, which is where a
// goroutine that does nothing but sum can be stopped for a garbage collection.
//
//go:noescape
func sum(b []byte, initial uint16) uint16

// copyShortest is the length up to which Copy takes word by word. The kernels rely
// on it: all they copy is longer.
const copyShortest = 64

// copySum is Copy for more than copyShortest bytes and len(dst) == len(src). Like
// sum, it checks the stack.
//
//go:noescape
func copySum(dst, src []byte, initial uint16) uint16
