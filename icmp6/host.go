package icmp6

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/net/ipv6"
)

// HostConfig says which raw socket of the host ListenHost opens. The zero HostConfig
// is one for ICMPv6 on all addresses and interfaces.
type HostConfig struct {
	// Protocol is the number in the Next Header field, from 1 to 254. Zero means
	// ICMPv6.
	Protocol uint8
	// Local is the address to receive at and to send from. Zero, as ::, means all,
	// and that the host chooses the source of each packet. A link-local address
	// needs a zone; any zone means what Interface does. ListenHost drops what a
	// socket received before the host restricted it to either.
	Local netip.Addr
	// Interface is the name of the only interface to use. Empty means all, or
	// the zone of Local. Linux, Android and Apple's systems can do this for any
	// address, others only for a link-local Local.
	Interface string
}

// A HostConn is a raw IPv6 socket of the host's kernel. It has the methods of [Conn]
// and all others of *ipv6.PacketConn of golang.org/x/net, with what they say about
// systems that lack something. Where the kernels differ, it holds on to RFC 3542 as
// SetChecksum says.
type HostConn struct {
	*kernelConn
	conn  net.PacketConn
	proto uint8
	zone  string // of the interface that it is restricted to
}

type kernelConn = ipv6.PacketConn // embedded, and yet not a field for everyone

var _ Conn = (*HostConn)(nil)

const rawProtocol = 255 // IPPROTO_RAW

// ListenHost opens a raw IPv6 socket of the host's kernel. That takes privileges:
// without them the error is fs.ErrPermission. On systems where Go has no raw sockets
// (js, wasip1, Plan 9), and for an interface that this system can't restrict a socket
// to, it is errors.ErrUnsupported. The kernel's other errors are found by errors.Is
// too.
func ListenHost(cfg HostConfig) (*HostConn, error) {
	if cfg.Protocol == 0 {
		cfg.Protocol = Protocol
	}
	c, err := listenHost(cfg)
	if err != nil {
		hint := ""
		if errors.Is(err, fs.ErrPermission) {
			hint = " (raw sockets need root, or CAP_NET_RAW on Linux)"
		}
		return nil, fmt.Errorf("icmp6: raw socket of the host for protocol %d: %w%s", cfg.Protocol, err, hint)
	}
	return c, nil
}

