package checksum_test

import (
	"bytes"
	"testing"

	"github.com/hextet/hextet/icmp6/checksum"
)

func TestCopyEveryLengthAndAlignment(t *testing.T) {
	longest, alignments := 1300, 16 // past the lengths at which the methods change
	if brief() {
		longest, alignments = 600, 4
	}
	for _, p := range patterns {
		data := make([]byte, longest)
		p.fill(data)
		want := slowPrefixes(data, 0x1234)
		eachTier(t, func(t *testing.T) {
			for n := range longest + 1 {
				for align := range alignments {
					checkCopy(t, at(data[:n], align), n+align, 0x1234, want[n])
				}
			}
		})
	}
}

func TestCopyLarge(t *testing.T) { eachTier(t, copyLarge) }

func copyLarge(t *testing.T) {
	data := make([]byte, 1<<18+3)
	random(data, 4)
	for _, n := range []int{1500, 8191, 8192, 8193, 9000, 16384, 16389, 65535, 65536, 1 << 18, 1<<18 + 3} {
		checkCopy(t, at(data[:n], 1), 3, 0xffff, slowSum(data[:n], 0xffff))
		fill(data[:n], 0xff)
		checkCopy(t, data[:n], 0, 0, slowSum(data[:n], 0))
		random(data, uint64(n))
	}
}

// checkCopy copies src to a destination with room on both sides, and looks at the
// sum, the copy and the bytes around it.
func checkCopy(t *testing.T, src []byte, dstOffset int, initial, want uint16) {
	t.Helper()
	const junk = 0x5a
	before := bytes.Clone(src)
	buf := make([]byte, dstOffset+len(src)+32)
	fill(buf, junk)
	dst := buf[dstOffset:] // longer than src

	if got := checksum.Copy(dst, src, initial); got != want {
		t.Fatalf("%d bytes: got %s, want %s", len(src), hex(got), hex(want))
	}
	if !bytes.Equal(dst[:len(src)], before) {
		t.Fatalf("%d bytes: the copy differs", len(src))
	}
	if !bytes.Equal(src, before) {
		t.Fatalf("%d bytes: the source has changed", len(src))
	}
	for i, v := range buf {
		if outside := i < dstOffset || i >= dstOffset+len(src); outside && v != junk {
			t.Fatalf("%d bytes: wrote at %d, outside the copy", len(src), i-dstOffset)
		}
	}
}

func TestCopyOntoItself(t *testing.T) { eachTier(t, copyOntoItself) }

func copyOntoItself(t *testing.T) {
	for _, n := range []int{0, 1, 7, 8, 13, 64, 65, 100, 255, 256, 257, 320, 511, 512, 1500, 10000, 65536, 100_001} {
		b := make([]byte, n)
		random(b, uint64(n))
		want, kept := slowSum(b, 0), bytes.Clone(b)
		if got := checksum.Copy(b, b, 0); got != want || !bytes.Equal(b, kept) {
			t.Errorf("%d bytes: got %s, want %s; data kept: %t", n, hex(got), hex(want), bytes.Equal(b, kept))
		}
	}
}

func TestCopyRefusesShortDestination(t *testing.T) {
	dst := make([]byte, 9, 100) // the capacity must not count
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
		if !bytes.Equal(dst, make([]byte, 9)) {
			t.Errorf("wrote %x before it panicked", dst)
		}
	}()
	checksum.Copy(dst, []byte("ten bytes!"), 0)
}
