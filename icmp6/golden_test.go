package icmp6_test

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"

	"github.com/hextet/hextet/icmp6"
)

// Upper-layer packets, with right checksums, by scapy 2.5.0: bytes(p)[40:].hex() of
// the p in front of each.
var golden = []struct {
	name     string
	src, dst string
	proto    uint8
	offset   icmp6.Offset
	packet   string
}{
	// IPv6(src="2001:db8::1",dst="2001:db8::2")/ICMPv6EchoRequest(id=0x1234,seq=1,data=b"hextet!")
	{"echo request, odd length", "2001:db8::1", "2001:db8::2", 58, 2,
		"80 00 aabd 1234 0001 68657874657421"},
	// The same, with data=b"\x12\x11": the computed checksum is 0, and stays.
	{"echo request, checksum 0", "2001:db8::1", "2001:db8::2", 58, 2,
		"80 00 0000 1234 0001 1211"},
	// IPv6(src="::",dst="ff02::1:ff00:2",hlim=255)/ICMPv6ND_NS(tgt="fe80::2")
	{"neighbour solicitation, duplicate address detection", "::", "ff02::1:ff00:2", 58, 2,
		"87 00 7c23 00000000 fe800000000000000000000000000002"},
	// IPv6(src="fe80::1",dst="ff02::1:ff00:2",hlim=255)/ICMPv6ND_NS(tgt="fe80::2")/ICMPv6NDOptSrcLLAddr(lladdr="02:00:00:00:00:01")
	{"neighbour solicitation with source link-layer address", "fe80::1%eth0", "ff02::1:ff00:2%eth0", 58, 2,
		"87 00 7a97 00000000 fe800000000000000000000000000002 01 01 020000000001"},
	// IPv6(src="2001:db8::1",dst="2001:db8::2")/UDP(sport=5353,dport=53)/b"\x8f\x47"
	{"UDP, computed checksum 0", "2001:db8::1", "2001:db8::2", 17, 6,
		"14e9 0035 000a ffff 8f47"},
	// IPv6(src="2001:db8::1",dst="2001:db8::2")/MIP6MH_BRR()
	{"mobility header", "2001:db8::1", "2001:db8::2", 135, 4,
		"3b 00 00 00 68fb 0000"},
	// IPv6(src="2001:db8::1",dst="2001:db8::99")/IPv6ExtHdrSegmentRouting(addresses=["2001:db8::2","2001:db8::99"],segleft=1)/
	// ICMPv6EchoRequest(id=0x1234,seq=1,data=b"hextet!"), from byte 80: the destination that counts is the final one.
	{"echo request behind a routing header", "2001:db8::1", "2001:db8::2", 58, 2,
		"80 00 aabd 1234 0001 68657874657421"},
}

func TestGolden(t *testing.T) {
	for _, tt := range golden {
		t.Run(tt.name, func(t *testing.T) {
			want, err := hex.DecodeString(strings.ReplaceAll(tt.packet, " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			src, dst := netip.MustParseAddr(tt.src), netip.MustParseAddr(tt.dst)

			if err := tt.offset.Verify(src, dst, tt.proto, want); err != nil {
				t.Errorf("Verify: %v", err)
			}
			for _, stale := range []uint16{0, 0xffff, 0xdead, 0x0001, 0x8000} {
				got := bytes.Clone(want)
				got[tt.offset], got[tt.offset+1] = byte(stale>>8), byte(stale)
				if err := tt.offset.Fill(src, dst, tt.proto, got); err != nil {
					t.Fatalf("Fill: %v", err)
				}
				if !bytes.Equal(got, want) {
					t.Errorf("Fill over %#04x:\n got %x\nwant %x", stale, got, want)
				}
			}
			if tt.proto != icmp6.Protocol {
				return
			}
			if !icmp6.Valid(src, dst, want) {
				t.Error("Valid = false")
			}
			got := bytes.Clone(want)
			got[2], got[3] = 0, 0
			if err := icmp6.SetChecksum(src, dst, got); err != nil || !bytes.Equal(got, want) {
				t.Errorf("SetChecksum: %v\n got %x\nwant %x", err, got, want)
			}
		})
	}
}
