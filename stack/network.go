package stack

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
)

// network is a network name of package net, taken apart.
type network struct {
	name      string // as it was given
	transport string // "tcp", "udp" or "ip"
	family    family
	proto     uint8 // of "ip"
}

// family restricts addresses: 0 is no restriction.
type family uint8

const (
	onlyIPv4 family = 4
	onlyIPv6 family = 6
)

func (f family) has(addr netip.Addr) bool {
	switch f {
	case onlyIPv4:
		return addr.Is4()
	case onlyIPv6:
		return addr.Is6()
	}
	return true
}

// String is the network's name as net.Resolver has it, as in "ip6".
func (f family) String() string {
	if f == 0 {
		return "ip"
	}
	return "ip" + strconv.Itoa(int(f))
}

// parseNetwork takes a network's name apart. What it does not know is a net.UnknownNetworkError.
func parseNetwork(name string) (network, error) {
	n := network{name: name, transport: name}
	base, proto, isIP := strings.Cut(name, ":")
	switch digit := base[max(len(base)-1, 0):]; digit {
	case "4", "6":
		n.family = family(digit[0] - '0')
		base = base[:len(base)-1]
	}
	n.transport = base
	switch base {
	case "tcp", "udp":
		if !isIP {
			return n, nil
		}
	case "ip":
		if isIP && n.family != 0 {
			p, err := parseProtocol(proto)
			n.proto = p
			return n, err
		}
	}
	return n, net.UnknownNetworkError(name)
}

// protocols are the names of IP protocols (the registry's "Assigned Internet Protocol Numbers") that
// a raw socket may be asked for.
var protocols = map[string]uint8{
	"icmp": 1, "igmp": 2, "tcp": 6, "udp": 17, "ipv6": 41, "gre": 47, "esp": 50, "ah": 51,
	"ipv6-icmp": 58, "ospf": 89, "ospfigp": 89, "pim": 103, "vrrp": 112, "l2tp": 115, "sctp": 132, "udplite": 136,
}

func parseProtocol(s string) (uint8, error) {
	if p, ok := protocols[strings.ToLower(s)]; ok {
		return p, nil
	}
	p, err := strconv.ParseUint(s, 10, 8)
	if err != nil {
		return 0, fmt.Errorf("IP protocol %q is neither a known name nor a number from 0 to 255: %w", s, syscall.EPROTONOSUPPORT)
	}
	return uint8(p), nil
}

// splitAddress takes "host:port" apart. A service's name is looked up in the table of the host that
// the program runs on.
func (n network) splitAddress(ctx context.Context, address string) (host string, port uint16, err error) {
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	p, err := (&net.Resolver{PreferGo: true}).LookupPort(ctx, n.name, service)
	if err != nil {
		return "", 0, err
	}
	return host, uint16(p), nil
}

// literal parses an address written in digits. ok is false for an empty host and for a name.
func (n network) literal(host string) (addr netip.Addr, ok bool, err error) {
	addr, err = netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}, false, nil
	}
	if addr = addr.Unmap(); !n.family.has(addr) {
		return addr, true, fmt.Errorf("address %v is not an IPv%d address: %w", addr, n.family, syscall.EAFNOSUPPORT)
	}
	return addr, true, nil
}

// unmap makes an IPv4 address of an IPv4-mapped one.
func unmap(ap netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// errZone: RFC 4007 section 6: a link-local address alone says not which link.
func errZone(addr netip.Addr) error {
	return fmt.Errorf("%v is link-local and needs the zone of its interface, as in %v%%eth0 (RFC 4007 section 11): %w", addr, addr, syscall.EINVAL)
}
