package conformance

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"

	"golang.org/x/net/ipv6"
)

const (
	rawSockets = "RFC 3542 section 3"
	connecting = "RFC 3542 section 3, POSIX connect"
)

// other is a host on the wire that is not the suite's peer.
var other = netip.MustParseAddr("2001:db8::77")

// RFC 3542 section 3: "Raw sockets bypass the transport layer (TCP or UDP)." They do not bypass the
// Internet layer: what is not for this host (RFC 8200 section 3, Destination Address) or is no valid
// packet does not reach them.
var deliverCases = []Case{
	{"deliver/payload-only", rawSockets, "what is received begins behind the IPv6 header",
		[]step{socket(254), arrives(text(40)), arrives(text(41))}},
	{"deliver/other-host", "RFC 8200 section 3", "a packet for another host is not received",
		[]step{socket(89), arrives(text(24)).to(other).drop()}},
	{"deliver/icmpv6-other-host", "RFC 8200 section 3", "an ICMPv6 message for another host is not received",
		[]step{socket(icmpv6), arrives(echo).to(other).drop()}},
	{"deliver/other-protocol", rawSockets, "a packet of another protocol is not received",
		[]step{socket(89), arrives(text(24)).ofProtocol(253).drop()}},
	{"deliver/bound", rawSockets, "a socket that is bound receives what is for that address",
		[]step{bound(89, Second), arrives(text(24)).to(Second), arrives(text(24)).to(Host).drop()}},
	{"deliver/icmpv6-bound", rawSockets, "an ICMPv6 socket that is bound receives what is for that address",
		[]step{bound(icmpv6, Second), arrives(echo).to(Second), arrives(echo).to(Host).drop()}},
	{"deliver/both-addresses", rawSockets, "a socket that is not bound receives for each of the host's addresses",
		[]step{socket(89), arrives(text(24)).to(Second), arrives(text(24)).to(Host)}},
	{"deliver/connected", connecting, "a connected socket receives from its peer alone",
		[]step{bound(89, Host), connected(Peer), arrives(text(24)), arrives(text(24)).from(other).drop()}},
	{"deliver/connected-other-address", connecting, "a connected socket receives only for the address that it speaks from",
		[]step{bound(89, Host), connected(Peer), arrives(text(24)), arrives(text(24)).to(Second).drop()}},
	{"deliver/disconnected", connecting, "a socket that is disconnected receives from all again",
		[]step{bound(89, Host), connected(Peer), connected(netip.Addr{}), arrives(text(24)).from(other)}},
	{"deliver/group-joined", "RFC 8200 section 3", "a packet to a group that the socket joined is received",
		[]step{socket(icmpv6), joins, arrives(echo).to(Group)}},
	{"deliver/group-not-joined", "RFC 8200 section 3", "a packet to a group that nobody joined is not received",
		[]step{socket(icmpv6), arrives(echo).to(Group).drop()}},
	{"deliver/group-left", "RFC 8200 section 3", "a packet to a group that was left is not received",
		[]step{socket(89), joins, leaves, arrives(text(24)).to(Group).drop()}},
	{"deliver/from-group", "RFC 4291 section 2.7", "a packet from a multicast address is not received",
		[]step{socket(icmpv6), arrives(echo).from(Group).drop()}},
	{"deliver/hop-limit", "RFC 3542 section 6.3", "the hop limit that a packet came with is reported",
		[]step{socket(icmpv6), reports(ipv6.FlagHopLimit), arrives(echo).header(7, 0).showing(func(p received) error {
			return reported("hop limit", 7, p.cm, func() int { return p.cm.HopLimit })
		})}},
	{"deliver/traffic-class", "RFC 3542 section 6.5", "the traffic class that a packet came with is reported",
		[]step{socket(icmpv6), reports(ipv6.FlagTrafficClass), arrives(echo).header(64, 0x28).showing(func(p received) error {
			return reported("traffic class", 0x28, p.cm, func() int { return p.cm.TrafficClass })
		})}},
	{"deliver/destination", "RFC 3542 section 6.1", "the destination that a packet came to, and the interface, are reported",
		[]step{socket(icmpv6), reports(ipv6.FlagDst | ipv6.FlagInterface), cameTo(Second), cameTo(Host)}},
	{"deliver/unknown-protocol", "RFC 8200 section 4", "without a socket of the protocol, the sender gets a Parameter Problem of code 1",
		[]step{socket(icmpv6), answers(arrives(text(24)).ofProtocol(89).sealedAt(-1), unknownHeader)}},
	{"deliver/unknown-253", "RFC 8200 section 4", "the number for experiments, 253, is a protocol like any other: the sender gets a Parameter Problem",
		[]step{socket(icmpv6), answers(arrives(digits).ofProtocol(253).sealedAt(-1), unknownHeader)}},
	{"deliver/known-protocol", "RFC 8200 section 4", "with a socket of the protocol, the sender gets no error",
		[]step{socket(89), answers(arrives(text(24)), nil)}},
	{"deliver/known-253", "RFC 8200 section 4", "with a socket of protocol 253 the sender gets no error, in one packet or in fragments",
		[]step{socket(253), answers(arrives(text(24)), nil), answers(arrives(digits).wrapped(fragments(800)), nil)}},
	{"deliver/known-and-wrong", "RFC 8200 section 4", "if the socket drops the packet for its checksum, the sender gets no error either",
		[]step{socket(89), option(4), answers(arrives(text(24)).spoiled(flip(9)), nil)}},
}

func reported(what string, want int, cm *ipv6.ControlMessage, get func() int) error {
	due := fmt.Sprintf("%s %d", what, want)
	if cm == nil {
		return deviates(due, "no control message")
	}
	if got := get(); got != want {
		return deviates(due, "%s %d", what, got)
	}
	return nil
}

func cameTo(dst netip.Addr) step {
	return stepFunc(func(r *rig) error {
		index := r.b.Interface().Index
		return arrives(echo).to(dst).showing(func(p received) error {
			if p.cm == nil || !p.cm.Dst.Equal(dst.AsSlice()) {
				return deviates(fmt.Sprintf("destination %v", dst), "another destination is reported, or none")
			}
			return reported("interface", index, p.cm, func() int { return p.cm.IfIndex })
		}).do(r)
	})
}

// digits are a payload whose beginning can be taken for an extension header by those who look.
var digits = bytes.Repeat([]byte("0123456789abcdef"), 80)

// unknownHeader expects an error about the Next Header field of the IPv6 header.
//
// RFC 8200 section 4: "the ICMP Pointer field containing the offset of the unrecognized value within
// the original packet".
func unknownHeader(p packet) error {
	if err := message(4, 1)(p); err != nil {
		return err
	}
	if at := binary.BigEndian.Uint32(p.payload[4:]); at != 6 {
		return deviates("a pointer to byte 6", "a pointer to byte %d", at)
	}
	return nil
}
