package stack_test

import (
	"net/netip"

	"github.com/hextet/hextet/icmp6"
)

// ndpPacket returns an ICMPv6 message, whose checksum it fills in, as an IPv6 packet with hop limit 255.
func ndpPacket(src, dst netip.Addr, msg []byte) []byte {
	if err := icmp6.SetChecksum(src, dst, msg); err != nil {
		panic(err)
	}
	from, to := src.As16(), dst.As16()
	pkt := []byte{0x60, 0, 0, 0, byte(len(msg) >> 8), byte(len(msg)), 58, 255}
	return append(append(append(pkt, from[:]...), to[:]...), msg...)
}
