package conformance

import (
	"bytes"
	"fmt"
)

// RFC 3542 section 3: "complete packets (that is, IPv6 packets with extension headers) cannot be sent
// or received using the IPv6 raw sockets API. Instead, ancillary data objects are used to transfer the
// extension headers".
//
// RFC 8200 section 8.1: "If the IPv6 packet contains a Routing header, the Destination Address used
// in the pseudo-header is that of the final destination. At the originating node, that address will be
// in the last element of the Routing header".
var headerCases = []Case{
	{"header/receive/hop-by-hop", rawSockets, "a hop-by-hop header is taken off",
		[]step{socket(icmpv6), arrives(echo).wrapped(behind(routerAlert)), socket(89),
			arrives(text(24)).wrapped(behind(routerAlert))}},
	{"header/receive/options", rawSockets, "a destination options header is taken off",
		[]step{socket(icmpv6), arrives(echo).wrapped(behind(padding)), socket(253),
			arrives(text(25)).wrapped(behind(padding))}},
	{"header/receive/several", rawSockets, "several headers are taken off, and the checksum is that of what remains",
		[]step{socket(89), option(12),
			arrives(plain(24, 12, 0)).wrapped(behind(routerAlert, padding, routingDone, padding))}},
	{"header/receive/routing-done", "RFC 8200 section 4.4", "a routing header without segments left is taken off",
		[]step{socket(icmpv6), arrives(echo).wrapped(behind(routingDone))}},
	{"header/receive/routing-to-go", "RFC 8200 section 4.4", "a packet with segments left of an unknown type is dropped",
		[]step{socket(icmpv6), arrives(echo).wrapped(behind(routingToGo)).drop()}},
	{"header/receive/wrong", "RFC 4443 section 2.3", "a wrong checksum behind extension headers is dropped",
		[]step{socket(icmpv6), arrives(echo).spoiled(flip(5)).wrapped(behind(padding)).drop()}},
	{"header/receive/option-to-skip", "RFC 8200 section 4.2", "an unknown option that may be skipped is",
		[]step{socket(icmpv6), arrives(echo).wrapped(behind(unknownSkip))}},
	{"header/receive/option-to-drop", "RFC 8200 section 4.2", "a packet with an unknown option that may not be skipped is dropped",
		[]step{socket(icmpv6), arrives(echo).wrapped(behind(unknownDrop)).drop()}},
	{"header/receive/second-hop-by-hop", "RFC 8200 section 4.1", "a hop-by-hop header that is not the first is an error",
		[]step{socket(icmpv6), arrives(echo).wrapped(behind(padding, routerAlert)).drop()}},
	{"header/send/hop-by-hop", "RFC 3542 section 8", "a hop-by-hop header is sent, and is no part of the sum",
		[]step{socket(icmpv6), withHopByHop(hopByHopLong), sends(echo).showing(behindHeader(hopByHopLong))}},
	{"header/send/options", "RFC 3542 section 9", "a destination options header is sent, and is no part of the sum",
		[]step{socket(89), option(12), withOptions(padding), sends(plain(25, 12, 0xdead)).showing(behindHeader(padding))}},
	{"header/send/taken-away", "RFC 3542 section 6", "a header that is taken away is not sent",
		[]step{socket(icmpv6), withOptions(padding), sends(echo).showing(behindHeader(padding)),
			withOptions(header{}), sends(echo).showing(behindHeader())}},
	{"header/send/routing", "RFC 8200 section 8.1", "with a routing header, the checksum is for the final destination",
		[]step{socket(icmpv6), withRouting(segmentRouted),
			sends(echo).routed(via).showing(behindHeader(segmentRouted))}},
	{"header/send/routing-offset", "RFC 8200 section 8.1", "with a routing header, a checksum by option is for the final destination",
		[]step{socket(89), option(12), withRouting(segmentRouted),
			sends(plain(25, 12, 0xdead)).routed(via).showing(behindHeader(segmentRouted))}},
}

func withHopByHop(h header) step {
	return sets("hop-by-hop header", "SetHopByHop", func(s HeaderSetter) error { return s.SetHopByHop(h.bytes) })
}

func withOptions(h header) step {
	return sets("destination options header", "SetDestinationOptions", func(s HeaderSetter) error { return s.SetDestinationOptions(h.bytes) })
}

func withRouting(h header) step {
	return sets("routing header", "SetRoutingHeader", func(s HeaderSetter) error { return s.SetRoutingHeader(h.bytes) })
}

// behindHeader expects extension headers, but for their Next Header fields.
func behindHeader(want ...header) func(packet) error {
	return func(p packet) error {
		if len(p.headers) != len(want) {
			return deviates(fmt.Sprintf("%d extension headers", len(want)), "%d extension headers", len(p.headers))
		}
		for i, h := range p.headers {
			if h.typ != want[i].typ || !bytes.Equal(h.bytes[1:], want[i].bytes[1:]) {
				return deviates(fmt.Sprintf("extension header %d as it was set", want[i].typ), "header %d, with other bytes", h.typ)
			}
		}
		return nil
	}
}
