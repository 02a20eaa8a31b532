package checksum_test

import (
	"bytes"
	"syscall"
	"testing"

	"github.com/hextet/hextet/icmp6/checksum"
)

// guarded returns memory of whole pages between two pages that cannot be touched.
func guarded(t testing.TB, pages int) []byte {
	t.Helper()
	page := syscall.Getpagesize()
	m, err := syscall.Mmap(-1, 0, (pages+2)*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Munmap(m) })
	for _, guard := range [][]byte{m[:page], m[(pages+1)*page:]} {
		if err := syscall.Mprotect(guard, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	return m[page : (pages+1)*page]
}

// No load and no store leaves the slice for a page that is not there.
func TestGuardPages(t *testing.T) {
	src, dst := guarded(t, 2), guarded(t, 2)
	random(src, 20)
	lengths := len(src)
	if brief() {
		lengths = 1200
	}
	eachTier(t, func(t *testing.T) {
		for n := range lengths + 1 {
			first, last := src[:n], src[len(src)-n:]
			for _, b := range [][]byte{first, last} {
				want := slowSum(b, 1)
				if got := checksum.Sum(b, 1); got != want {
					t.Fatalf("Sum of %d bytes: got %s, want %s", n, hex(got), hex(want))
				}
				for _, to := range [][]byte{dst[:n], dst[len(dst)-n:]} {
					if got := checksum.Copy(to, b, 1); got != want || !bytes.Equal(to, b) {
						t.Fatalf("Copy of %d bytes: got %s, want %s; copy equal: %t", n, hex(got), hex(want), bytes.Equal(to, b))
					}
				}
			}
		}
	})
}

// Data that ends with its page, beside another page of data and beside one that is
// not there.
func BenchmarkSumAtGuardPage(b *testing.B) {
	m := guarded(b, 2)
	random(m, 1)
	for _, n := range []int{8, 20, 40, 64, 100, 1500} {
		for _, place := range []struct {
			name string
			page []byte
		}{{"inside", m[:len(m)/2]}, {"guard", m}} {
			data := place.page[len(place.page)-n:]
			b.Run(sizeName(n)+"/"+place.name, func(b *testing.B) {
				for b.Loop() {
					sink += checksum.Sum(data, 0)
				}
			})
		}
	}
}
