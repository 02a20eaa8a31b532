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
