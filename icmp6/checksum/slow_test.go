package checksum_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// thin is set with the race detector, which makes loops ten times as slow and finds
// nothing in those of this package.
var thin bool

// brief tells whether to leave out what few other lengths and alignments have shown.
func brief() bool { return thin || testing.Short() }

// slowSum is the twin of Sum: one word at a time, one carry at a time, as RFC 1071
// section 1 describes it.
func slowSum(b []byte, initial uint16) uint16 {
	sum := uint32(initial)
	for i := 0; i < len(b); i += 2 {
		word := uint32(b[i]) << 8
		if i+1 < len(b) {
			word |= uint32(b[i+1])
		}
		sum += word
		if sum > 0xffff {
			sum -= 0xffff
		}
	}
	return uint16(sum)
}

// slowPrefixes returns slowSum(b[:n], initial) for every n.
func slowPrefixes(b []byte, initial uint16) []uint16 {
	sums := make([]uint16, len(b)+1)
	sums[0] = initial
	for n := 1; n <= len(b); n++ {
		even := (n - 1) &^ 1
		sums[n] = slowSum(b[even:n], sums[even])
	}
	return sums
}

// initials are partial sums at and around the places where carries happen.
var initials = []uint16{0, 1, 0x00ff, 0x1234, 0x8000, 0xfffe, 0xffff}

// A pattern is data to sum; fill is deterministic.
type pattern struct {
	name string
	fill func(b []byte)
}

var patterns = []pattern{
	{"random", func(b []byte) { random(b, 1) }},
	{"ones", func(b []byte) { fill(b, 0xff) }},
	{"zeros", func(b []byte) { fill(b, 0) }},
	{"counting", func(b []byte) {
		for i := range b {
			b[i] = byte(i)
		}
	}},
	{"wrapping", func(b []byte) { // 2^64-1 and 1 in turn: sums that come out as 0 with a carry
		for i := range b {
			switch {
			case i%16 < 8:
				b[i] = 0xff
			case i%16 == 8:
				b[i] = 1
			default:
				b[i] = 0
			}
		}
	}},
}

func fill(b []byte, v byte) {
	for i := range b {
		b[i] = v
	}
}

func random(b []byte, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 0))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
}

// at returns a copy of data that begins at the given offset in a larger buffer
// full of junk, so that a read outside the slice shows in the sum.
func at(data []byte, offset int) []byte {
	const margin = 64
	buf := make([]byte, margin+offset+len(data)+margin)
	fill(buf, 0xa5)
	b := buf[margin+offset:][:len(data)]
	copy(b, data)
	return b
}

func hex(v uint16) string { return fmt.Sprintf("%#04x", v) }
