package raw

import (
	"bytes"
	"fmt"
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
)

const (
	// size is that of a message: 8 bytes of ICMPv6 header and 56 of data, what ping sends.
	size = 64
	mtu  = 1500
)

// message returns an echo request whose checksum field holds what must not be sent.
func message() []byte {
	b := make([]byte, size)
	b[0], b[2], b[3] = byte(header.ICMPv6EchoRequest), 0xde, 0xad
	for i := 8; i < size; i++ {
		b[i] = byte(i)
	}
	return b
}

// source is the address that is to speak.
var source = netip.MustParseAddr("2001:db8::1")

// addresses returns source in the middle of n-1 others, which rule 8 of RFC 6724 section
// 5 passes over for every destination: so that all agree on who speaks.
func addresses(n int) []netip.Prefix {
	as := make([]netip.Prefix, n)
	other := netip.MustParseAddr("2001:db8:0:1::1")
	for i := range as {
		if i == n/2 {
			as[i] = netip.PrefixFrom(source, 64)
			continue
		}
		as[i] = netip.PrefixFrom(other, 64)
		other = other.Next()
	}
	return as
}

// destinations returns n neighbours of source.
func destinations(n int) []netip.Addr {
	ds := make([]netip.Addr, n)
	next := netip.MustParseAddr("2001:db8::1:0")
	for i := range ds {
		ds[i] = next
		next = next.Next()
	}
	return ds
}

// packet is what a message becomes on the wire, by gVisor's own functions for headers.
func packet(to netip.Addr) []byte {
	src, dst := tcpip.AddrFrom16(source.As16()), tcpip.AddrFrom16(to.As16())
	b := make([]byte, header.IPv6MinimumSize+size)
	header.IPv6(b).Encode(&header.IPv6Fields{
		PayloadLength:     size,
		TransportProtocol: header.ICMPv6ProtocolNumber,
		HopLimit:          64,
		SrcAddr:           src,
		DstAddr:           dst,
	})
	icmp := header.ICMPv6(b[header.IPv6MinimumSize:])
	copy(icmp, message())
	icmp.SetChecksum(0)
	icmp.SetChecksum(header.ICMPv6Checksum(header.ICMPv6ChecksumParams{Header: icmp, Src: src, Dst: dst}))
	return b
}

// compare says whether got is what a message to an address should become. The flow label
// is up to the sender.
func compare(got []byte, to netip.Addr) error {
	got, want := bytes.Clone(got), packet(to)
	if len(got) >= header.IPv6MinimumSize {
		got[1], got[2], got[3] = got[1]&0xf0, 0, 0
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("raw: sent to %v: %x, want %x", to, got, want)
	}
	return nil
}
