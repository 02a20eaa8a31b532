package checksum

import (
	"math/bits"
	"net/netip"
)

// An Accumulator sums data that comes in pieces, as if they were written one
// after the other and summed at once. Pieces may have any length: after an odd
// one, the next begins in the middle of a word, and so do the values that Add16,
// Add32 and AddAddr add.
//
// The zero value is ready. A copy is independent of its original. It implements
// [io.Writer].
type Accumulator struct {
	// sum is congruent to the sum so far, rotated by one byte when odd is set.
	// Values are then added unchanged at either parity.
	//
	// RFC 1071 section 2, (B): swapping the bytes of all words swaps the bytes
	// of the sum; modulo 2^64-1 that is a rotation by 8 bits.
	sum uint64
	odd bool
}

// Write adds p. It returns len(p) and nil, always, and does not keep p.
func (a *Accumulator) Write(p []byte) (n int, err error) {
	a.add(uint64(Sum(p, 0)))
	if len(p)%2 != 0 {
		a.sum = bits.RotateLeft64(a.sum, 8)
		a.odd = !a.odd
	}
	return len(p), nil
}

// Add16 adds the two bytes of v, high byte first.
func (a *Accumulator) Add16(v uint16) { a.add(uint64(v)) }

// Add32 adds the four bytes of v, high byte first.
func (a *Accumulator) Add32(v uint32) { a.add(uint64(v)) }

// AddAddr adds the 4 bytes of an IPv4 address or the 16 bytes of an IPv6 address,
// 4-in-6 included. A zone changes nothing; the zero Addr has no bytes.
func (a *Accumulator) AddAddr(addr netip.Addr) { a.add(addrSum(addr)) }

// Sum16 returns what [Sum] would return for all pieces in a row, not complemented.
// It changes nothing; more may be added afterwards.
func (a *Accumulator) Sum16() uint16 {
	s := fold(a.sum)
	if a.odd {
		return bits.ReverseBytes16(s)
	}
	return s
}

func (a *Accumulator) add(v uint64) { a.sum = add64(a.sum, v) }
