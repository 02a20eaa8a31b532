package checksum_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"testing"

	"github.com/hextet/hextet/icmp6/checksum"
)

var sizes = []int{8, 20, 40, 64, 100, 256, 576, 1280, 1500, 9000, 65535}

var sink uint16

func sizeName(n int) string { return strconv.Itoa(n) }

func BenchmarkSum(b *testing.B) {
	data := make([]byte, 65536)
	random(data, 1)
	for _, n := range sizes {
		b.Run(sizeName(n), func(b *testing.B) {
			b.SetBytes(int64(n))
			for b.Loop() {
				sink += checksum.Sum(data[:n], 0)
			}
		})
	}
}

// Lengths that no branch predictor knows, as real traffic has them. A name that ends in a minus and a number would be
// read as one of that many processors.
func BenchmarkSumRandomLength(b *testing.B) {
	data := make([]byte, 1500)
	random(data, 1)
	for _, longest := range []int{63, 256, 1500} {
		r := rand.New(rand.NewPCG(1, 0))
		lengths := make([]int, 1<<16)
		for i := range lengths {
			lengths[i] = 8 + r.IntN(longest-8+1)
		}
		b.Run(fmt.Sprintf("longest=%d", longest), func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				sink += checksum.Sum(data[:lengths[i%len(lengths)]], 0)
			}
		})
	}
}

func BenchmarkCopy(b *testing.B) {
	src, dst := make([]byte, 65536), make([]byte, 65536)
	random(src, 1)
	for _, n := range sizes {
		b.Run(sizeName(n), func(b *testing.B) {
			b.SetBytes(int64(n))
			for b.Loop() {
				sink += checksum.Copy(dst, src[:n], 0)
			}
		})
	}
}

func BenchmarkPseudoHeader(b *testing.B) {
	src, dst := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
	for b.Loop() {
		sink += checksum.PseudoHeader(src, dst, 58, 64)
	}
}

// An 8-byte UDP header and its pseudo-header, from registers.
func BenchmarkAccumulatorHeader(b *testing.B) {
	src, dst := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
	for i := 0; b.Loop(); i++ {
		var a checksum.Accumulator
		a.AddAddr(src)
		a.AddAddr(dst)
		a.Add32(8)
		a.Add16(17)
		a.Add16(uint16(i))
		a.Add16(53)
		a.Add16(8)
		sink += a.Sum16()
	}
}

func BenchmarkUpdate(b *testing.B) {
	field := uint16(0x1234)
	for b.Loop() {
		field = checksum.Update(field, 0x4000, 0x3f00)
	}
	sink += field
}
