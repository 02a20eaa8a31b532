// Package icmp6 makes sure that no ICMPv6 message leaves with a checksum that the
// program forgot: what a raw socket sends is completed, and what it receives is
// verified, as RFC 3542 section 3.1 asks, for ICMPv6 and for any other protocol.
//
// [Offset] is the value of the option IPV6_CHECKSUM with its whole life: what may be
// set, what is the default, how it fills the field of a packet to send and verifies
// the field of a received one. [SetChecksum] and [Valid] are the same for an ICMPv6
// message. [Filter] is the option ICMP6_FILTER of section 3.2.
//
// [Conn] is a raw socket: the method set that golang.org/x/net's *ipv6.PacketConn
// shares with userspace stacks, so that a program runs unchanged on either.
// [ListenHost] opens one of the host's kernel, and [FillConn] computes the checksum
// for a host that leaves it to the program.
//
// # First the source, then the checksum
//
// The pseudo-header holds the source address, so the checksum can only be computed
// after that address has been chosen; the caller passes the one that goes into
// the IPv6 header, and [HostSource] knows the one that a host would choose. With a
// Routing header, the destination is the final one: see [FinalDestination].
//
// # What is pure
//
// Everything but [ListenHost], [FillConn] and [HostSource] is pure: no I/O, no clock, no
// allocation but that of an error, or of the filter that [Filter.ICMPFilter] returns.
// Such functions write nothing but the two bytes of the checksum, keep no slice, and
// are safe for concurrent use on different packets. Addresses are IPv6, 4-in-6
// included; zones are ignored.
//
// A payload of more than 65535 bytes, a jumbogram of RFC 2675, is refused everywhere.
// The arithmetic is in [github.com/hextet/hextet/icmp6/checksum].
package icmp6
