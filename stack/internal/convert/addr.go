// Package convert is the border between gVisor's value types and Go's: addresses, errors, clocks.
package convert

import (
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
)

// Addr returns a as gVisor has it. The zero Addr becomes the empty address; a zone is lost, since
// gVisor carries the interface beside the address.
func Addr(a netip.Addr) tcpip.Address {
	switch {
	case !a.IsValid():
		return tcpip.Address{}
	case a.Is4():
		return tcpip.AddrFrom4(a.As4())
	default:
		return tcpip.AddrFrom16(a.As16())
	}
}

// NetAddr is the inverse of Addr. The empty address becomes the zero Addr.
func NetAddr(a tcpip.Address) netip.Addr {
	switch a.BitLen() {
	case 32:
		return netip.AddrFrom4(a.As4())
	case 128:
		return netip.AddrFrom16(a.As16())
	}
	return netip.Addr{}
}

// Prefix returns an address with its on-link prefix length.
func Prefix(p netip.Prefix) tcpip.AddressWithPrefix {
	return tcpip.AddressWithPrefix{Address: Addr(p.Addr()), PrefixLen: p.Bits()}
}

// Subnet returns the network that p covers.
func Subnet(p netip.Prefix) tcpip.Subnet {
	return Prefix(p.Masked()).Subnet()
}

// Protocol returns the network protocol of a's family.
func Protocol(a netip.Addr) tcpip.NetworkProtocolNumber {
	if a.Is4() {
		return header.IPv4ProtocolNumber
	}
	return header.IPv6ProtocolNumber
}
