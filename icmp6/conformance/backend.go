package conformance

import (
	"context"
	"net"
	"net/netip"
	"time"

	"github.com/hextet/hextet/icmp6"
	"golang.org/x/net/ipv6"
)

// The network that a [Backend] provides: one host with one interface, on a wire of which the suite
// plays all the rest. Peer and every other address of 2001:db8::/64 are on that wire, and need no
// neighbour discovery, or one that the backend does unseen.
var (
	// Host and Second are the addresses of the host, both in a /64, both ready for use.
	Host   = netip.MustParseAddr("2001:db8::1")
	Second = netip.MustParseAddr("2001:db8::11")
	// Peer is where the suite's packets come from.
	Peer = netip.MustParseAddr("2001:db8::2")
	// Group is joined by sockets where a case says so, and by nobody else.
	Group = netip.MustParseAddr("ff02::4242")
)

// MTU is that of the host's interface, in bytes of IPv6 packet.
const MTU = 1500

// A Backend is a host with raw sockets, and the far end of its only wire.
//
// All methods are called on the goroutine that made the Backend, so that one which is bound to an
// operating system thread, in a network namespace for example, works.
type Backend interface {
	// Interface is the host's, for calls that take one. Index and Name count.
	Interface() *net.Interface
	// Open opens a raw socket of a protocol, bound to one of the host's addresses, or to
	// none if local is the zero Addr. The suite closes it.
	Open(proto uint8, local netip.Addr) (Socket, error)
	// Inject puts an IPv6 packet on the wire, for the host to receive. The host handles
	// packets in the order of the calls, and may do so after Inject has returned. The
	// packet belongs to the caller again.
	Inject(packet []byte) error
	// Capture returns the next IPv6 packet that the host put on the wire, in the order
	// in which the host sent them. It waits for one until ctx is done. The packet is the
	// caller's.
	Capture(ctx context.Context) ([]byte, error)
}

// A Socket is what every raw socket can do. *ipv6.PacketConn of golang.org/x/net is one, and so is
// every [icmp6.Conn]. One case sets an option on one goroutine while it writes on another.
//
// What else a socket can do is looked for by name: SetChecksum and Checksum, SetControlMessage,
// SetHopLimit, SetTrafficClass, JoinGroup and LeaveGroup as icmp6.Conn has them, and the methods of
// the interfaces below. Options are read by ChecksumOffset() int and Filter() icmp6.Filter, or by
// icmp6.Conn's Checksum and ICMPFilter. A case that needs a method which the socket does not have
// deviates, and says so.
type Socket interface {
	// ReadFrom reads one packet's payload, what the host has received in order.
	ReadFrom(b []byte) (n int, cm *ipv6.ControlMessage, src net.Addr, err error)
	// WriteTo sends one packet to dst, a *net.IPAddr or, if the socket is connected, nil.
	WriteTo(b []byte, cm *ipv6.ControlMessage, dst net.Addr) (n int, err error)
	// SetReadDeadline makes ReadFrom fail from then on.
	SetReadDeadline(t time.Time) error
	Close() error
}

var _ Socket = icmp6.Conn(nil)

// An OffsetSetter has the option IPV6_CHECKSUM to the letter of RFC 3542 section 3.1: an offset, or
// a negative number. For a socket without, the suite calls SetChecksum of [icmp6.Conn].
type OffsetSetter interface{ SetChecksumOffset(offset int) error }

// A FilterSetter has the option ICMP6_FILTER of RFC 3542 section 3.2. For a socket without, the
// suite calls SetICMPFilter of [icmp6.Conn], whose argument is empty on some systems.
type FilterSetter interface{ SetFilter(f icmp6.Filter) error }

// A Connector can be told its peer. The zero Addr undoes it.
type Connector interface{ Connect(addr netip.Addr) error }

// A HeaderSetter puts extension headers in front of what it sends, as the sticky options
// IPV6_HOPOPTS, IPV6_DSTOPTS and IPV6_RTHDR of RFC 3542 section 6 do. A header is whole, with its
// Next Header field, whose value the host fills in, and its length. nil takes it away.
type HeaderSetter interface {
	SetHopByHop(header []byte) error
	SetDestinationOptions(header []byte) error
	SetRoutingHeader(header []byte) error
}

// A FragmentSetter has the options IPV6_DONTFRAG and IPV6_USE_MIN_MTU of RFC 3542 section 11. The
// values of the latter are those of the RFC: -1, 0 and 1.
type FragmentSetter interface {
	SetDontFragment(on bool) error
	SetUseMinimumMTU(value int) error
}

// The methods of icmp6.Conn that not every case needs.
type (
	checksumSetter interface {
		SetChecksum(on bool, offset int) error
	}
	checksumGetter interface {
		Checksum() (on bool, offset int, err error)
	}
	icmpFilterSetter interface {
		SetICMPFilter(f *ipv6.ICMPFilter) error
	}
	icmpFilterGetter interface {
		ICMPFilter() (*ipv6.ICMPFilter, error)
	}
	offsetGetter  interface{ ChecksumOffset() int } // -1: off
	filterGetter  interface{ Filter() icmp6.Filter }
	controlSetter interface {
		SetControlMessage(cf ipv6.ControlFlags, on bool) error
	}
	groupMember interface {
		JoinGroup(ifi *net.Interface, group net.Addr) error
		LeaveGroup(ifi *net.Interface, group net.Addr) error
	}
	hopSetter   interface{ SetHopLimit(hoplim int) error }
	classSetter interface{ SetTrafficClass(tclass int) error }
)
