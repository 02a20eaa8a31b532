package icmp6

import (
	"context"
	"fmt"
	"net"
	"net/netip"
)

// HostSource returns the source address that the host chooses now for packets to dst,
// without a zone. It connects a UDP socket to dst and asks for its local address; no
// packet is sent and no privilege needed. A zone of dst, which may be any IPv6
// address, is the interface to leave by; Linux before 5.7 takes CAP_NET_RAW for that.
//
// The host decides by its routes and addresses of this moment, so the answer is not
// for keeping. Errors are the host's, ENETUNREACH if it has no route, and
// errors.ErrUnsupported for a zone with which this system can't restrict a socket, as
// HostConfig.Interface says.
func HostSource(dst netip.Addr) (netip.Addr, error) {
	src, err := hostSource(dst)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("icmp6: source for %v: %w", dst, err)
	}
	return src, nil
}

func hostSource(dst netip.Addr) (netip.Addr, error) {
	if !isIPv6(dst) {
		return netip.Addr{}, fmt.Errorf("%w: destination %v", ErrFamily, dst)
	}
	bind, err := restrict(dst)
	if err != nil {
		return netip.Addr{}, err
	}
	// A socket that was connected before keeps its source when it is connected
	// again: each question needs its own. Port 9 discards, and nothing is sent.
	d := net.Dialer{Control: bind}
	c, err := d.DialUDP(context.Background(), "udp6", netip.AddrPort{}, netip.AddrPortFrom(dst, 9))
	if err != nil {
		return netip.Addr{}, err
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().WithZone(""), nil
}

// isIPv6 reports whether a is an address that an IPv6 header should have, which one
// with an IPv4 address inside is not (RFC 4291 section 2.5.5.2: it represents an
// IPv4 node).
func isIPv6(a netip.Addr) bool { return a.Is6() && !a.Is4In6() }
