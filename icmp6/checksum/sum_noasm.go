//go:build !(amd64 || arm64) || purego

package checksum

var tierNames = []string{"generic"}

// tier stays 0: there is no other. best is the highest that can run here.
var tier, best uint8

func sum(b []byte, initial uint16) uint16 { return sumGeneric(b, initial) }

// copyShortest is the length up to which Copy takes word by word. The kernels rely
// on it: all they copy is longer.
const copyShortest = 64

func copySum(dst, src []byte, initial uint16) uint16 { return copyGeneric(dst, src, initial) }
