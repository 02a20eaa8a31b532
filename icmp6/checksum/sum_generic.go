package checksum

import (
	"encoding/binary"
	"math/bits"
)

// le loads words in the byte order of most processors. The sum does not depend
// on the order in which bytes are loaded, only on the way back:
//
// RFC 1071 section 2, (B) Byte Order Independence: "The sum of 16-bit integers
// can be computed in either byte order. Thus, if we calculate the swapped sum
// [...] the result is the same as [...], except the bytes are swapped in the
// sum!"
//
// Big-endian processors have byte-reversing loads, so they share this code.
var le = binary.LittleEndian

// sumGeneric is Sum in portable Go.
//
// RFC 1071 section 2, (C) Parallel Summation: 64-bit words are added, the carry
// of each addition goes into the next, and the last one goes round. That cannot
// carry again: a chain that begins without a carry and ends with one has a sum
// below 2^64-1.
func sumGeneric(b []byte, initial uint16) uint16 {
	n := len(b)
	sum := uint64(bits.ReverseBytes16(initial))
	if n < 8 {
		return foldLE(sum + word(b))
	}

	// The last n%8 bytes come from a load that ends with the data; the bytes
	// that belong to the blocks below are shifted out, in two steps because
	// they can be all eight.
	sum += le.Uint64(b[n-8:]) >> 8 >> ((56 - 8*n) & 63)

	// Each block is a chain of its own, so that the processor can work on
	// several at once; only the last addition waits for the block before.
	var x, c uint64
	i := 0
	for ; i <= n-64; i += 64 {
		p := (*[64]byte)(b[i:])
		x, c = bits.Add64(le.Uint64(p[0:]), le.Uint64(p[8:]), 0)
		x, c = bits.Add64(x, le.Uint64(p[16:]), c)
		x, c = bits.Add64(x, le.Uint64(p[24:]), c)
		x, c = bits.Add64(x, le.Uint64(p[32:]), c)
		x, c = bits.Add64(x, le.Uint64(p[40:]), c)
		x, c = bits.Add64(x, le.Uint64(p[48:]), c)
		x, c = bits.Add64(x, le.Uint64(p[56:]), c)
		sum, c = bits.Add64(sum, x, c)
		sum, _ = bits.Add64(sum, 0, c)
	}
	if i <= n-32 {
		p := (*[32]byte)(b[i:])
		x, c = bits.Add64(le.Uint64(p[0:]), le.Uint64(p[8:]), 0)
		x, c = bits.Add64(x, le.Uint64(p[16:]), c)
		x, c = bits.Add64(x, le.Uint64(p[24:]), c)
		sum, c = bits.Add64(sum, x, c)
		sum, _ = bits.Add64(sum, 0, c)
		i += 32
	}
	if i <= n-16 {
		p := (*[16]byte)(b[i:])
		x, c = bits.Add64(le.Uint64(p[0:]), le.Uint64(p[8:]), 0)
		sum, c = bits.Add64(sum, x, c)
		sum, _ = bits.Add64(sum, 0, c)
		i += 16
	}
	if i <= n-8 {
		sum, c = bits.Add64(sum, le.Uint64(b[i:]), 0)
		sum, _ = bits.Add64(sum, 0, c)
	}
	return foldLE(sum)
}

// word returns fewer than eight bytes as one little-endian word.
func word(b []byte) uint64 {
	switch n := len(b); {
	case n >= 4:
		// Two loads that overlap in all but the last n%4 bytes.
		return uint64(le.Uint32(b)) + uint64(le.Uint32(b[n-4:]))>>(64-8*n)<<32
	case n == 3:
		return uint64(le.Uint16(b)) + uint64(b[2])<<16
	case n == 2:
		return uint64(le.Uint16(b))
	case n == 1:
		return uint64(b[0])
	}
	return 0
}

// add64 adds with the carry going round, so no number of additions overflows.
func add64(a, b uint64) uint64 {
	s, c := bits.Add64(a, b, 0)
	return s + c
}

// fold brings a sum down to 16 bits, each carry going round.
func fold(sum uint64) uint16 {
	sum += bits.RotateLeft64(sum, 32)
	s := uint32(sum >> 32)
	s += bits.RotateLeft32(s, 16)
	return uint16(s >> 16)
}

// foldLE is fold for a sum of little-endian words; the result is in wire order.
func foldLE(sum uint64) uint16 { return bits.ReverseBytes16(fold(sum)) }
