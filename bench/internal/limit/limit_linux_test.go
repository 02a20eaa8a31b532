package limit

import (
	"testing"

	"golang.org/x/sys/unix"
)

// Loads with an inaccessible page on either side of its bytes.
func TestLoadsBetweenGuardPages(t *testing.T) {
	if !Available() {
		t.Skip("SKIP(cpu): Loads needs AVX2")
	}
	const page = 1 << 12
	m, err := unix.Mmap(-1, 0, 3*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(m)
	for _, guard := range [][]byte{m[:page], m[2*page:]} {
		if err := unix.Mprotect(guard, unix.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	for n := range page + 1 {
		Loads(m[page : page+n])
		Loads(m[2*page-n : 2*page])
	}
}
