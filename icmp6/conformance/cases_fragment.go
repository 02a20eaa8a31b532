package conformance

import "fmt"

const fragmentation = "RFC 8200 section 4.5"

// RFC 8200 section 4.5: "If any of the fragments being reassembled overlap with any other fragments
// being reassembled for the same packet, reassembly of that packet must be abandoned and all the
// fragments that have been received for that packet must be discarded".
//
// The checksum is that of the whole packet: the pseudo-header's Upper-Layer Packet Length (section
// 8.1) knows no fragments.
var fragmentCases = []Case{
	{"fragment/send/icmpv6", fragmentation, "a message that is larger than the MTU is sent in fragments, with the checksum of the whole",
		[]step{socket(icmpv6), sends(icmp(private, 0xdead, text(1457))).showing(inFragments(2)),
			sends(icmp(private, 0, text(4997))).showing(inFragments(4))}},
	{"fragment/send/offset", fragmentation, "a packet in fragments has its checksum by option, in whichever fragment it is",
		[]step{socket(89), option(12), sends(plain(3001, 12, 0xdead)).showing(inFragments(3)), option(2998),
			sends(plain(3000, 2998, 0xdead)).showing(inFragments(3))}},
	{"fragment/send/off", fragmentation, "a packet without a checksum is sent in fragments, as it was written",
		[]step{socket(253), sends(text(3001)).showing(inFragments(3))}},
	{"fragment/send/longest", "RFC 8200 section 4.5", "65535 bytes of payload are sent, and not one more",
		[]step{socket(icmpv6), sends(icmp(private, 0xdead, text(65531))).showing(inFragments(46)),
			sends(icmp(private, 0, text(65532))).refused()}},
	{"fragment/receive/icmpv6", fragmentation, "a message in fragments is received whole",
		[]step{socket(icmpv6), arrives(icmp(private, 0, text(2997))).wrapped(fragments(1200))}},
	{"fragment/receive/89", fragmentation, "a packet of another protocol in fragments is received whole, its checksum verified",
		[]step{socket(89), option(12), arrives(plain(3001, 12, 0)).wrapped(fragments(1200))}},
	{"fragment/receive/reversed", fragmentation, "fragments may come in any order",
		[]step{socket(icmpv6), arrives(icmp(private, 0, text(2997))).wrapped(fragments(1200, 2, 1, 0)),
			arrives(icmp(private, 0, text(2001))).wrapped(fragments(1000, 1, 2, 0))}},
	{"fragment/receive/wrong", fragmentation, "a message in fragments with a wrong checksum is dropped",
		[]step{socket(icmpv6), arrives(icmp(private, 0, text(2997))).spoiled(flip(2000)).wrapped(fragments(1200)).drop()}},
	{"fragment/receive/missing", fragmentation, "a message of which a fragment is missing is not received",
		[]step{socket(254), arrives(text(3001)).wrapped(fragments(1200, 0, 2)).drop()}},
	{"fragment/receive/overlapping", fragmentation, "fragments that overlap are dropped",
		[]step{socket(89), arrives(text(2000)).wrapped(overlapping).drop()}},
	{"fragment/receive/atomic", "RFC 6946 section 4", "a packet that is its own only fragment is received",
		[]step{socket(icmpv6), arrives(echo).wrapped(behind(atomic))}},
	{"fragment/receive/first-only", fragmentation, "the first fragment alone is not received",
		[]step{socket(icmpv6), arrives(icmp(private, 0, text(20))).wrapped(behind(loneFragment)).drop()}},
	{"fragment/receive/options-within", fragmentation, "extension headers within the fragments are taken off",
		[]step{socket(icmpv6), arrives(icmp(private, 0, text(1997))).wrapped(within(fragments(1000), behind(padding)))}},
}

func inFragments(want int) func(packet) error {
	return func(p packet) error {
		if p.fragments != want {
			return deviates(fmt.Sprintf("%d fragments", want), "%d fragments", p.fragments)
		}
		return nil
	}
}
