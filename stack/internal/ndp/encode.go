package ndp

import (
	"encoding/binary"
	"math"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/hextet/hextet/icmp6"
)

// AllNodes is where unsolicited Router Advertisements go (RFC 4861 section 4.2).
var AllNodes = netip.AddrFrom16([16]byte{0: 0xff, 1: 0x02, 15: 1})

// Packet returns the advertisement as an IPv6 packet from ra.Router to dst, with the router's link-layer
// address unless hw is nil. Each server and each name has an option of its own. Fractions of the units
// on the wire are cut off.
func (ra *Advertisement) Packet(dst netip.Addr, hw net.HardwareAddr) []byte {
	msg := make([]byte, headerLen)
	msg[0], msg[4] = TypeRouterAdvertisement, ra.HopLimit
	msg[5] = bit(ra.Managed, 0x80) | bit(ra.Other, 0x40) | preferenceBits(ra.Preference)
	binary.BigEndian.PutUint16(msg[6:], uint16(ra.Lifetime/time.Second))
	binary.BigEndian.PutUint32(msg[8:], uint32(ra.Reachable/time.Millisecond))
	binary.BigEndian.PutUint32(msg[12:], uint32(ra.Retrans/time.Millisecond))
	if len(hw) == 6 {
		msg = append(append(msg, optSourceLinkAddr, 1), hw...)
	}
	if ra.MTU != 0 {
		msg = binary.BigEndian.AppendUint32(append(msg, optMTU, 1, 0, 0), ra.MTU)
	}
	for _, p := range ra.Prefixes {
		msg = append(msg, optPrefix, 4, byte(p.Prefix.Bits()), bit(p.OnLink, 0x80)|bit(p.Autonomous, 0x40))
		msg = append(appendSeconds(appendSeconds(msg, p.Valid), p.Preferred), 0, 0, 0, 0)
		msg = appendAddr(msg, p.Prefix.Addr())
	}
	for _, r := range ra.Routes {
		msg = append(msg, optRoute, 3, byte(r.Prefix.Bits()), preferenceBits(r.Preference))
		msg = appendAddr(appendSeconds(msg, r.Lifetime), r.Prefix.Addr())
	}
	for _, s := range ra.Servers {
		msg = append(msg, optServers, 3, 0, 0)
		msg = appendAddr(appendSeconds(msg, s.Lifetime), s.Addr)
	}
	for _, d := range ra.Search {
		msg = appendDomain(msg, d)
	}
	icmp6.SetChecksum(ra.Router, dst, msg) // which can't fail: the message is long enough
	return packet(ra.Router, dst, msg)
}

// packet puts an IPv6 header with hop limit 255 before an ICMPv6 message.
func packet(src, dst netip.Addr, msg []byte) []byte {
	pkt := make([]byte, 0, 40+len(msg))
	pkt = append(pkt, 0x60, 0, 0, 0, byte(len(msg)>>8), byte(len(msg)), icmp6.Protocol, 255)
	return append(appendAddr(appendAddr(pkt, src), dst), msg...)
}

func appendDomain(b []byte, d Domain) []byte {
	var name []byte
	for _, label := range strings.Split(d.Name, ".") {
		name = append(append(name, byte(len(label))), label...)
	}
	name = append(name, 0)
	for len(name)%8 != 0 {
		name = append(name, 0)
	}
	b = append(b, optSearch, byte(1+len(name)/8), 0, 0)
	return append(appendSeconds(b, d.Lifetime), name...)
}

func appendAddr(b []byte, a netip.Addr) []byte {
	b16 := a.As16()
	return append(b, b16[:]...)
}

func appendSeconds(b []byte, d time.Duration) []byte {
	s := uint32(math.MaxUint32)
	if d != Forever {
		s = uint32(d / time.Second)
	}
	return binary.BigEndian.AppendUint32(b, s)
}

func preferenceBits(p Preference) byte { return byte(p&3) << 3 }

func bit(on bool, b byte) byte {
	if on {
		return b
	}
	return 0
}
