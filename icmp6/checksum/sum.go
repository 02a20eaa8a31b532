package checksum

// Sum returns the RFC 1071 sum of initial and the big-endian 16-bit words of b,
// not complemented. An odd last byte counts as the high byte of a word.
//
// initial is the sum of what comes before b, which must be an even number of
// bytes; 0 to start. The result is 0 only when initial and all of b are 0.
func Sum(b []byte, initial uint16) uint16 {
	return sum(b, initial)
}

// Combine returns the one's complement sum of a and b. It joins the sums of two
// pieces if the second one begins at an even offset.
func Combine(a, b uint16) uint16 {
	s := uint32(a) + uint32(b)
	return uint16(s + s>>16)
}

// Implementation names the code behind Sum and Copy on this machine: "avx512",
// "avx2", "neon" or "generic". It is meant for logs and benchmarks.
func Implementation() string {
	return tierNames[tier]
}
