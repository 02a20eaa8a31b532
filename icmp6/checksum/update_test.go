package checksum_test

import (
	"testing"

	"github.com/hextet/hextet/icmp6/checksum"
)

// RFC 1624 section 4: HC = DD2F, m = 5555, m' = 3285; the new checksum is 0000,
// where equation 2 would have given FFFF.
func TestUpdateRFC1624Example(t *testing.T) {
	if got := checksum.Update(0xdd2f, 0x5555, 0x3285); got != 0 {
		t.Errorf("got %s, want 0x0000", hex(got))
	}
}

// Update agrees with a new computation for every change of a word, next to every
// sum of the rest at which carries or zeros happen. The rest is never all zero:
// no checksum with a pseudo-header covers only zeros.
func TestUpdateEqualsRecompute(t *testing.T) {
	words := []uint16{0, 1, 2, 0x00ff, 0x0100, 0x1234, 0x5555, 0x7fff, 0x8000, 0x8001, 0xaaaa, 0xedcb, 0xff00, 0xfffe, 0xffff}
	for rest := 1; rest <= 0xffff; rest += 1 {
		if rest > 300 && rest < 0xff00 && rest%251 != 0 {
			continue
		}
		for _, m := range words {
			field := ^slowSum([]byte{byte(m >> 8), byte(m)}, uint16(rest))
			for _, m2 := range words {
				want := ^slowSum([]byte{byte(m2 >> 8), byte(m2)}, uint16(rest))
				if got := checksum.Update(field, m, m2); got != want {
					t.Fatalf("rest %s, %s -> %s: got %s, want %s", hex(uint16(rest)), hex(m), hex(m2), hex(got), hex(want))
				}
			}
		}
	}
}

func TestUpdateEveryWordOfAPacket(t *testing.T) {
	b := make([]byte, 80)
	random(b, 9)
	for i := 0; i < len(b); i += 2 {
		before := ^slowSum(b, 0x00d7)
		old := uint16(b[i])<<8 | uint16(b[i+1])
		b[i], b[i+1] = b[i+1]^0x5a, b[i]
		changed := uint16(b[i])<<8 | uint16(b[i+1])
		if got, want := checksum.Update(before, old, changed), ^slowSum(b, 0x00d7); got != want {
			t.Errorf("word at %d: got %s, want %s", i, hex(got), hex(want))
		}
	}
}
