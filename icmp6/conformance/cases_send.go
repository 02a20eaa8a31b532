package conformance

import (
	"fmt"

	"golang.org/x/net/ipv6"
)

// RFC 3542 section 3.1: "The kernel will calculate and insert the ICMPv6 checksum for ICMPv6 raw
// sockets, since this checksum is mandatory."
//
// RFC 4443 section 2.3: "The checksum is the 16-bit one's complement of the one's complement sum of
// the entire ICMPv6 message, starting with the ICMPv6 message type field, and prepended with a
// "pseudo-header" of IPv6 header fields, as specified in [IPv6, Section 8.1]."
var sendCases = []Case{
	{"send/icmpv6/zero", checksums, "a checksum field of 0 is filled",
		[]step{socket(icmpv6), sends(icmp(private, 0, text(12)))}},
	{"send/icmpv6/stale", checksums, "what the field held does not count",
		[]step{socket(icmpv6), sends(icmp(private, 0xdead, text(12)))}},
	{"send/icmpv6/ones", checksums, "a field of 0xffff does not count either",
		[]step{socket(icmpv6), sends(icmp(private, 0xffff, text(12)))}},
	{"send/icmpv6/right-already", checksums, "a field that is right stays right",
		[]step{bound(icmpv6, Host), sends(sealed(Host, Peer, icmpv6, 2, echo)).from(Host)}},
	{"send/icmpv6/odd-length", "RFC 1071 section 1", "an odd last byte is summed as if a 0 followed",
		[]step{socket(icmpv6), sends(icmp(private, 0xdead, text(11))), sends(icmp(private, 0, []byte{0xff}))}},
	{"send/icmpv6/shortest", checksums, "four bytes are a message",
		[]step{socket(icmpv6), sends(icmp(private, 0xdead, nil))}},
	{"send/icmpv6/every-length", checksums, "the checksum is right at each length from 4 to 68 bytes", everyLength()},
	{"send/icmpv6/longest", checksums, "the checksum is right in the longest packet that needs no fragments",
		[]step{socket(icmpv6), sends(icmp(private, 0xdead, text(MTU-headerLen-4)))}},
	{"send/icmpv6/carries", "RFC 1071 section 1", "carries of a sum of many 0xffff are added at the end",
		[]step{socket(icmpv6), sends(icmp(private, 0xffff, ones(1396))), sends(icmp(private, 0, ones(1395)))}},
	{"send/icmpv6/comes-to-0", "RFC 4443 section 2.3", "a checksum that comes to 0 is sent as 0",
		[]step{bound(icmpv6, Host), sends(balanced(Host, Peer, icmpv6, 2, 4, icmp(private, 0, text(12)))).from(Host)}},
	{"send/icmpv6/error-type", checksums, "an error message has its checksum filled as well",
		[]step{socket(icmpv6), sends(icmp(100, 0, text(60)))}},
	{"send/icmpv6/empty", checksums, "a message without a checksum field is an error",
		[]step{socket(icmpv6), sends(nil).refused()}},
	{"send/icmpv6/three-bytes", checksums, "a message that ends within its checksum field is an error",
		[]step{socket(icmpv6), sends([]byte{private, 0, 0}).refused()}},
	{"send/icmpv6/bound", "RFC 8200 section 8.1", "the pseudo-header holds the address that the socket is bound to",
		[]step{bound(icmpv6, Second), sends(echo).from(Second)}},
	{"send/icmpv6/chosen-source", "RFC 3542 section 6.2", "the pseudo-header holds the source that the packet's control data chose",
		[]step{socket(icmpv6), sends(echo).with(ipv6.ControlMessage{Src: Second.AsSlice()}).from(Second),
			sends(echo).with(ipv6.ControlMessage{Src: Host.AsSlice()}).from(Host)}},
	{"send/icmpv6/foreign-source", "RFC 3542 section 6.2", "a source that is not the host's is an error",
		[]step{socket(icmpv6), sends(echo).with(ipv6.ControlMessage{Src: Peer.AsSlice()}).refused()}},
	{"send/icmpv6/connected", "RFC 8200 section 8.1", "a connected socket's checksum is right too",
		[]step{bound(icmpv6, Second), connected(Peer), sends(echo).from(Second).toPeer()}},
	{"send/icmpv6/reconnected", "RFC 8200 section 8.1", "the pseudo-header follows the socket to another peer",
		[]step{bound(icmpv6, Second), connected(via), sends(echo).to(via).toPeer(), connected(Peer), sends(echo).toPeer()}},
	{"send/icmpv6/group", "RFC 8200 section 8.1", "the pseudo-header holds a multicast destination",
		[]step{socket(icmpv6), sends(echo).to(Group).with(ipv6.ControlMessage{IfIndex: 0})}},
	{"send/icmpv6/hop-limit", "RFC 3542 section 6.3", "the hop limit is the packet's, and no part of the sum",
		[]step{socket(icmpv6), sends(echo).with(ipv6.ControlMessage{HopLimit: 7}).showing(hops(7)),
			sets("hop limit 9", "SetHopLimit", func(s hopSetter) error { return s.SetHopLimit(9) }), sends(echo).showing(hops(9))}},
	{"send/icmpv6/traffic-class", "RFC 3542 section 6.5", "the traffic class is the packet's, and no part of the sum",
		[]step{socket(icmpv6), sends(echo).with(ipv6.ControlMessage{TrafficClass: 0x28}).showing(class(0x28)),
			sets("traffic class 0x48", "SetTrafficClass", func(s classSetter) error { return s.SetTrafficClass(0x48) }), sends(echo).showing(class(0x48))}},
}

func everyLength() []step {
	steps := []step{socket(icmpv6)}
	for n := range 65 {
		steps = append(steps, sends(icmp(private, 0xdead, text(n))))
	}
	return steps
}

func hops(want uint8) func(packet) error {
	return func(p packet) error {
		if p.hops != want {
			return deviates(fmt.Sprintf("hop limit %d", want), "hop limit %d", p.hops)
		}
		return nil
	}
}

func class(want uint8) func(packet) error {
	return func(p packet) error {
		if p.class != want {
			return deviates(fmt.Sprintf("traffic class %#02x", want), "traffic class %#02x", p.class)
		}
		return nil
	}
}
