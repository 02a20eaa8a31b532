package icmp6

import (
	"fmt"
	"net/netip"

	"github.com/hextet/hextet/icmp6/checksum"
)

// Fill computes the checksum of payload, which is to be sent from src to dst, and
// stores it at the offset. What the field held before does not matter: it counts
// as zero. On [Disabled] Fill does nothing, except for ICMPv6, whose checksum can't
// be disabled: that is ErrMandatory.
//
// proto is the protocol number of payload; for UDP (17) a computed 0 is stored as
// 0xffff. dst is the final destination if there is a Routing header. payload
// begins after the IPv6 header and its extension headers.
//
// Errors are ErrFamily, ErrShort, ErrJumbo, and for any other Offset that NewOffset
// would have refused, NewOffset's. With an error, payload is unchanged.
func (o Offset) Fill(src, dst netip.Addr, proto uint8, payload []byte) error {
	if o < 0 {
		return o.disabled(proto)
	}
	if err := o.checkPacket(src, dst, proto, len(payload)); err != nil {
		return err
	}
	sum := checksum.PseudoHeader(src, dst, proto, uint32(len(payload)))
	sum = checksum.Sum(payload, sum)

	field := payload[o : o+fieldLen]
	field[0], field[1] = split(complete(sum, join(field[0], field[1]), proto))
	return nil
}

// FillBuffers is [Offset.Fill] for a payload in pieces, as if they were one. Pieces
// may be empty or of odd length, and the field may straddle them. They must not
// overlap.
func (o Offset) FillBuffers(src, dst netip.Addr, proto uint8, payload [][]byte) error {
	if o < 0 {
		return o.disabled(proto)
	}
	var hi, lo *byte // the field
	n := 0
	for _, p := range payload {
		if i := int(o) - n; 0 <= i && i < len(p) {
			hi = &p[i]
		}
		if i := int(o) + 1 - n; 0 <= i && i < len(p) {
			lo = &p[i]
		}
		n += len(p)
	}
	if err := o.checkPacket(src, dst, proto, n); err != nil {
		return err
	}

	var acc checksum.Accumulator
	acc.Add16(checksum.PseudoHeader(src, dst, proto, uint32(n)))
	for _, p := range payload {
		acc.Write(p)
	}
	*hi, *lo = split(complete(acc.Sum16(), join(*hi, *lo), proto))
	return nil
}

// SetChecksum computes the checksum of an ICMPv6 message from src to dst and
// stores it in the message. It is [Offset.Fill] for [Protocol].
func SetChecksum(src, dst netip.Addr, msg []byte) error {
	return Offset(ChecksumOffset).Fill(src, dst, Protocol, msg)
}

// complete returns the value for the checksum field of a packet whose sum,
// pseudo-header included, was taken while the field still held old.
func complete(sum, old uint16, proto uint8) uint16 {
	// Adding the complement takes old out again. Neither side can be the other
	// zero by that: a pseudo-header makes every sum at least 1.
	field := ^checksum.Combine(sum, ^old)
	if field == 0 && proto == udp {
		// RFC 8200 section 8.1: "if that computation yields a result of zero, it
		// must be changed to hex FFFF for placement in the UDP header."
		return 0xffff
	}
	return field
}

// checkPacket reports why a packet of n bytes can't have a checksum at o, which is
// not negative.
func (o Offset) checkPacket(src, dst netip.Addr, proto uint8, n int) error {
	if err := o.check(proto); err != nil {
		return err
	}
	switch {
	case !src.Is6() || !dst.Is6():
		return fmt.Errorf("%w: source %v, destination %v", ErrFamily, src, dst)
	case n < int(o)+fieldLen:
		return fmt.Errorf("%w: %d bytes, field at offset %d", ErrShort, n, int(o))
	case n > maxPayload:
		return fmt.Errorf("%w: %d bytes", ErrJumbo, n)
	}
	return nil
}

func join(hi, lo byte) uint16      { return uint16(hi)<<8 | uint16(lo) }
func split(v uint16) (hi, lo byte) { return byte(v >> 8), byte(v) }
