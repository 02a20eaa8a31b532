package ndp

import (
	"net"
	"net/netip"

	"github.com/hextet/hextet/icmp6"
)

// AllRouters is where Router Solicitations go (RFC 4861 section 4.1).
var AllRouters = netip.AddrFrom16([16]byte{0: 0xff, 1: 0x02, 15: 2})

// Solicitation returns a Router Solicitation as an IPv6 packet. src is an address of the interface, or
// unspecified. RFC 4861 section 4.1 of the source link-layer address: "MUST NOT be included if the
// Source Address is the unspecified address. Otherwise, it SHOULD be included on link layers that have
// addresses."
func Solicitation(src netip.Addr, hw net.HardwareAddr) []byte {
	msg := make([]byte, 8, 16)
	msg[0] = TypeRouterSolicitation
	if len(hw) == 6 && !src.IsUnspecified() {
		msg = append(append(msg, optSourceLinkAddr, 1), hw...)
	}
	icmp6.SetChecksum(src, AllRouters, msg) // which can't fail: the message is long enough
	return packet(src, AllRouters, msg)
}
