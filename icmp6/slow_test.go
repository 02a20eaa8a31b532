package icmp6_test

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
)

var (
	host1 = netip.MustParseAddr("2001:db8::1")
	host2 = netip.MustParseAddr("2001:db8::2")
)

// slowChecksum is the twin of Fill: it draws the pseudo-header of RFC 8200 section
// 8.1 in front of a copy of the payload, clears the field, and adds word by word.
func slowChecksum(src, dst netip.Addr, proto uint8, payload []byte, offset int) uint16 {
	b := append(src.AsSlice(), dst.AsSlice()...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(payload)))
	b = append(b, 0, 0, 0, proto)
	field := len(b) + offset
	b = append(b, payload...)
	b[field], b[field+1] = 0, 0

	sum := 0
	for i := range b {
		if i%2 == 0 {
			sum += int(b[i]) << 8
		} else {
			sum += int(b[i])
		}
		if sum > 0xffff {
			sum -= 0xffff
		}
	}
	if sum == 0xffff && proto == 17 {
		return 0xffff
	}
	return ^uint16(sum)
}

func random(b []byte, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 0))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
}

func fieldOf(payload []byte, offset int) uint16 {
	return binary.BigEndian.Uint16(payload[offset:])
}