func listenHost(cfg HostConfig) (*HostConn, error) {
	if !hostHasRawSockets {
		return nil, fmt.Errorf("none on %s: %w", runtime.GOOS, errors.ErrUnsupported)
	}
	local, lc, err := cfg.bind()
	if err != nil {
		return nil, err
	}
	conn, err := lc.ListenPacket(context.Background(), "ip6:"+strconv.Itoa(int(cfg.Protocol)), local.String())
	if err != nil {
		return nil, err
	}
	c := &HostConn{ipv6.NewPacketConn(conn), conn, cfg.Protocol, local.Zone()}
	if err := c.prepare(!local.IsUnspecified() || local.Zone() != ""); err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

// bind checks the configuration and returns the address to bind to, with a zone if
// there is an interface, and how to do so.
func (cfg HostConfig) bind() (local netip.Addr, lc net.ListenConfig, err error) {
	if cfg.Protocol == rawProtocol {
		return local, lc, fmt.Errorf("its packets would need their own IPv6 headers: %w", syscall.EINVAL)
	}
	local = cfg.Local
	switch {
	case !local.IsValid():
		local = netip.IPv6Unspecified()
	case !local.Is6() || local.Is4In6():
		return local, lc, fmt.Errorf("local address %v is not IPv6: %w", local, syscall.EAFNOSUPPORT)
	}
	switch {
	case cfg.Interface == "":
	case local.Zone() == "":
		local = local.WithZone(cfg.Interface)
	case local.Zone() != cfg.Interface:
		return local, lc, fmt.Errorf("local address %v is not of interface %s: %w", local, cfg.Interface, syscall.EINVAL)
	}
	if local.IsLinkLocalUnicast() && local.Zone() == "" {
		return local, lc, fmt.Errorf("link-local address %v without a zone: %w", local, syscall.EINVAL)
	}
	lc.Control, err = restrict(local)
	return local, lc, err
}

// prepare makes a new socket what HostConfig and RFC 3542 say of it.
func (c *HostConn) prepare(restricted bool) error {
	if restricted {
		if err := dropEarly(c.conn); err != nil {
			return err
		}
	}
	return c.disableDefault()
}

// disableDefault switches a checksum off that the host computes without being asked,
// as Linux does for Mobile IPv6 (protocol 135): RFC 3542 section 3.1 has none by
// default but ICMPv6's.
func (c *HostConn) disableDefault() error {
	on, _, err := c.Checksum()
	if c.proto == Protocol || err != nil || !on {
		return nil // an error is that of a host without the option
	}
	return c.SetChecksum(false, 0)
}

// SetChecksum sets the option IPV6_CHECKSUM: with on the host computes the checksum
// at the offset of what is sent, and drops what comes with a wrong one.
//
// For ICMPv6 it accepts (true, 2), which is always so, and nothing else, although
// Linux would. It fails with [NewOffset]'s errors.
func (c *HostConn) SetChecksum(on bool, offset int) error {
	o, err := setChecksum(c.proto, on, offset)
	if err != nil || c.proto == Protocol {
		return err
	}
	return c.kernelConn.SetChecksum(o >= 0, max(int(o), 0))
}

// setChecksum is what Conn.SetChecksum(on, offset) makes of the option. Programs
// written for Linux tell an ICMPv6 socket what is the case anyway, (true, 2): that is
// no error.
func setChecksum(proto uint8, on bool, offset int) (Offset, error) {
	switch {
	case on && proto == Protocol && offset == ChecksumOffset:
		return ChecksumOffset, nil
	case on && offset < 0:
		return DefaultOffset(proto), fmt.Errorf("icmp6: checksum offset %d is negative: %w", offset, syscall.EINVAL)
	case !on:
		offset = Disabled
	}
	return NewOffset(proto, offset)
}

// Checksum reports whether the host computes and verifies a checksum, and at which
// offset; without one the offset is 0.
func (c *HostConn) Checksum() (on bool, offset int, err error) {
	on, offset, err = c.kernelConn.Checksum()
	if err != nil {
		return false, 0, err
	}
	// The option is an int of 32 bits, -1 for none, which golang.org/x/net does
	// not extend.
	if !on || int32(offset) < 0 {
		return false, 0, nil
	}
	return true, offset, nil
}

// SetFilter sets the option ICMP6_FILTER from the portable [Filter]. It fails with
// errors.ErrUnsupported where [Filter.ICMPFilter] does.
func (c *HostConn) SetFilter(f Filter) error {
	x, err := f.ICMPFilter()
	if err != nil {
		return err
	}
	return c.kernelConn.SetICMPFilter(x)
}

// SetICMPFilter sets the option ICMP6_FILTER; nil passes all types.
func (c *HostConn) SetICMPFilter(f *ipv6.ICMPFilter) error {
	if f == nil {
		return c.SetFilter(Filter{})
	}
	return c.kernelConn.SetICMPFilter(f)
}

// LocalAddr returns the local address, a *net.IPAddr whose zone is the interface that
// the socket is restricted to, if any.
func (c *HostConn) LocalAddr() net.Addr {
	a, ok := c.conn.LocalAddr().(*net.IPAddr)
	if !ok {
		return c.conn.LocalAddr()
	}
	return &net.IPAddr{IP: a.IP, Zone: c.zone}
}

// PacketConn returns the socket as a net.PacketConn, whose addresses are *net.IPAddr.
// Both are the same socket: closing one closes the other.
func (c *HostConn) PacketConn() net.PacketConn { return c.conn }
