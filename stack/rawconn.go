package stack

import (
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"github.com/hextet/hextet/icmp6"
	"golang.org/x/net/ipv6"
)

// A RawConn is a raw IPv6 socket with the methods of *ipv6.PacketConn of golang.org/x/net, so that a
// program written against icmp6.Conn runs on it as on a kernel's. It needs no privileges.
//
// What is written is a packet's payload: the stack makes the IPv6 header, with the source that it
// chooses, and fragments up to 65535 bytes. Only then, over the final addresses, it computes the
// checksum, whatever the field held: for ICMPv6 always, for others where SetChecksumOffset says (RFC
// 3542 section 3.1). What is read is the payload behind all extension headers, reassembled, of every
// packet of the protocol that came to one of the stack's addresses or groups, with a right checksum.
// Each socket gets its own copy. A packet stays for other users, the echo responder for one. ReadMsg
// and WriteMsg carry what goes beside the payload, extension headers included.
//
// The way to a destination and the source are looked up once, and again when an address, a flag, a
// route, an interface or what is known of the path has changed.
//
// All methods may be called from several goroutines at once, and keep none of the caller's slices.
// Errors are *net.OpError; errors.Is finds the errno, net.ErrClosed, os.ErrDeadlineExceeded,
// icmp6's errors and srcselect.ErrNoSource.
type RawConn struct{ *rawSocket }

var _ icmp6.Conn = (*RawConn)(nil)

// ListenRaw opens a raw IPv6 socket for a protocol number from 1 to 255. It receives what comes to
// addr, one of the stack's addresses, flagged SkipAsSource or not, and to the stack's groups; and it
// sends from there. A zone, which a link-local addr should have, restricts it to that interface. The
// zero and the unspecified address stand for all, and source selection decides for each packet.
//
// The numbers of extension headers (0, 43, 44, 60) and of no next header (59) name no upper layer, so
// nothing is received for them.
func (s *Stack) ListenRaw(proto uint8, addr netip.Addr) (*RawConn, error) {
	c, err := s.listenRaw(false, proto, addr)
	if err != nil {
		return nil, err
	}
	return &RawConn{c}, nil
}

// SetChecksumOffset sets the option IPV6_CHECKSUM as RFC 3542 section 3.1 has it: the offset of the
// checksum in the payload, or a negative number for none. For ICMPv6, odd and too large offsets it
// fails with errors that icmp6.NewOffset explains, and changes nothing.
func (c *RawConn) SetChecksumOffset(offset int) error {
	return c.set(func(o *rawOptions) error {
		n, err := icmp6.NewOffset(c.key.proto, offset)
		if err == nil {
			o.checksum = n
		}
		return err
	})
}

// ChecksumOffset returns the option IPV6_CHECKSUM: -1 for none.
func (c *RawConn) ChecksumOffset() int { return int(c.opt.Load().checksum) }

// SetChecksum is SetChecksumOffset in the shape of golang.org/x/net: with on false there is no
// checksum, whatever the offset. Since programs written for other systems do so, for ICMPv6 it
// accepts to be told what is the case, (true, 2), and nothing else.
func (c *RawConn) SetChecksum(on bool, offset int) error {
	switch {
	case on && c.isICMPv6() && offset == icmp6.ChecksumOffset:
		return nil
	case on && offset < 0:
		return c.opError("set", nil, fmt.Errorf("checksum offset %d is negative: %w", offset, syscall.EINVAL))
	case !on:
		offset = icmp6.Disabled
	}
	return c.SetChecksumOffset(offset)
}

// Checksum reports whether a checksum is computed and verified, and at which offset; without one the
// offset is 0.
func (c *RawConn) Checksum() (on bool, offset int, err error) {
	if c.closed() {
		return false, 0, c.opError("get", nil, net.ErrClosed)
	}
	o := c.ChecksumOffset()
	return o >= 0, max(o, 0), nil
}

// SetFilter sets the option ICMP6_FILTER (RFC 3542 section 3.2) for packets that come from now on.
// On a socket of another protocol it is syscall.EOPNOTSUPP.
func (c *RawConn) SetFilter(f icmp6.Filter) error {
	return c.set(func(o *rawOptions) error {
		if !c.isICMPv6() {
			return fmt.Errorf("ICMP6_FILTER on a socket of protocol %d: %w", c.key.proto, syscall.EOPNOTSUPP)
		}
		o.filter = f
		return nil
	})
}

// Filter returns the option ICMP6_FILTER.
func (c *RawConn) Filter() icmp6.Filter { return c.opt.Load().filter }

// SetICMPFilter is SetFilter with the type of golang.org/x/net. Where that type is empty, on Windows
// for one, it fails with errors.ErrUnsupported.
func (c *RawConn) SetICMPFilter(f *ipv6.ICMPFilter) error {
	filter, err := icmp6.FilterOf(f)
	if err != nil {
		return c.opError("set", nil, err)
	}
	return c.SetFilter(filter)
}

// ICMPFilter returns a copy of the filter. It fails where SetICMPFilter does.
func (c *RawConn) ICMPFilter() (*ipv6.ICMPFilter, error) {
	if !c.isICMPv6() {
		return nil, c.opError("get", nil, syscallError("getsockopt", syscall.EOPNOTSUPP))
	}
	f, err := c.Filter().ICMPFilter()
	if err != nil {
		return nil, c.opError("get", nil, err)
	}
	return f, nil
}

// HopLimit returns the hop limit that was set for unicast packets, or 64: without one they have what a
// router has advertised to their interface (RFC 4861 section 6.3.4), and 64 if none has.
func (c *RawConn) HopLimit() (int, error) { return c.get(hopsOption, defaultHops) }

// SetHopLimit sets the hop limit of unicast packets, from 0 to 255, or -1 for the default.
func (c *RawConn) SetHopLimit(hoplim int) error { return c.setByte("hop limit", hoplim, hopsOption) }

// MulticastHopLimit returns the hop limit of multicast packets, which is 1 on a new socket.
func (c *RawConn) MulticastHopLimit() (int, error) {
	return c.get(multicastHopsOption, defaultMulticastHops)
}

// SetMulticastHopLimit sets the hop limit of multicast packets, from 0 to 255, or -1 for the default.
// With 0 they do not leave the host.
func (c *RawConn) SetMulticastHopLimit(hoplim int) error {
	return c.setByte("multicast hop limit", hoplim, multicastHopsOption)
}

// TrafficClass returns the traffic class of packets, which is 0 on a new socket.
func (c *RawConn) TrafficClass() (int, error) { return c.get(tosOption, 0) }

// SetTrafficClass sets the traffic class of packets, from 0 to 255, or -1 for the default.
func (c *RawConn) SetTrafficClass(tclass int) error {
	return c.setByte("traffic class", tclass, tosOption)
}

// PacketConn returns the socket as a net.PacketConn, whose addresses are *net.IPAddr. Both are the
// same socket: closing one closes the other.
func (c *RawConn) PacketConn() net.PacketConn { return rawPacketConn{c.rawSocket} }

// rawPacketConn is a raw socket of either family without control messages.
type rawPacketConn struct{ *rawSocket }

func (c rawPacketConn) ReadFrom(b []byte) (n int, src net.Addr, err error) {
	return c.receiveFrom(b, nil)
}

func (c rawPacketConn) WriteTo(b []byte, dst net.Addr) (int, error) {
	return c.sendTo([][]byte{b}, &rawHeader{}, dst)
}
