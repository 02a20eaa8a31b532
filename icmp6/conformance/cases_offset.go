package conformance

// RFC 3542 section 3.1: "For other raw IPv6 sockets [...] the application must set the new
// IPV6_CHECKSUM socket option to have the kernel (1) compute and store a checksum for output, and (2)
// verify the received checksum on input, discarding the packet if the checksum is in error. [...] By
// disabled we mean (1) the kernel will not calculate and store a checksum for outgoing packets, and
// (2) the kernel will not verify a checksum for received packets."
var offsetCases = []Case{
	{"send/off/17", checksums, "without the option the bytes stay as they are", untouched(17)},
	{"send/off/89", checksums, "without the option the bytes stay as they are", untouched(89)},
	{"send/off/135", checksums, "without the option the bytes stay as they are", untouched(135)},
	{"send/off/253", checksums, "without the option the bytes stay as they are", untouched(253)},
	{"send/off/254", checksums, "without the option the bytes stay as they are", untouched(254)},
	{"send/off/short", checksums, "without the option a packet may have one byte of payload, or none",
		[]step{socket(254), sends(text(1)), sends([]byte{})}},
	{"send/off/135-short", checksums, "without the option a packet of protocol 135 may have one byte of payload",
		[]step{socket(135), sends(text(1))}},
	{"send/offset/zero", checksums, "a field of 0 is filled",
		[]step{socket(89), option(12), sends(plain(24, 12, 0))}},
	{"send/offset/stale", checksums, "what the field held does not count",
		[]step{socket(89), option(12), sends(plain(24, 12, 0xdead))}},
	{"send/offset/odd-length", "RFC 1071 section 1", "an odd last byte is summed as if a 0 followed",
		[]step{socket(89), option(12), sends(plain(25, 12, 0xdead)), sends(plain(1399, 12, 0xdead))}},
	{"send/offset/first-byte", checksums, "offset 0 is a field at the first byte, not an option that is off",
		[]step{socket(253), option(0), sends(plain(24, 0, 0xdead))}},
	{"send/offset/at-the-end", checksums, "a field may be the last two bytes",
		[]step{socket(254), option(22), sends(plain(24, 22, 0xdead)), option(0), sends(plain(2, 0, 0xdead))}},
	{"send/offset/one-byte-missing", checksums, "a message that ends within the field is an error",
		[]step{socket(254), option(22), sends(text(23)).refused(), sends(plain(24, 22, 0))}},
	{"send/offset/beyond-the-end", checksums, "a message that ends before the field is an error",
		[]step{socket(254), option(22), sends(text(22)).refused(), sends(text(4)).refused(), sends(nil).refused(),
			sends(plain(24, 22, 0))}},
	{"send/offset/udp-comes-to-0", "RFC 8200 section 8.1", "UDP's checksum that comes to 0 is sent as 0xffff",
		[]step{bound(17, Host), option(6), sends(balanced(Host, Peer, 17, 6, 0, plain(16, 6, 0))).from(Host)}},
	{"send/offset/89-comes-to-0", "RFC 1071 section 1", "another protocol's checksum that comes to 0 is sent as 0",
		[]step{bound(89, Host), option(12), sends(balanced(Host, Peer, 89, 12, 0, plain(24, 12, 0xdead))).from(Host)}},
	{"send/offset/mobility-header", checksums, "protocol 135 has no field of its own: it is where the option says",
		[]step{socket(135), option(4), sends(plain(24, 4, 0xdead)), option(6), sends(plain(24, 6, 0xdead))}},
	{"send/offset/group", "RFC 8200 section 8.1", "the pseudo-header holds a multicast destination",
		[]step{socket(89), option(12), sends(plain(24, 12, 0xdead)).to(Group)}},
	{"send/offset/moved", checksums, "the option can be moved, switched off and on between packets",
		[]step{socket(89), sends(plain(24, 12, 0xdead)), option(12), sends(plain(24, 12, 0xdead)), option(4),
			sends(plain(24, 4, 0xdead)), option(-1), sends(plain(24, 4, 0xdead)), option(12), sends(plain(24, 12, 0xdead))}},
	{"send/offset/toggled-while-sending", checksums, "a packet is sent with the option or without, never in between",
		[]step{socket(253), toggled(plain(200, 14, 0xdead), 14)}},
}

func untouched(proto uint8) []step {
	return []step{socket(proto), sends(plain(24, 12, 0)), sends(ones(25)), sends(text(4))}
}
