package conformance

// RFC 4443 section 2.3, and RFC 3542 section 3.1 for the raw socket: "verify the received checksum on
// input, discarding the packet if the checksum is in error".
var receiveCases = []Case{
	{"receive/icmpv6/right", "RFC 4443 section 2.3", "a message with a right checksum is received, as it came",
		[]step{socket(icmpv6), arrives(echo)}},
	{"receive/icmpv6/odd-length", "RFC 1071 section 1", "an odd last byte is summed as if a 0 followed",
		[]step{socket(icmpv6), arrives(icmp(private, 0, text(13)))}},
	{"receive/icmpv6/wrong", "RFC 4443 section 2.3", "a message with a wrong checksum is dropped",
		[]step{socket(icmpv6), arrives(echo).spoiled(flip(3)).drop()}},
	{"receive/icmpv6/zero", "RFC 4443 section 2.3", "a checksum of 0 is no way to do without one",
		[]step{socket(icmpv6), arrives(echo).spoiled(clearField(2)).drop()}},
	{"receive/icmpv6/wrong-last-byte", "RFC 1071 section 1", "the odd last byte is verified",
		[]step{socket(icmpv6), arrives(icmp(private, 0, text(13))).spoiled(flip(16)).drop()}},
	{"receive/icmpv6/other-destination", "RFC 8200 section 8.1", "a checksum that is right for another destination is wrong",
		[]step{socket(icmpv6), arrives(sealed(Peer, Second, icmpv6, 2, echo)).sealedAt(-1).to(Host).drop()}},
	{"receive/icmpv6/other-protocol", "RFC 8200 section 8.1", "a checksum that is right for another protocol is wrong",
		[]step{socket(icmpv6), arrives(sealed(Peer, Host, 17, 2, echo)).sealedAt(-1).to(Host).drop()}},
	{"receive/icmpv6/four-bytes", "RFC 4443 section 2.1", "four bytes are a message",
		[]step{socket(icmpv6), arrives(icmp(private, 0, nil))}},
	{"receive/icmpv6/six-bytes", "RFC 4443 section 2.1", "six bytes are a message",
		[]step{socket(icmpv6), arrives(icmp(private, 0, text(2)))}},
	{"receive/icmpv6/three-bytes", "RFC 4443 section 2.3", "a message that ends within its checksum field is dropped",
		[]step{socket(icmpv6), arrives(fitting(icmpv6, 3)).sealedAt(-1).drop()}},
	{"receive/icmpv6/empty", "RFC 4443 section 2.3", "a packet without a message is dropped",
		[]step{socket(icmpv6), arrives(nil).drop()}},
	{"receive/icmpv6/longest", "RFC 4443 section 2.3", "the longest packet is received",
		[]step{socket(icmpv6), arrives(icmp(private, 0, text(MTU-headerLen-4)))}},
	{"receive/icmpv6/not-switched-off", checksums, "no call makes an ICMPv6 socket receive what is wrong",
		[]step{socket(icmpv6), switchedOff, arrives(echo).spoiled(flip(3)).drop()}},
	{"receive/icmpv6/unknown-error", "RFC 4443 section 2.4", "an error message of unknown type is received",
		[]step{socket(icmpv6), arrives(icmp(100, 0, text(48)))}},
	{"receive/icmpv6/two-sockets", "RFC 3542 section 3", "each socket of the protocol gets its own copy",
		[]step{socket(icmpv6), socket(icmpv6), bothReceive(arrives(echo))}},
}

var verifyCases = []Case{
	{"verify/off/89", checksums, "without the option nothing is verified",
		[]step{socket(89), arrives(plain(24, 12, 0xdead))}},
	{"verify/off/253", checksums, "without the option nothing is verified",
		[]step{socket(253), arrives(plain(25, 12, 0)), arrives([]byte{1})}},
	{"verify/off/empty", "RFC 3542 section 3", "a packet without payload is received",
		[]step{socket(254), arrives([]byte{})}},
	{"verify/on/right", checksums, "a packet with a right checksum is received",
		[]step{socket(89), option(12), arrives(plain(24, 12, 0)), arrives(plain(25, 12, 0))}},
	{"verify/on/wrong", checksums, "a packet with a wrong checksum is dropped",
		[]step{socket(89), option(12), arrives(plain(24, 12, 0)).spoiled(flip(23)).drop()}},
	{"verify/on/zero", checksums, "a field of 0 is no way to do without a checksum",
		[]step{socket(254), option(0), arrives(plain(24, 0, 0)).spoiled(clearField(0)).drop()}},
	{"verify/on/udp-zero", "RFC 8200 section 8.1", "UDP's field of 0 is dropped, its 0xffff is received",
		[]step{bound(17, Host), option(6), arrives(datagram()).spoiled(clearField(6)).drop(), arrives(datagram())}},
	{"verify/on/short", checksums, "a packet that ends before the field is dropped",
		[]step{socket(254), option(22), arrives(text(22)).drop(), arrives(text(23)).drop()}},
	{"verify/on/short-that-fits", checksums, "a packet that ends before the field is dropped, also if the sum of its bytes happens to be right",
		[]step{socket(254), option(22), arrives(fitting(254, 20)).drop()}},
	{"verify/on/group", "RFC 8200 section 8.1", "the pseudo-header holds a multicast destination",
		[]step{socket(89), option(12), joins, arrives(plain(24, 12, 0)).to(Group),
			arrives(plain(24, 12, 0)).to(Group).spoiled(flip(20)).drop()}},
	{"verify/on/per-socket", checksums, "the option of one socket does nothing to another",
		[]step{socket(89), socket(89), use(0), option(12), use(1), arrives(plain(24, 12, 0xdead)), use(0), nothing}},
	{"verify/switched", checksums, "what comes after the option is changed is treated by the new one",
		[]step{socket(89), option(12), arrives(plain(24, 12, 0)).spoiled(flip(12)).drop(), option(-1), arrives(plain(24, 12, 0xdead)),
			option(12), arrives(plain(24, 12, 0)).spoiled(flip(12)).drop()}},
}

// flip spoils one bit.
func flip(at int) func([]byte) { return func(b []byte) { b[at] ^= 1 } }

// clearField spoils a checksum.
func clearField(at int) func([]byte) { return func(b []byte) { b[at], b[at+1] = 0, 0 } }

// fitting is n bytes from Peer to Host whose sum is that of a right packet although they end before
// its checksum field.
func fitting(proto uint8, n int) []byte {
	msg := icmp(private, 0, text(max(n-4, 0)))[:n]
	msg[0], msg[1] = 0, 0
	s := ^sum(Peer, Host, proto, msg)
	msg[0], msg[1] = byte(s>>8), byte(s)
	return msg
}

// datagram is one of UDP to a port that nobody listens on, whose checksum comes to 0.
func datagram() []byte {
	b := append([]byte{0x30, 0x39, 0xfd, 0xe8, 0, 16, 0, 0}, text(8)...)
	return balanced(Peer, Host, udp, 6, 8, b)
}
