package checksum_test

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/hextet/hextet/icmp6/checksum"
)

// slowPseudo lays the pseudo-header out as the RFC draws it, and sums it.
func slowPseudo(src, dst netip.Addr, proto uint8, length uint32) uint16 {
	b := append(src.AsSlice(), dst.AsSlice()...)
	if src.Is4() {
		b = append(b, 0, proto) // RFC 768
		b = binary.BigEndian.AppendUint16(b, uint16(length))
	} else {
		b = binary.BigEndian.AppendUint32(b, length) // RFC 8200 section 8.1
		b = append(b, 0, 0, 0, proto)
	}
	return slowSum(b, 0)
}

func TestPseudoHeader(t *testing.T) {
	for _, tt := range []struct {
		name     string
		src, dst string
		proto    uint8
		length   uint32
	}{
		{"IPv6", "2001:db8::1", "2001:db8::2", 58, 64},
		{"IPv6, protocol and length 0", "::", "::", 0, 0},
		{"IPv6, largest", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 255, 65535},
		{"IPv6, length of 17 bits", "fe80::1", "ff02::1", 58, 0x1_0001},
		{"IPv6, length of 32 bits", "fe80::1", "ff02::1", 58, 0xffff_ffff},
		{"IPv6, unspecified source", "::", "ff02::1:ff00:2", 58, 24},
		{"4-in-6", "::ffff:192.0.2.1", "::ffff:192.0.2.2", 17, 8},
		{"IPv4", "192.0.2.1", "192.0.2.2", 17, 8},
		{"IPv4, largest", "255.255.255.255", "255.255.255.255", 255, 65535},
		{"IPv4, zeros", "0.0.0.0", "0.0.0.0", 0, 0},
	} {
		src, dst := netip.MustParseAddr(tt.src), netip.MustParseAddr(tt.dst)
		got, want := checksum.PseudoHeader(src, dst, tt.proto, tt.length), slowPseudo(src, dst, tt.proto, tt.length)
		if got != want {
			t.Errorf("%s: got %s, want %s", tt.name, hex(got), hex(want))
		}
	}
}

func TestPseudoHeaderRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(10, 0))
	for range 10_000 {
		src, dst := randomAddr(r), randomAddr(r)
		if src.Is4() != dst.Is4() {
			continue
		}
		proto, length := uint8(r.Uint32()), r.Uint32N(65536)
		got, want := checksum.PseudoHeader(src, dst, proto, length), slowPseudo(src, dst, proto, length)
		if got != want {
			t.Fatalf("%s > %s, protocol %d, length %d: got %s, want %s", src, dst, proto, length, hex(got), hex(want))
		}
	}
}

func TestPseudoHeaderIgnoresZones(t *testing.T) {
	src, dst := netip.MustParseAddr("fe80::1"), netip.MustParseAddr("fe80::2")
	want := slowPseudo(src, dst, 58, 8)
	if got := checksum.PseudoHeader(src.WithZone("eth0"), dst.WithZone("7"), 58, 8); got != want {
		t.Errorf("got %s, want %s", hex(got), hex(want))
	}
}

// Such addresses have no right answer, but they must not panic.
func TestPseudoHeaderOfNoPacket(t *testing.T) {
	v4, v6 := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	for _, pair := range [][2]netip.Addr{{v4, v6}, {v6, v4}, {{}, v6}, {v4, {}}, {{}, {}}} {
		want := slowSum(append(pair[0].AsSlice(), pair[1].AsSlice()...), 58+8)
		if got := checksum.PseudoHeader(pair[0], pair[1], 58, 8); got != want {
			t.Errorf("%v: got %s, want the bytes' sum %s", pair, hex(got), hex(want))
		}
	}
}
