//go:build (amd64 || arm64) && !purego

package checksum

// chunk is what one call of a kernel takes at most: some microseconds, for which a
// garbage collection may have to wait, and few enough words for the kernels' sums
// to be exact. It is even, so that partial sums chain.
const chunk = 64 << 10

// sumLong is sum for more than one chunk.
func sumLong(b []byte, initial uint16) uint16 {
	for len(b) > chunk {
		initial = sum(b[:chunk], initial)
		b = b[chunk:]
	}
	return sum(b, initial)
}

// copyLong is copySum for more than one chunk.
func copyLong(dst, src []byte, initial uint16) uint16 {
	for len(src) > chunk {
		initial = copySum(dst[:chunk], src[:chunk], initial)
		dst, src = dst[chunk:], src[chunk:]
	}
	return Copy(dst, src, initial)
}

// Called from assembly only.
var (
	_ = sumGeneric
	_ = sumLong
	_ = copyGeneric
	_ = copyLong
)
