package checksum

// Copy copies src to dst and returns Sum(src, initial). It goes through memory
// once: each word is summed on its way, or in portable Go, if there are many, they
// are taken in pieces that stay in the first cache between sum and copy. src must
// not change meanwhile.
//
// dst must be at least as long as src, otherwise Copy panics before it writes
// anything; bytes of dst beyond len(src) are left alone. The two may begin at the
// same byte, but must not overlap otherwise.
func Copy(dst, src []byte, initial uint16) uint16 {
	if len(dst) < len(src) {
		panic("checksum: Copy: dst is shorter than src")
	}
	if len(src) <= copyShortest {
		return copyShort(dst, src, initial)
	}
	return copySum(dst[:len(src)], src, initial)
}
