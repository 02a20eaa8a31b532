package conformance

import (
	"net/netip"

	"github.com/hextet/hextet/icmp6"
)

const checksums = "RFC 3542 section 3.1"

// via is a router on the wire.
var via = netip.MustParseAddr("2001:db8::3")

var echo = icmp(private, 0, text(12))

// RFC 3542 section 3.1: "By default, this socket option is disabled. Setting the offset to -1 also
// disables the option. [...] Thus, specifying a positive odd value as offset is invalid, and
// setsockopt() will fail for such offset values."
//
// "An attempt to set IPV6_CHECKSUM for an ICMPv6 socket will fail."
var optionCases = []Case{
	{"option/icmpv6/default", checksums, "an ICMPv6 socket has the option on, at offset 2",
		[]step{socket(icmpv6), readsOption(2)}},
	{"option/icmpv6/set-2", checksums, "setting the option of an ICMPv6 socket fails, to what it is too",
		[]step{socket(icmpv6), refusesOption(2), readsOption(2), sends(echo)}},
	{"option/icmpv6/set-4", checksums, "the checksum of ICMPv6 can't be moved",
		[]step{socket(icmpv6), refusesOption(4), readsOption(2), sends(echo)}},
	{"option/icmpv6/set-3", checksums, "an odd offset is refused for ICMPv6 too",
		[]step{socket(icmpv6), refusesOption(3), readsOption(2), sends(echo)}},
	{"option/icmpv6/set-off", checksums, "the checksum of ICMPv6 can't be switched off",
		[]step{socket(icmpv6), refusesOption(-1), readsOption(2), sends(echo)}},
	{"option/icmpv6/other-way-off", checksums, "no other call switches the checksum of ICMPv6 off, x/net's SetChecksum for one",
		[]step{socket(icmpv6), switchedOff, sends(echo)}},
	{"option/default/17", checksums, "a new socket has the option off", defaultOff(17)},
	{"option/default/89", checksums, "a new socket has the option off", defaultOff(89)},
	{"option/default/135", checksums, "a new socket has the option off", defaultOff(135)},
	{"option/default/253", checksums, "a new socket has the option off", defaultOff(253)},
	{"option/default/254", checksums, "a new socket has the option off", defaultOff(254)},
	{"option/set", checksums, "an even offset is set and read back",
		[]step{socket(89), option(12), readsOption(12), option(0), readsOption(0)}},
	{"option/odd", checksums, "an odd offset is refused and changes nothing",
		[]step{socket(89), refusesOption(1), readsOption(-1), option(12), refusesOption(13), readsOption(12)}},
	{"option/minus-1", checksums, "offset -1 switches the option off",
		[]step{socket(89), option(12), option(-1), readsOption(-1), sends(plain(24, 12, 0xdead))}},
	{"option/minus-7", checksums, "a negative offset that is accepted reads back as off, which is -1",
		[]step{socket(89), option(12), option(-7), readsOption(-1)}},
	{"option/beyond-any-packet", checksums, "with an offset that no packet reaches nothing can be sent, if it can be set",
		[]step{socket(89), maybeOption(1 << 20), unlessOff(sends(text(1400)).refused())}},
	{"option/per-socket", checksums, "the option of one socket does nothing to another",
		[]step{socket(89), socket(89), use(0), option(12), use(1), readsOption(-1), sends(plain(24, 12, 0xdead)),
			use(0), sends(plain(24, 12, 0xdead))}},
}

func defaultOff(proto uint8) []step { return []step{socket(proto), readsOption(-1)} }

// maybeOption sets an offset that may be refused.
func maybeOption(offset int) step {
	return stepFunc(func(r *rig) error {
		r.did("IPV6_CHECKSUM = %d", offset)
		if err := setOffset(r.current, offset); err == nil {
			r.current.offset = offset
		}
		return nil
	})
}

// unlessOff does a step if the socket has a checksum.
func unlessOff(s step) step {
	return stepFunc(func(r *rig) error {
		if r.current.offset == icmp6.Disabled {
			return nil
		}
		return s.do(r)
	})
}
