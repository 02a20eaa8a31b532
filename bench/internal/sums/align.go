package sums

import "unsafe"

// pageOffset returns the index of the first byte of b that begins a page.
func pageOffset(b []byte, page int) int {
	return -int(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) & (page - 1)
}
