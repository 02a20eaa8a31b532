// Package icmp6 makes sure that no ICMPv6 message leaves with a checksum that the
// program forgot: what a raw socket sends is completed, and what it receives is
// verified, as RFC 3542 section 3.1 asks, for ICMPv6 and for any other protocol.
//
// It is the checksum half of a raw socket, without the socket. [Offset] is the
// value of the option IPV6_CHECKSUM with its whole life: what may be set, what is
// the default, how it fills the field of a packet to send and verifies the field
// of a received one. [SetChecksum] and [Valid] are the same for an ICMPv6 message.
// [Filter] is the option ICMP6_FILTER of section 3.2, and [Conn] is the method set
// that golang.org/x/net's *ipv6.PacketConn shares with userspace stacks.
//
// # First the source, then the checksum
//
// The pseudo-header holds the source address, so the checksum can only be computed
// after that address has been chosen; the caller passes the one that goes into
// the IPv6 header. With a Routing header, the destination is the final one.
//
// Addresses are IPv6, 4-in-6 included; zones are ignored. All functions here are
// pure: no I/O, no clock, no allocation but that of an error, or of the filter that
// [Filter.ICMPFilter] returns. They write nothing but the two bytes of the checksum,
// keep no slice, and are safe for concurrent use on different packets.
//
// The arithmetic is in [github.com/hextet/hextet/icmp6/checksum].
package icmp6
