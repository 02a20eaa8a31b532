package conformance

import (
	"encoding/binary"
	"net/netip"
)

const udp = 17 // protocol number of UDP

// sum is RFC 1071 as a schoolbook has it, over the pseudo-header of RFC 8200 section 8.1 and msg. It
// judges others' checksums and is therefore nobody else's code. A message with a right checksum sums
// up to 0xffff.
func sum(src, dst netip.Addr, proto uint8, msg []byte) uint16 {
	s, d := src.As16(), dst.As16()
	b := append(s[:], d[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(msg)))
	b = append(b, 0, 0, 0, proto)
	b = append(b, msg...)
	if len(b)%2 == 1 {
		b = append(b, 0)
	}
	var total uint64
	for i := 0; i < len(b); i += 2 {
		total += uint64(b[i])<<8 | uint64(b[i+1])
	}
	for total > 0xffff {
		total = total>>16 + total&0xffff
	}
	return uint16(total)
}

// sealed returns msg with the checksum at offset that is right from src to dst, whatever was there.
//
// RFC 8200 section 8.1, of UDP: "if that computation yields a result of zero, it must be changed to
// hex FFFF for placement in the UDP header."
func sealed(src, dst netip.Addr, proto uint8, offset int, msg []byte) []byte {
	out := append([]byte(nil), msg...)
	field := out[offset : offset+2]
	field[0], field[1] = 0, 0
	c := ^sum(src, dst, proto, out)
	if c == 0 && proto == udp {
		c = 0xffff
	}
	binary.BigEndian.PutUint16(field, c)
	return out
}

// balanced returns msg with the two bytes at the even offset at such that the checksum at offset
// comes to 0.
func balanced(src, dst netip.Addr, proto uint8, offset, at int, msg []byte) []byte {
	out := append([]byte(nil), msg...)
	out[offset], out[offset+1] = 0, 0
	out[at], out[at+1] = 0, 0
	binary.BigEndian.PutUint16(out[at:], ^sum(src, dst, proto, out))
	return out
}
