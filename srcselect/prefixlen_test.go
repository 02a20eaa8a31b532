package srcselect

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
)

func TestCommonPrefixLen(t *testing.T) {
	for _, c := range []struct {
		src, dst string
		want     int
	}{
		{"2001:db8::1/64", "2001:db8::1", 64},
		{"2001:db8::1/128", "2001:db8::1", 128},
		{"2001:db8::1/128", "2001:db8::3", 126},
		{"2001:db8::1/0", "2001:db8::1", 0},
		{"2001:db8::1/48", "2001:db9::1", 31},
		{"2001:db8::1/64", "2001:db8::1%eth0", 64},
		{"192.0.2.1/24", "192.0.2.1", 24},
		{"192.0.2.1/32", "192.0.2.3", 30},
		{"192.0.2.1/32", "::ffff:192.0.2.3", 30},
		{"::ffff:192.0.2.1/120", "192.0.2.3", 24},
		{"::ffff:192.0.2.1/95", "192.0.2.3", 0}, // no IPv4 prefix
		{"192.0.2.1/24", "2001:db8::1", 0},
		{"::1/64", "0.0.0.1", 0},
	} {
		if got := CommonPrefixLen(netip.MustParsePrefix(c.src), netip.MustParseAddr(c.dst)); got != c.want {
			t.Errorf("CommonPrefixLen(%s, %s) = %d, want %d", c.src, c.dst, got, c.want)
		}
	}
	if got := CommonPrefixLen(netip.Prefix{}, netip.MustParseAddr("::1")); got != 0 {
		t.Errorf("of the zero Prefix: %d", got)
	}
	if got := CommonPrefixLen(netip.MustParsePrefix("::/0"), netip.Addr{}); got != 0 {
		t.Errorf("of the zero Addr: %d", got)
	}
}

// Every first differing bit, every own length, against strings of bits.
func TestCommonPrefixLenExhaustively(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{4, 16} {
		for differ := range size*8 + 1 {
			s := make([]byte, size)
			for i := range s {
				s[i] = byte(random.Uint32())
			}
			d := append([]byte(nil), s...)
			if differ < size*8 {
				d[differ/8] ^= 0x80 >> (differ % 8)
				for i := differ/8 + 1; i < size; i++ {
					d[i] = byte(random.Uint32())
				}
			}
			S, _ := netip.AddrFromSlice(s)
			D, _ := netip.AddrFromSlice(d)
			sBits, dBits := bitString(s), bitString(d)
			for length := range size*8 + 1 {
				want := 0
				for want < length && sBits[want] == dBits[want] {
					want++
				}
				if got := CommonPrefixLen(netip.PrefixFrom(S, length), D); got != want {
					t.Fatalf("CommonPrefixLen(%v/%d, %v) = %d, want %d", S, length, D, got, want)
				}
			}
		}
	}
}

func bitString(b []byte) string {
	var s strings.Builder
	for _, x := range b {
		fmt.Fprintf(&s, "%08b", x)
	}
	return s.String()
}

func TestMask128(t *testing.T) {
	for n := range 129 {
		p := netip.PrefixFrom(netip.MustParseAddr("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), n)
		if got, want := mask128(n), word128(p.Masked().Addr()); got != want {
			t.Errorf("mask128(%d) = %x, want %x", n, got, want)
		}
	}
}
