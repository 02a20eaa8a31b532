package conformance

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

const minimumMTU = 1280 // RFC 8200 section 5

// RFC 3542 section 11.1, of IPV6_USE_MIN_MTU: "The default value of this option is -1", with which
// "Packets to multicast destinations are sent with the minimum MTU" and path MTU discovery is done for
// unicast ones.
var pathCases = []Case{
	{"path/too-big", "RFC 8201 section 4", "after a Packet Too Big, what is larger is sent in fragments that fit",
		[]step{socket(icmpv6), sends(long).showing(atMost(MTU, 0)), tooBig(1400), sends(long).showing(atMost(1400, 2))}},
	{"path/too-big-89", "RFC 8201 section 4", "after a Packet Too Big, so is what is larger of another protocol, with the checksum of the whole",
		[]step{socket(89), option(12), sends(plain(1450, 12, 0xdead)), tooBig(1400),
			sends(plain(1450, 12, 0xdead)).showing(atMost(1400, 2))}},
	{"path/too-small", "RFC 8201 section 4", "a Packet Too Big of less than 1280 makes no packet smaller than 1280",
		[]step{socket(icmpv6), sends(long), tooBig(600),
			sends(icmp(private, 0, text(1200))).showing(atMost(minimumMTU, 0))}},
	{"path/too-large", "RFC 8201 section 4", "a Packet Too Big does not raise what the link allows",
		[]step{socket(icmpv6), sends(long), tooBig(9000), sends(icmp(private, 0, text(3000))).showing(atMost(MTU, 3))}},
	{"path/dont-fragment", "RFC 3542 section 11.2", "with IPV6_DONTFRAG, what is larger than the MTU is an error",
		[]step{socket(icmpv6), sets("IPV6_DONTFRAG on", "SetDontFragment", func(s FragmentSetter) error { return s.SetDontFragment(true) }),
			sends(icmp(private, 0, text(1457))).refused(), sends(long)}},
	{"path/minimum", "RFC 3542 section 11.1", "with IPV6_USE_MIN_MTU 1, packets are at most 1280 bytes",
		[]step{socket(icmpv6), sets("IPV6_USE_MIN_MTU = 1", "SetUseMinimumMTU", func(s FragmentSetter) error { return s.SetUseMinimumMTU(1) }),
			sends(long).showing(atMost(minimumMTU, 2))}},
	{"path/minimum-for-groups", "RFC 3542 section 11.1", "packets to groups are at most 1280 bytes, unless the program says otherwise",
		[]step{socket(icmpv6), sends(long).to(Group).showing(atMost(minimumMTU, 2))}},
}

// long is a message that just fits the link.
var long = icmp(private, 0xdead, text(MTU-headerLen-4))

// tooBig is what a router on the path says about the packet that Host sent to Peer.
//
// RFC 4443 section 3.2: "As much of invoking packet as possible without the ICMPv6 packet exceeding
// the minimum IPv6 MTU".
func tooBig(mtu int) step {
	return stepFunc(func(r *rig) error {
		c := r.current
		quote := long
		if c.proto != icmpv6 {
			quote = plain(len(long), 12, 0)
		}
		for _, from := range []netip.Addr{Host, Second} { // whichever the host spoke from
			sent := ip6(from, Peer, c.proto, 64, 0, quote)
			msg := binary.BigEndian.AppendUint32([]byte{2, 0, 0, 0}, uint32(mtu))
			msg = append(msg, sent[:minimumMTU-headerLen-8]...)
			a := arrives(msg).ofProtocol(icmpv6).sealedAt(2).from(via).to(from)
			if _, err := a.inject(r); err != nil {
				return err
			}
		}
		r.did("a router says: packet too big, %d", mtu)
		return r.settle()
	})
}

// atMost expects packets of a size, and how many fragments, if any.
func atMost(size, fragments int) func(packet) error {
	return func(p packet) error {
		if p.largest > size || p.fragments != fragments {
			return deviates(fmt.Sprintf("%d fragments of at most %d bytes", fragments, size), "%d fragments, packets of %d bytes", p.fragments, p.largest)
		}
		return nil
	}
}
