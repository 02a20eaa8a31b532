package engine

import (
	"encoding/binary"
	"net/netip"
	"sync"

	"github.com/hextet/hextet/icmp6/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// Datagram is a UDP datagram for this host whose length and checksum are right. It is borrowed for the
// call that passes it.
type Datagram struct {
	Interface              int
	Src, Dst               netip.AddrPort // without zones
	HopLimit, TrafficClass uint8
	ToAll                  bool // to a group or a broadcast address
	Payload                []byte
}

// udpAt fills in what the UDP header b begins with says, and reports whether length and checksum are
// right. src and dst are those of the IP header.
func (d *Datagram) udpAt(b []byte, src, dst netip.Addr) bool {
	if len(b) < header.UDPMinimumSize {
		return false
	}
	length := int(binary.BigEndian.Uint16(b[4:]))
	if length < header.UDPMinimumSize || length > len(b) {
		return false
	}
	b = b[:length]
	switch sum := binary.BigEndian.Uint16(b[6:]); {
	case sum != 0:
		if checksum.Sum(b, checksum.PseudoHeader(src, dst, uint8(header.UDPProtocolNumber), uint32(length))) != 0xffff {
			return false
		}
	case dst.Is6():
		// RFC 8200 section 8.1: "IPv6 receivers must discard UDP packets containing a zero checksum and
		// should log the error." In IPv4 zero is no checksum (RFC 768).
		return false
	}
	d.Src = netip.AddrPortFrom(src, binary.BigEndian.Uint16(b))
	d.Dst = netip.AddrPortFrom(dst, binary.BigEndian.Uint16(b[2:]))
	d.Payload = b[header.UDPMinimumSize:]
	return true
}

// datagram gives a datagram that has passed gVisor's checks to its socket, if there is one and nothing
// is wrong with it. What is left, gVisor counts and answers.
func (d *dispatcher) datagram(pkt *stack.PacketBuffer) bool {
	rp := describe(header.UDPProtocolNumber, pkt)
	b := rp.head
	if pkt.Data().Size() > 0 {
		b = rp.AppendPayload(make([]byte, 0, rp.Len()))
	}
	dg := Datagram{
		Interface:    int(d.nic),
		HopLimit:     uint8(rp.HopLimit),
		TrafficClass: uint8(rp.TrafficClass),
		ToAll:        rp.Dst.IsMulticast() || pkt.NetworkPacketInfo.LocalAddressBroadcast,
	}
	return dg.udpAt(b, rp.Src, rp.Dst) && d.hooks.Datagram(&dg)
}

// The short cut: a datagram in one packet of the plainest form, to an assigned unicast address, needs
// nothing of what gVisor's IP layer does. Whatever is unusual about a packet, it is not taken here and
// goes the long way, where it is told what is wrong with it.

// shortCut takes an IP packet from the link and reports whether it was a datagram that its socket got.
func (e *LinkEndpoint) shortCut(b []byte) bool {
	if e.Datagram == nil {
		return false
	}
	d := datagrams.Get().(*Datagram)
	taken := (d.plain6(b) || d.plain4(b)) && e.Datagram(d)
	*d = Datagram{}
	datagrams.Put(d)
	return taken
}

var datagrams = sync.Pool{New: func() any { return new(Datagram) }}

// plain6 parses an IPv6 packet without extension headers (RFC 8200 section 3). Bytes behind it are the
// link's padding.
func (d *Datagram) plain6(b []byte) bool {
	if len(b) < header.IPv6MinimumSize+header.UDPMinimumSize || b[0]>>4 != 6 || b[6] != uint8(header.UDPProtocolNumber) {
		return false
	}
	end := header.IPv6MinimumSize + int(binary.BigEndian.Uint16(b[4:]))
	if end > len(b) {
		return false
	}
	src, dst := netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40]))
	d.TrafficClass, d.HopLimit = b[0]<<4|b[1]>>4, b[7]
	return ordinary(src, dst) && d.udpAt(b[header.IPv6MinimumSize:end], src, dst)
}

// plain4 parses an IPv4 packet without options that is no fragment (RFC 791 section 3.1).
func (d *Datagram) plain4(b []byte) bool {
	const moreAndOffset = 0x3fff
	if len(b) < header.IPv4MinimumSize+header.UDPMinimumSize || b[0] != 0x45 || b[9] != uint8(header.UDPProtocolNumber) ||
		binary.BigEndian.Uint16(b[6:])&moreAndOffset != 0 {
		return false
	}
	end := int(binary.BigEndian.Uint16(b[2:]))
	if end < header.IPv4MinimumSize || end > len(b) || checksum.Sum(b[:header.IPv4MinimumSize], 0) != 0xffff {
		return false
	}
	src, dst := netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20]))
	d.TrafficClass, d.HopLimit = b[1], b[8]
	return ordinary(src, dst) && d.udpAt(b[header.IPv4MinimumSize:end], src, dst)
}

// ordinary reports whether a packet may be from src to dst without a second look. Whether dst is this
// host's, and so no broadcast address, is to be asked still. An IPv4-mapped source would pass for the
// IPv4 host's with whoever reads the datagram: gVisor drops it.
func ordinary(src, dst netip.Addr) bool {
	return !dst.IsMulticast() && !src.IsMulticast() && !src.IsUnspecified() && !src.IsLoopback() && !src.Is4In6() && src != broadcast && src != dst
}
