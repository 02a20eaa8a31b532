package checksum_test

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/hextet/hextet/icmp6/checksum"
)

func FuzzSum(f *testing.F) {
	f.Add([]byte(nil), uint16(0), uint8(0))
	f.Add([]byte{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}, uint16(0), uint8(1))
	f.Add(bytes.Repeat([]byte{0xff}, 131), uint16(0xffff), uint8(7))
	f.Fuzz(func(t *testing.T, data []byte, initial uint16, align uint8) {
		b, want := at(data, int(align%64)), slowSum(data, initial)
		everyTier(func(name string) {
			if got := checksum.Sum(b, initial); got != want {
				t.Errorf("%s: got %s, want %s", name, hex(got), hex(want))
			}
		})
		if got := checksum.SumGeneric(b, initial); got != want {
			t.Errorf("portable: got %s, want %s", hex(got), hex(want))
		}
	})
}

func FuzzCopy(f *testing.F) {
	f.Add([]byte("hextet"), uint16(1), uint8(0), uint8(3))
	f.Add(bytes.Repeat([]byte{0xff}, 257), uint16(0xffff), uint8(7), uint8(0))
	f.Add(bytes.Repeat([]byte{0xff, 1}, 8200), uint16(0), uint8(1), uint8(2))
	f.Fuzz(func(t *testing.T, data []byte, initial uint16, from, to uint8) {
		want := slowSum(data, initial)
		everyTier(func(string) { checkCopy(t, at(data, int(from%64)), int(to%64), initial, want) })
	})
}

// FuzzAccumulator takes data apart as cuts says: each byte of it is the kind of
// the next piece and, for a Write, its length.
func FuzzAccumulator(f *testing.F) {
	f.Add([]byte("the pieces of this text begin at odd and even offsets"), []byte{0x13, 0, 0x07, 1, 2, 0x0b, 3})
	f.Add(bytes.Repeat([]byte{0xff}, 99), []byte{0x07, 2, 2, 2, 0x07, 1})
	f.Fuzz(func(t *testing.T, data, cuts []byte) {
		everyTier(func(name string) { checkPieces(t, name, data, cuts) })
	})
}

func checkPieces(t *testing.T, name string, data, cuts []byte) {
	var a checksum.Accumulator
	rest := data
	take := func(n int) []byte {
		p := rest[:n]
		rest = rest[n:]
		return p
	}
	for _, cut := range cuts {
		switch {
		case cut%4 == 0 && len(rest) >= 2:
			a.Add16(binary.BigEndian.Uint16(take(2)))
		case cut%4 == 1 && len(rest) >= 4:
			a.Add32(binary.BigEndian.Uint32(take(4)))
		case cut%4 == 2 && len(rest) >= 16:
			a.AddAddr(netip.AddrFrom16([16]byte(take(16))))
		default:
			a.Write(take(min(int(cut/4), len(rest))))
		}
	}
	a.Write(rest)
	if got, want := a.Sum16(), slowSum(data, 0); got != want {
		t.Errorf("%s: got %s, want %s", name, hex(got), hex(want))
	}
}

func FuzzCombine(f *testing.F) {
	f.Add([]byte{0xff, 0xff, 0, 1, 0xf2}, uint8(1), uint16(0xffff))
	f.Fuzz(func(t *testing.T, data []byte, words uint8, initial uint16) {
		cut := min(2*int(words), len(data)&^1)
		want := slowSum(data, initial)
		everyTier(func(name string) {
			if got := checksum.Combine(checksum.Sum(data[cut:], 0), checksum.Sum(data[:cut], initial)); got != want {
				t.Errorf("%s: cut at %d: got %s, want %s", name, cut, hex(got), hex(want))
			}
		})
	})
}

// FuzzUpdate changes a word of data that begins with one that is not 0, as a
// pseudo-header does.
func FuzzUpdate(f *testing.F) {
	f.Add([]byte{0x45, 0, 0x55, 0x55}, uint8(0), uint16(0x3285), uint16(1))
	f.Fuzz(func(t *testing.T, data []byte, word uint8, changed, first uint16) {
		data = data[:len(data)&^1]
		if len(data) == 0 || first == 0 {
			return
		}
		i := 2 * int(word) % len(data)
		before := ^slowSum(data, first)
		old := binary.BigEndian.Uint16(data[i:])
		data = bytes.Clone(data)
		binary.BigEndian.PutUint16(data[i:], changed)
		if got, want := checksum.Update(before, old, changed), ^slowSum(data, first); got != want {
			t.Errorf("word at %d: got %s, want %s", i, hex(got), hex(want))
		}
	})
}

func FuzzPseudoHeader(f *testing.F) {
	f.Add(bytes.Repeat([]byte{0xff}, 32), uint8(255), uint32(1<<32-1))
	f.Add([]byte{192, 0, 2, 1, 192, 0, 2, 2}, uint8(17), uint32(65535))
	f.Fuzz(func(t *testing.T, addrs []byte, proto uint8, length uint32) {
		src, ok := netip.AddrFromSlice(addrs[:len(addrs)/2])
		dst, ok2 := netip.AddrFromSlice(addrs[len(addrs)/2:])
		if !ok || !ok2 || src.Is4() && length > 65535 {
			return
		}
		if got, want := checksum.PseudoHeader(src, dst, proto, length), slowPseudo(src, dst, proto, length); got != want {
			t.Errorf("%s > %s, protocol %d, length %d: got %s, want %s", src, dst, proto, length, hex(got), hex(want))
		}
	})
}
