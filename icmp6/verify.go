package icmp6

import (
	"fmt"
	"net/netip"

	"github.com/hextet/hextet/icmp6/checksum"
)

// Verify reports whether the checksum at the offset of a received packet is right:
// nil, or ErrChecksum with the value found and the value due. On [Disabled] it is
// nil too, except for ICMPv6: that is ErrMandatory. A packet too short for the field
// is ErrShort, so it is dropped too: it has no checksum that could be right. Other
// errors are those of [Offset.Fill].
//
// Packets arrive at any rate and errors cost an allocation; a receive path that
// only counts may use [Valid], which makes none.
func (o Offset) Verify(src, dst netip.Addr, proto uint8, payload []byte) error {
	if o < 0 {
		return o.disabled(proto)
	}
	if err := o.checkPacket(src, dst, proto, len(payload)); err != nil {
		return err
	}
	found := join(payload[o], payload[o+1])
	sum, good := o.verify(src, dst, proto, payload)
	if !good {
		return fmt.Errorf("%w: protocol %d, %d bytes, %#04x at offset %d, due %#04x",
			ErrChecksum, proto, len(payload), found, int(o), complete(sum, found, proto))
	}
	return nil
}

// Valid reports whether msg is an ICMPv6 message with a right checksum, from src to
// dst. It is false for whatever [Offset.Verify] would refuse, and never allocates.
func Valid(src, dst netip.Addr, msg []byte) bool {
	if !src.Is6() || !dst.Is6() || len(msg) < ChecksumOffset+fieldLen || len(msg) > maxPayload {
		return false
	}
	_, good := Offset(ChecksumOffset).verify(src, dst, Protocol, msg)
	return good
}

// verify returns the sum of a packet that checkPacket has passed, and whether its
// checksum is right.
func (o Offset) verify(src, dst netip.Addr, proto uint8, payload []byte) (sum uint16, good bool) {
	sum = checksum.PseudoHeader(src, dst, proto, uint32(len(payload)))
	sum = checksum.Sum(payload, sum)
	if proto == udp && payload[o] == 0 && payload[o+1] == 0 {
		// RFC 8200 section 8.1: "IPv6 receivers must discard UDP packets
		// containing a zero checksum and should log the error."
		return sum, false
	}
	return sum, sum == 0xffff
}
