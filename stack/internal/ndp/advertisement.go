// Package ndp reads and writes the messages of neighbour discovery (RFC 4861 section 4), with the options
// that a host lives by, as far as the stack and the lab need them. It is pure: no I/O, no clock.
package ndp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"time"

	"github.com/hextet/hextet/icmp6"
)

// The ICMPv6 types of RFC 4861 section 4.
const (
	TypeRouterSolicitation    = 133
	TypeRouterAdvertisement   = 134
	TypeNeighborSolicitation  = 135
	TypeNeighborAdvertisement = 136
)

// Forever is the lifetime that has all bits set (RFC 4861 section 4.6.2).
const Forever time.Duration = math.MaxInt64

// Preference is how a router ranks itself or a route (RFC 4191 section 2.1).
type Preference int8

const (
	Low    Preference = -1
	Medium Preference = 0
	High   Preference = 1
)

// Advertisement is a Router Advertisement. Where a field of the message is 0 for "unspecified", it is
// 0 here. A message of n bytes holds less than n/2 of everything.
type Advertisement struct {
	Router         netip.Addr       // the sender
	LinkAddr       net.HardwareAddr // its link-layer address; nil: it does not say
	HopLimit       uint8
	Managed, Other bool
	Preference     Preference
	Lifetime       time.Duration // as a default router; 0: it is none
	Reachable      time.Duration
	Retrans        time.Duration
	MTU            uint32
	Prefixes       []Prefix
	Routes         []Route
	Servers        []Server
	Search         []Domain
}

// Prefix is a Prefix Information option (RFC 4861 section 4.6.2).
type Prefix struct {
	Prefix             netip.Prefix
	OnLink, Autonomous bool
	Valid, Preferred   time.Duration
}

// Route is a Route Information option (RFC 4191 section 2.3).
type Route struct {
	Prefix     netip.Prefix
	Preference Preference
	Lifetime   time.Duration
}

// Server is an address of a Recursive DNS Server option (RFC 8106 section 5.1).
type Server struct {
	Addr     netip.Addr
	Lifetime time.Duration
}

// Domain is a name of a DNS Search List option (RFC 8106 section 5.2), without a final dot.
type Domain struct {
	Name     string
	Lifetime time.Duration
}

const headerLen = 16 // of a Router Advertisement before its options

// ParseAdvertisement returns the Router Advertisement in an IPv6 packet's payload, or why it has to be
// discarded. RFC 4861 section 6.1.2:
//
//   - IP Source Address is a link-local address.
//   - The IP Hop Limit field has a value of 255.
//   - ICMP Checksum is valid.
//   - ICMP Code is 0.
//   - ICMP length (derived from the IP length) is 16 or more octets.
//   - All included options have a length that is greater than zero.
func ParseAdvertisement(src, dst netip.Addr, hopLimit int, msg []byte) (*Advertisement, error) {
	switch {
	case !src.Is6() || !src.IsLinkLocalUnicast():
		return nil, fmt.Errorf("the source %v is not link-local", src)
	case hopLimit != 255:
		return nil, fmt.Errorf("the hop limit is %d, not 255", hopLimit)
	case len(msg) < headerLen:
		return nil, fmt.Errorf("%d bytes, less than %d", len(msg), headerLen)
	case msg[0] != TypeRouterAdvertisement || msg[1] != 0:
		return nil, fmt.Errorf("type %d, code %d", msg[0], msg[1])
	case !icmp6.Valid(src, dst, msg):
		return nil, errors.New("the checksum is wrong")
	}
	ra := &Advertisement{
		Router:     src.WithZone(""),
		HopLimit:   msg[4],
		Managed:    msg[5]&0x80 != 0,
		Other:      msg[5]&0x40 != 0,
		Preference: Medium,
		Lifetime:   time.Duration(binary.BigEndian.Uint16(msg[6:])) * time.Second,
		Reachable:  time.Duration(binary.BigEndian.Uint32(msg[8:])) * time.Millisecond,
		Retrans:    time.Duration(binary.BigEndian.Uint32(msg[12:])) * time.Millisecond,
	}
	// RFC 4191 section 2.2: "If the Router Lifetime is zero, the preference value MUST be set to (00) by
	// the sender and MUST be ignored by the receiver. If the Reserved (10) value is received, the
	// receiver MUST treat the value as if it were (00)."
	if p, ok := preference(msg[5]); ok && ra.Lifetime > 0 {
		ra.Preference = p
	}
	return ra, options(msg[headerLen:], ra.option)
}

// preference reads the two bits that RFC 4191 puts in the same place everywhere. (10) is reserved.
func preference(flags byte) (p Preference, ok bool) {
	switch flags >> 3 & 3 {
	case 0b01:
		return High, true
	case 0b00:
		return Medium, true
	case 0b11:
		return Low, true
	}
	return Medium, false
}

// seconds reads a lifetime.
func seconds(b []byte) time.Duration {
	s := binary.BigEndian.Uint32(b)
	if s == math.MaxUint32 {
		return Forever
	}
	return time.Duration(s) * time.Second
}
