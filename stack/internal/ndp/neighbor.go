package ndp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/hextet/hextet/icmp6"
)

// TypeRedirect is the ICMPv6 type of RFC 4861 section 4.5.
const TypeRedirect = 137

// ParseRouterSolicitation returns why a Router Solicitation in an IPv6 packet's payload has to be discarded,
// or nil. RFC 4861 section 6.1.1:
//
//   - The IP Hop Limit field has a value of 255.
//   - ICMP Checksum is valid.
//   - ICMP Code is 0.
//   - ICMP length (derived from the IP length) is 8 or more octets.
//   - All included options have a length that is greater than zero.
//   - If the IP source address is the unspecified address, there is no source link-layer address option
//     in the message.
func ParseRouterSolicitation(src, dst netip.Addr, hopLimit int, msg []byte) error {
	if err := check(src, dst, hopLimit, msg, TypeRouterSolicitation, 8); err != nil {
		return err
	}
	return eachOption(msg[8:], func(b []byte) error {
		if b[0] == optSourceLinkAddr && src.IsUnspecified() {
			return errors.New("a source link-layer address without a source address")
		}
		return nil
	})
}

// ParseNeighborSolicitation returns the target of a Neighbor Solicitation in an IPv6 packet's payload, or
// why it has to be discarded. RFC 4861 section 7.1.1 has the checks of a Router Solicitation, and:
//
//   - ICMP length (derived from the IP length) is 24 or more octets.
//   - Target Address is not a multicast address.
//   - If the IP source address is the unspecified address, the IP destination address is a
//     solicited-node multicast address.
func ParseNeighborSolicitation(src, dst netip.Addr, hopLimit int, msg []byte) (target netip.Addr, err error) {
	if err := check(src, dst, hopLimit, msg, TypeNeighborSolicitation, 24); err != nil {
		return netip.Addr{}, err
	}
	target = netip.AddrFrom16([16]byte(msg[8:]))
	if target.IsMulticast() {
		return netip.Addr{}, fmt.Errorf("the target %v is a multicast address", target)
	}
	if src.IsUnspecified() && !solicitedNode.Contains(dst) {
		return netip.Addr{}, fmt.Errorf("without a source address, but to %v", dst)
	}
	return target, eachOption(msg[24:], func(b []byte) error {
		if b[0] == optSourceLinkAddr && src.IsUnspecified() {
			return errors.New("a source link-layer address without a source address")
		}
		return nil
	})
}

// solicitedNode are the groups of RFC 4291 section 2.7.1.
var solicitedNode = netip.MustParsePrefix("ff02::1:ff00:0/104")

// check is what RFC 4861 demands of every message.
func check(src, dst netip.Addr, hopLimit int, msg []byte, typ byte, least int) error {
	switch {
	case hopLimit != 255:
		return fmt.Errorf("the hop limit is %d, not 255", hopLimit)
	case len(msg) < least:
		return fmt.Errorf("%d bytes, less than %d", len(msg), least)
	case msg[0] != typ || msg[1] != 0:
		return fmt.Errorf("type %d, code %d", msg[0], msg[1])
	case !icmp6.Valid(src, dst, msg):
		return errors.New("the checksum is wrong")
	}
	return nil
}

// NeighborAdvertisement returns an unsolicited Neighbor Advertisement (RFC 4861 section 4.4) that overrides
// what others know of target, as an IPv6 packet from target to dst. Its hardware address is hw.
func NeighborAdvertisement(target, dst netip.Addr, hw net.HardwareAddr) []byte {
	msg := append(make([]byte, 0, 32), TypeNeighborAdvertisement, 0, 0, 0, 0x20, 0, 0, 0)
	msg = append(append(appendAddr(msg, target), optTargetLinkAddr, 1), hw...)
	icmp6.SetChecksum(target, dst, msg) // which can't fail: the message is long enough
	return packet(target, dst, msg)
}

// Redirect returns a Redirect (RFC 4861 section 4.5), as an IPv6 packet from a router's link-local address to
// dst: target is where to send what is for destination from now on, hw its hardware address unless it is
// nil. about is the packet that was sent the wrong way, of which as much goes with it as fits 1280 bytes.
func Redirect(router, dst, target, destination netip.Addr, hw net.HardwareAddr, about []byte) []byte {
	msg := append(make([]byte, 0, 1240), TypeRedirect, 0, 0, 0, 0, 0, 0, 0)
	msg = appendAddr(appendAddr(msg, target), destination)
	if len(hw) == 6 {
		msg = append(append(msg, optTargetLinkAddr, 1), hw...)
	}
	// RFC 4861 section 4.6.3: "The original packet truncated to ensure that the size of the redirect
	// message does not exceed the minimum MTU required to support IPv6".
	n := min(len(about), 1280-40-len(msg)-8) &^ 7
	msg = binary.BigEndian.AppendUint32(append(msg, optRedirected, byte(1+n/8), 0, 0), 0)
	msg = append(msg, about[:n]...)
	icmp6.SetChecksum(router, dst, msg)
	return packet(router, dst, msg)
}
