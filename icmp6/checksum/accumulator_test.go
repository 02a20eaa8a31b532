package checksum_test

import (
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/hextet/hextet/icmp6/checksum"
)

var _ io.Writer = (*checksum.Accumulator)(nil)

// Whatever is added, in pieces of whatever kind and length, the result is the sum
// of the bytes in a row.
func TestAccumulatorRandomPieces(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 0))
	for round := range 20_000 {
		var a checksum.Accumulator
		var flat []byte
		for range r.IntN(12) {
			switch r.IntN(6) {
			case 0:
				v := uint16(r.Uint32())
				a.Add16(v)
				flat = binary.BigEndian.AppendUint16(flat, v)
			case 1:
				v := r.Uint32()
				a.Add32(v)
				flat = binary.BigEndian.AppendUint32(flat, v)
			case 2:
				addr := randomAddr(r)
				a.AddAddr(addr)
				flat = append(flat, addr.AsSlice()...)
			case 3:
				a.Write(nil)
			default:
				p := make([]byte, r.IntN(70))
				fill(p, 0xff)
				if r.IntN(2) == 0 {
					random(p, r.Uint64())
				}
				a.Write(p)
				flat = append(flat, p...)
			}
			if got, want := a.Sum16(), slowSum(flat, 0); got != want {
				t.Fatalf("round %d, after %d bytes: got %s, want %s", round, len(flat), hex(got), hex(want))
			}
		}
	}
}

func randomAddr(r *rand.Rand) netip.Addr {
	var b [16]byte
	random(b[:], r.Uint64())
	switch r.IntN(4) {
	case 0:
		return netip.AddrFrom4([4]byte(b[:]))
	case 1: // 4-in-6
		copy(b[:], []byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff})
		return netip.AddrFrom16(b)
	case 2:
		return netip.AddrFrom16(b).WithZone("eth0")
	}
	return netip.AddrFrom16(b)
}

// Pieces that begin at even offsets add up to the same in any order.
func TestAccumulatorOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 0))
	data := make([]byte, 512)
	random(data, 7)
	want := slowSum(data, 0)
	for range 500 {
		var pieces [][]byte
		for rest := data; len(rest) > 0; {
			n := min(2*(1+r.IntN(40)), len(rest))
			pieces = append(pieces, rest[:n])
			rest = rest[n:]
		}
		r.Shuffle(len(pieces), func(i, j int) { pieces[i], pieces[j] = pieces[j], pieces[i] })
		var a checksum.Accumulator
		for _, p := range pieces {
			a.Write(p)
		}
		if got := a.Sum16(); got != want {
			t.Fatalf("%d pieces: got %s, want %s", len(pieces), hex(got), hex(want))
		}
	}
}

func TestAccumulatorByteByByte(t *testing.T) {
	data := make([]byte, 1001)
	random(data, 8)
	var a checksum.Accumulator
	for i := range data {
		if n, err := a.Write(data[i : i+1]); n != 1 || err != nil {
			t.Fatalf("Write = %d, %v", n, err)
		}
		if got, want := a.Sum16(), slowSum(data[:i+1], 0); got != want {
			t.Fatalf("after %d bytes: got %s, want %s", i+1, hex(got), hex(want))
		}
	}
}

// The carries of additions from registers go round too.
func TestAccumulatorManyOnes(t *testing.T) {
	ones := netip.AddrFrom16([16]byte{0: 0xff, 1: 0xff, 2: 0xff, 3: 0xff, 4: 0xff, 5: 0xff, 6: 0xff, 7: 0xff,
		8: 0xff, 9: 0xff, 10: 0xff, 11: 0xff, 12: 0xff, 13: 0xff, 14: 0xff, 15: 0xff})
	for _, odd := range []bool{false, true} {
		var a checksum.Accumulator
		var flat []byte
		if odd {
			a.Write([]byte{1})
			flat = append(flat, 1)
		}
		for range 1000 {
			a.AddAddr(ones)
			a.Add32(0xffffffff)
			a.Add16(0xffff)
		}
		rest := make([]byte, 1000*22)
		fill(rest, 0xff)
		flat = append(flat, rest...)
		if got, want := a.Sum16(), slowSum(flat, 0); got != want {
			t.Errorf("odd start %t: got %s, want %s", odd, hex(got), hex(want))
		}
	}
}

func TestAccumulatorZeroValueAndCopy(t *testing.T) {
	var a checksum.Accumulator
	if got := a.Sum16(); got != 0 {
		t.Errorf("zero value: got %s, want 0", hex(got))
	}
	a.AddAddr(netip.Addr{})
	if got := a.Sum16(); got != 0 {
		t.Errorf("zero Addr added %s", hex(got))
	}
	a.Write([]byte{0xab})
	saved := a
	a.Add16(0x1234)
	if got := saved.Sum16(); got != 0xab00 {
		t.Errorf("copy: got %s, want 0xab00", hex(got))
	}
	if got := a.Sum16(); got != slowSum([]byte{0xab, 0x12, 0x34}, 0) {
		t.Errorf("original: got %s", hex(got))
	}
}
