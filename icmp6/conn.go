package icmp6

import (
	"net"
	"time"

	"golang.org/x/net/ipv6"
)

// A Conn is a raw IPv6 socket in the shape of golang.org/x/net: the methods that
// *ipv6.PacketConn and a userspace stack's raw socket share. A program that takes
// a Conn runs unchanged on either.
//
// Buffers and messages belong to the caller again when a call returns. Methods may
// be called from several goroutines at once. What reads and writes report after
// Close is net.ErrClosed, past a deadline os.ErrDeadlineExceeded, by errors.Is.
type Conn interface {
	// ReadFrom reads one packet's payload into b. What does not fit is lost. cm is
	// nil unless SetControlMessage asked for something.
	ReadFrom(b []byte) (n int, cm *ipv6.ControlMessage, src net.Addr, err error)
	// WriteTo sends b as the payload of one packet to dst, a *net.IPAddr. cm may
	// be nil, or choose source, interface, hop limit and traffic class.
	WriteTo(b []byte, cm *ipv6.ControlMessage, dst net.Addr) (n int, err error)
	// ReadBatch reads one or more packets and returns how many.
	ReadBatch(ms []ipv6.Message, flags int) (int, error)
	// WriteBatch sends packets and returns how many of them it has sent.
	WriteBatch(ms []ipv6.Message, flags int) (int, error)

	// SetControlMessage chooses what ReadFrom reports about each packet.
	SetControlMessage(cf ipv6.ControlFlags, on bool) error

	// SetChecksum sets the option IPV6_CHECKSUM, whose values [Offset] explains.
	SetChecksum(on bool, offset int) error
	// Checksum reports whether a checksum is computed, and where.
	Checksum() (on bool, offset int, err error)
	// SetICMPFilter sets the option ICMP6_FILTER, on ICMPv6 sockets only.
	SetICMPFilter(f *ipv6.ICMPFilter) error
	// ICMPFilter returns a copy of the filter.
	ICMPFilter() (*ipv6.ICMPFilter, error)

	// HopLimit returns the hop limit of unicast packets.
	HopLimit() (int, error)
	// SetHopLimit sets the hop limit of unicast packets that follow.
	SetHopLimit(hoplim int) error
	// MulticastHopLimit returns the hop limit of multicast packets.
	MulticastHopLimit() (int, error)
	// SetMulticastHopLimit sets the hop limit of multicast packets that follow.
	SetMulticastHopLimit(hoplim int) error
	// TrafficClass returns the traffic class of packets to send.
	TrafficClass() (int, error)
	// SetTrafficClass sets the traffic class of packets that follow.
	SetTrafficClass(tclass int) error

	// MulticastInterface returns the interface that multicast packets leave by.
	MulticastInterface() (*net.Interface, error)
	// SetMulticastInterface sets the interface that multicast packets leave by.
	SetMulticastInterface(ifi *net.Interface) error
	// MulticastLoopback reports whether this host receives its own multicasts.
	MulticastLoopback() (bool, error)
	// SetMulticastLoopback says whether this host receives its own multicasts.
	SetMulticastLoopback(on bool) error
	// JoinGroup joins a multicast group on an interface; nil lets the system choose.
	JoinGroup(ifi *net.Interface, group net.Addr) error
	// LeaveGroup leaves a multicast group.
	LeaveGroup(ifi *net.Interface, group net.Addr) error

	// LocalAddr returns the local address of the socket.
	LocalAddr() net.Addr
	// SetDeadline sets the deadline of reads and writes; zero is none.
	SetDeadline(t time.Time) error
	// SetReadDeadline sets the deadline of reads; zero is none.
	SetReadDeadline(t time.Time) error
	// SetWriteDeadline sets the deadline of writes; zero is none.
	SetWriteDeadline(t time.Time) error
	// Close closes the socket; calls that wait return.
	Close() error
}

var _ Conn = (*ipv6.PacketConn)(nil)
