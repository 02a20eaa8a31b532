package checksum

// Copy copies src to dst and returns Sum(src, initial), in one pass.
//
// dst must be at least as long as src, otherwise Copy panics before it writes
// anything; bytes of dst beyond len(src) are left alone. The two may begin at the
// same byte, but must not overlap otherwise.
func Copy(dst, src []byte, initial uint16) uint16 {
	if len(dst) < len(src) {
		panic("checksum: Copy: dst is shorter than src")
	}
	return copyGeneric(dst[:len(src)], src, initial)
}
