package stack

import (
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

const (
	defaultHops          = 64 // gVisor's, for both families
	defaultMulticastHops = 1
)

// sendOptions are what a raw or a UDP socket was told of the packets that it sends. They are part of
// one state of its options, and never change.
type sendOptions struct {
	hops, multicastHops, tos int // -1: the default
	multicastIf              int // 0: the routes decide
	loop                     bool
	dontFragment             bool
	minimumMTU               int // IPV6_USE_MIN_MTU
}

// hopsOf returns the hop limit, or time to live, of a packet. asked is the caller's for this one; 0:
// the socket's.
//
// RFC 3493 section 5.2: "If IPV6_MULTICAST_HOPS is not set, the default is 1"; RFC 1112 section 6.1
// says the same of IPv4.
func (o *sendOptions) hopsOf(f *flow, asked int) uint8 {
	multicast := f.dst.IsMulticast()
	n := o.hops
	if multicast {
		n = o.multicastHops
	}
	if asked != 0 {
		n = asked
	}
	switch {
	case n >= 0:
		return uint8(n)
	case multicast:
		return defaultMulticastHops
	}
	return f.hops
}

// trafficClass returns the traffic class, or type of service, of a packet. asked is the caller's for
// this one; 0: the socket's.
func (o *sendOptions) trafficClass(asked int) uint8 {
	if asked != 0 {
		return uint8(max(asked, 0))
	}
	return uint8(max(o.tos, 0))
}

// stays reports whether a packet is not to be fragmented. asked is the caller's for this one; nil: the
// socket's.
func (o *sendOptions) stays(asked *bool) bool {
	if asked != nil {
		return *asked
	}
	return o.dontFragment
}

// cut returns the size to which packets to dst are cut, over a path that carries mtu.
func (o *sendOptions) cut(dst netip.Addr, mtu int) int {
	if dst.Is6() && (o.minimumMTU == 1 || o.minimumMTU == -1 && dst.IsMulticast()) {
		return min(mtu, minMTU)
	}
	return mtu
}

// setMulticastInterface takes the index of ifi over, or 0 if that is nil.
func (o *sendOptions) setMulticastInterface(s *Stack, ifi *net.Interface) error {
	if ifi == nil {
		o.multicastIf = 0
		return nil
	}
	if s.byIndex(ifi.Index) == nil {
		return errNoIndex(ifi)
	}
	o.multicastIf = ifi.Index
	return nil
}

func errNoIndex(ifi *net.Interface) error {
	return fmt.Errorf("the stack has no interface with index %d: %w", ifi.Index, syscall.ENODEV)
}

// checkByte refuses what is no value of a header field of 8 bits and not -1, which asks for the
// default.
//
// RFC 3542 section 6.3 and 6.5: "x < -1: return an error of EINVAL; x == -1: use kernel default;
// 0 <= x <= 255: use x; x >= 256: return an error of EINVAL".
func checkByte(what string, v int) error {
	if v < -1 || v > 255 {
		return fmt.Errorf("%s %d is not between -1 and 255: %w", what, v, syscall.EINVAL)
	}
	return nil
}
