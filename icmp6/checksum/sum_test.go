package checksum_test

import (
	"testing"

	"github.com/hextet/hextet/icmp6/checksum"
)

// RFC 1071 section 3, Numerical Examples: the bytes 00 01 f2 03 f4 f5 f6 f7 sum to
// ddf2, in "normal" order.
func TestSumRFC1071Example(t *testing.T) {
	b := []byte{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}
	if got := checksum.Sum(b, 0); got != 0xddf2 {
		t.Errorf("whole: got %s, want 0xddf2", hex(got))
	}
	// The same section sums the groups "0001 f2" and "03f4 f5f6 f7" apart, and
	// swaps the second sum because its group begins at an odd offset.
	first, second := checksum.Sum(b[:3], 0), checksum.Sum(b[3:], 0)
	if first != 0xf201 {
		t.Errorf("first group: got %s, want 0xf201", hex(first))
	}
	if second != 0xf0eb {
		t.Errorf("second group: got %s, want 0xf0eb", hex(second))
	}
	if got := checksum.Combine(first, second<<8|second>>8); got != 0xddf2 {
		t.Errorf("combined: got %s, want 0xddf2", hex(got))
	}
}

func TestSumEveryLengthAndAlignment(t *testing.T) {
	longest, alignments := 4096, 64
	if brief() {
		longest, alignments = 1100, 16
	}
	inits := []uint16{0, 0x1234, 0xffff}
	for i, p := range patterns {
		if i == 2 { // after random data and ones, the others need no more than a few
			alignments = 8
		}
		data := make([]byte, longest)
		p.fill(data)
		var want [][]uint16
		for _, initial := range inits {
			want = append(want, slowPrefixes(data, initial))
		}
		eachTier(t, func(t *testing.T) {
			for align := range alignments {
				b, i := at(data, align), align%len(inits)
				for n, want := range want[i] {
					if got := checksum.Sum(b[:n], inits[i]); got != want {
						t.Fatalf("%s, %d bytes, alignment %d, initial %s: got %s, want %s",
							p.name, n, align, hex(inits[i]), hex(got), hex(want))
					}
				}
			}
		})
	}
}

// Up to 64 bytes, amd64 does without the portable code, which others need.
func TestSumGenericShort(t *testing.T) {
	for _, p := range patterns {
		data := make([]byte, 130)
		p.fill(data)
		for _, initial := range initials {
			for n, want := range slowPrefixes(data, initial) {
				if got := checksum.SumGeneric(at(data[:n], n%8), initial); got != want {
					t.Fatalf("%s, %d bytes, initial %s: got %s, want %s", p.name, n, hex(initial), hex(got), hex(want))
				}
			}
		}
	}
}

// A sum of many ones overflows accumulators that count carries in too few bits.
func TestSumLarge(t *testing.T) {
	ones := make([]byte, 4<<20+7)
	fill(ones, 0xff)
	mixed := make([]byte, len(ones))
	random(mixed, 2)
	for _, n := range []int{8191, 9000, 65535, 65536, 65537, 65538, 65600, 131072, 131073, 262144, 262146, 1 << 19, 1<<20 - 1, 1 << 20, 1<<20 + 7, 4 << 20, 4<<20 + 7} {
		want, wantMixed := map[uint16]uint16{}, slowSum(mixed[:n], 0)
		for _, initial := range initials {
			want[initial] = slowSum(ones[:n], initial)
		}
		eachTier(t, func(t *testing.T) {
			for _, initial := range initials {
				if got := checksum.Sum(ones[:n], initial); got != want[initial] {
					t.Errorf("%d bytes of 0xff, initial %s: got %s, want %s", n, hex(initial), hex(got), hex(want[initial]))
				}
			}
			if got := checksum.Sum(mixed[:n], 0); got != wantMixed {
				t.Errorf("%d random bytes: got %s, want %s", n, hex(got), hex(wantMixed))
			}
		})
	}
}

func TestSumIsZeroOnlyForZeros(t *testing.T) { eachTier(t, sumIsZeroOnlyForZeros) }

func sumIsZeroOnlyForZeros(t *testing.T) {
	for _, n := range []int{0, 1, 4, 7, 8, 9, 20, 33, 64, 65, 100, 129, 256, 257, 258, 384, 385, 576, 1500} {
		b := make([]byte, n)
		if got := checksum.Sum(b, 0); got != 0 {
			t.Errorf("%d zeros: got %s, want 0", n, hex(got))
		}
		if got := checksum.Sum(b, 0xffff); got != 0xffff {
			t.Errorf("%d zeros, initial 0xffff: got %s, want 0xffff", n, hex(got))
		}
		if n < 2 {
			continue
		}
		// Words that add up to a multiple of 0xffff give the other zero.
		fill(b[n&^1-2:n&^1], 0xff)
		if got := checksum.Sum(b, 0); got != 0xffff {
			t.Errorf("%d bytes, one word of ones: got %s, want 0xffff", n, hex(got))
		}
		fill(b, 0xff)
		if got := checksum.Sum(b[:n&^1], 0xffff); got != 0xffff {
			t.Errorf("%d bytes of ones: got %s, want 0xffff", n&^1, hex(got))
		}
	}
}

func TestSumChainsAtEvenOffsets(t *testing.T) { eachTier(t, sumChainsAtEvenOffsets) }

func sumChainsAtEvenOffsets(t *testing.T) {
	b := make([]byte, 1301)
	random(b, 3)
	want := slowSum(b, 0)
	for cut := 0; cut <= len(b); cut += 2 {
		if got := checksum.Sum(b[cut:], checksum.Sum(b[:cut], 0)); got != want {
			t.Fatalf("chained at %d: got %s, want %s", cut, hex(got), hex(want))
		}
		if got := checksum.Combine(checksum.Sum(b[:cut], 0), checksum.Sum(b[cut:], 0)); got != want {
			t.Fatalf("combined at %d: got %s, want %s", cut, hex(got), hex(want))
		}
	}
}

func TestCombine(t *testing.T) {
	for _, a := range initials {
		for _, b := range initials {
			want := slowSum([]byte{byte(a >> 8), byte(a), byte(b >> 8), byte(b)}, 0)
			if got := checksum.Combine(a, b); got != want {
				t.Errorf("Combine(%s, %s) = %s, want %s", hex(a), hex(b), hex(got), hex(want))
			}
		}
	}
}
