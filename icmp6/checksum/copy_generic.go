package checksum

import "math/bits"

const (
	// copyFused is the length up to which a load and a store per word beat a
	// separate copy; beyond it the runtime's copy has wider registers.
	copyFused = 256
	// copyPiece stays in the first cache between its sum and its copy.
	copyPiece = 8 << 10
)

// copyGeneric is Copy in portable Go, for len(dst) == len(src). It never reads
// dst: a load that follows narrower stores to the same bytes has to wait.
func copyGeneric(dst, src []byte, initial uint16) uint16 {
	if len(src) <= copyFused {
		return copyShort(dst, src, initial)
	}
	for len(src) > copyPiece {
		initial = sumGeneric(src[:copyPiece], initial)
		copy(dst, src[:copyPiece])
		dst, src = dst[copyPiece:], src[copyPiece:]
	}
	sum := sumGeneric(src, initial)
	copy(dst, src)
	return sum
}

// copyShort sums each word between its load and its store.
func copyShort(dst, src []byte, initial uint16) uint16 {
	n := len(src)
	dst = dst[:n]
	sum := uint64(bits.ReverseBytes16(initial))
	if n < 8 {
		sum += word(src)
		copy(dst, src)
		return foldLE(sum)
	}

	// As in sumGeneric. The store waits until the end, since it covers bytes
	// that src still has to give when it is the same memory.
	last := le.Uint64(src[n-8:])
	sum += last >> 8 >> ((56 - 8*n) & 63)

	var x, c uint64
	i := 0
	for ; i <= n-32; i += 32 {
		p, q := (*[32]byte)(src[i:]), (*[32]byte)(dst[i:])
		w0, w1, w2, w3 := le.Uint64(p[0:]), le.Uint64(p[8:]), le.Uint64(p[16:]), le.Uint64(p[24:])
		le.PutUint64(q[0:], w0)
		le.PutUint64(q[8:], w1)
		le.PutUint64(q[16:], w2)
		le.PutUint64(q[24:], w3)
		x, c = bits.Add64(w0, w1, 0)
		x, c = bits.Add64(x, w2, c)
		x, c = bits.Add64(x, w3, c)
		sum, c = bits.Add64(sum, x, c)
		sum, _ = bits.Add64(sum, 0, c)
	}
	for ; i <= n-8; i += 8 {
		x = le.Uint64(src[i:])
		le.PutUint64(dst[i:], x)
		sum, c = bits.Add64(sum, x, 0)
		sum, _ = bits.Add64(sum, 0, c)
	}
	le.PutUint64(dst[n-8:], last)
	return foldLE(sum)
}
