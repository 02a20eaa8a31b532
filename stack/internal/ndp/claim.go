package ndp

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"

	"github.com/hextet/hextet/icmp6"
)

// Claim is another station's word that an address is its own, or is about to be.
type Claim struct {
	Target netip.Addr
	Nonce  []byte // of a probe: who sent it knows it again (RFC 7527 section 4.1); nil: it has none
}

const neighborLen = 24 // of a Neighbor Solicitation or Advertisement before its options

// ParseClaim returns the claim in an IPv6 packet's payload: what a Neighbor Advertisement says, or a
// Neighbor Solicitation that is a probe of duplicate address detection (RFC 4862 sections 5.4.3 and 5.4.4).
// An error says why it is none: RFC 4861 sections 7.1.1 and 7.1.2 ask for
//
//   - The IP Hop Limit field has a value of 255.
//   - ICMP Checksum is valid.
//   - ICMP Code is 0.
//   - ICMP length (derived from the IP length) is 24 or more octets.
//   - Target Address is not a multicast address.
//   - All included options have a length that is greater than zero.
//
// and each for more.
func ParseClaim(src, dst netip.Addr, hopLimit int, msg []byte) (Claim, error) {
	switch {
	case hopLimit != 255:
		return Claim{}, fmt.Errorf("the hop limit is %d, not 255", hopLimit)
	case len(msg) < neighborLen:
		return Claim{}, fmt.Errorf("%d bytes, less than %d", len(msg), neighborLen)
	case msg[0] != TypeNeighborSolicitation && msg[0] != TypeNeighborAdvertisement || msg[1] != 0:
		return Claim{}, fmt.Errorf("type %d, code %d", msg[0], msg[1])
	case !icmp6.Valid(src, dst, msg):
		return Claim{}, errors.New("the checksum is wrong")
	}
	c := Claim{Target: netip.AddrFrom16([16]byte(msg[8:]))}
	if c.Target.IsMulticast() {
		return Claim{}, fmt.Errorf("the target %v is a group", c.Target)
	}
	if msg[0] == TypeNeighborAdvertisement {
		return c, advertises(dst, msg)
	}
	return c, c.probes(src, dst, msg)
}

// advertises makes the checks of an advertisement. RFC 4861 section 7.1.2: "If the IP Destination Address
// is a multicast address the Solicited flag is zero."
func advertises(dst netip.Addr, msg []byte) error {
	if dst.IsMulticast() && msg[4]&0x40 != 0 {
		return errors.New("solicited, and to a group")
	}
	return options(msg[neighborLen:], func([]byte) {})
}

// probes makes the checks of a probe. RFC 4861 section 7.1.1:
//
//   - If the IP source address is the unspecified address, the IP destination address is a solicited-node
//     multicast address.
//   - If the IP source address is the unspecified address, there is no source link-layer address option in
//     the message.
func (c *Claim) probes(src, dst netip.Addr, msg []byte) error {
	switch {
	case !src.IsUnspecified():
		return errors.New("the solicitation is no probe")
	case dst != SolicitedNode(c.Target):
		return fmt.Errorf("the destination %v is not the target's solicited-node group", dst)
	}
	linkAddr := false
	err := options(msg[neighborLen:], func(b []byte) {
		switch b[0] {
		case optSourceLinkAddr:
			linkAddr = true
		case optNonce:
			c.Nonce = bytes.Clone(b[2:])
		}
	})
	if err == nil && linkAddr {
		err = errors.New("a source link-layer address without a source")
	}
	return err
}

// SolicitedNode returns the solicited-node multicast address of an IPv6 address (RFC 4291 section 2.7.1).
func SolicitedNode(a netip.Addr) netip.Addr {
	b := a.As16()
	return netip.AddrFrom16([16]byte{0: 0xff, 1: 0x02, 11: 1, 12: 0xff, 13: b[13], 14: b[14], 15: b[15]})
}

// Probe returns, as an IPv6 packet, the Neighbor Solicitation that asks whether somebody has an address (RFC
// 4862 section 5.4.2). RFC 7527 section 4.1 adds the nonce, of 6 bytes, by which a probe that the link
// brings back is told from another station's.
func Probe(target netip.Addr, nonce [6]byte) []byte {
	msg := make([]byte, 8, neighborLen+8)
	msg[0] = TypeNeighborSolicitation
	msg = append(appendAddr(msg, target), optNonce, 1)
	msg = append(msg, nonce[:]...)
	src, dst := netip.IPv6Unspecified(), SolicitedNode(target)
	icmp6.SetChecksum(src, dst, msg) // which can't fail: the message is long enough
	return packet(src, dst, msg)
}
