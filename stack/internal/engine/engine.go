// Package engine binds gVisor's netstack: it wraps the IPv4 and IPv6 protocols so that the choice of
// a source address, the echo responder and raw delivery are the embedding stack's, and leaves the
// rest of TCP/IP to gVisor.
//
// gVisor asserts endpoints and protocols to interfaces, never to concrete types. A wrapper that
// embeds one interface holding the union of everything asserted therefore keeps every assertion true
// by method promotion and overrides only what it names. New panics when an update of gVisor changes
// one of those method sets.
package engine

import (
	"math/rand/v2"
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/network/arp"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/icmp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
)

// Hooks are the decisions that the embedding stack takes. They run with gVisor's locks held: they
// must not block and must not call the engine, or a waiting writer deadlocks both.
type Hooks struct {
	// Source chooses the source for dst on interface nic. hint is the SourceHint of the route that
	// gVisor found, or the zero Addr.
	Source func(nic int, dst, hint netip.Addr) (netip.Prefix, bool)

	// EchoReply reports whether nic answers echo requests.
	EchoReply func(nic int) bool

	// Raw delivers a packet that reached this host to raw sockets and reports whether one took it.
	// The packet is only borrowed.
	Raw func(p RawPacket) bool

	// Advertisement is shown every Router Advertisement to this host, unchecked and borrowed.
	Advertisement func(p RawPacket)

	// Claim is shown the Neighbor Solicitations and Neighbor Advertisements that come to nic, if it has or
	// had optimistic addresses. They are unchecked and borrowed, and may be from one of the host's own
	// addresses.
	Claim func(nic int, src, dst netip.Addr, hopLimit int, msg []byte)

	// Unique reports whether an address of nic is done with duplicate address detection, or never had to
	// pass it.
	Unique func(nic int, addr netip.Addr) bool

	// Error tells of an ICMP error about a packet of this host. The message is only borrowed. No lock
	// of gVisor's table of endpoints is held: that may be asked.
	Error func(e ErrorMessage)

	// PathMTU returns the size of the largest packet that reaches dst by nic, or 0 if that is not
	// known.
	PathMTU func(nic int, dst netip.Addr) int

	// Datagram gives a UDP datagram to its sockets and reports whether there are any.
	Datagram func(d *Datagram) bool

	// Neighbor is told what neighbour unreachability detection (RFC 4861 section 7.3) found: that a
	// neighbour on nic answers, or no longer does.
	Neighbor func(nic int, addr netip.Addr, answers bool)

	// RawOpen reports whether there is a raw IPv6 socket of a protocol.
	RawOpen func(proto uint8) bool

	// Rand is what Identification fields are taken from.
	Rand *rand.Rand

	// RawTCP reports whether there is a raw socket of TCP: it must see segments, not runs of them.
	RawTCP func(v4 bool) bool
}

// Options are the parts of gVisor that a stack may leave out or replace.
type Options struct {
	Hooks  Hooks
	Router RouterHooks
	Routed *RouterCounters // counts packets in transit
	Clock  tcpip.Clock     // nil: real time
	NoTCP  bool            // leaves TCP and its goroutines out
	Seed   rand.Source     // nil: what gVisor does by itself is not to be foreseen
}

// New returns a netstack whose decisions are o.Hooks'.
func New(o Options) *stack.Stack {
	quiet()
	transports := []stack.TransportProtocolFactory{udp.NewProtocol, icmp.NewProtocol4, icmp.NewProtocol6}
	if !o.NoTCP {
		transports = append(transports, tcp.NewProtocol)
	}
	r := &router{RouterCounters: o.Routed, hooks: o.Router}
	if o.Clock == nil {
		o.Clock = newClock()
	}
	s := stack.New(stack.Options{
		NetworkProtocols: []stack.NetworkProtocolFactory{
			wrap4(ipv4.NewProtocolWithOptions(ipv4.Options{
				IGMP: ipv4.IGMPOptions{Enabled: true},
			}), &o.Hooks, r),
			wrap6(ipv6.NewProtocolWithOptions(ipv6.Options{
				MLD: ipv6.MLDOptions{Enabled: true},
			}), &o.Hooks, r),
			arp.NewProtocol,
		},
		TransportProtocols: transports,
		NUDDisp:            neighborEvents{&o.Hooks},
		Clock:              o.Clock,
		RandSource:         source(o.Seed),
		SecureRNG:          reader(o.Seed),
		IPTables:           new(stack.IPTables), // never modified, so never looked into: DefaultTables would be 8 KiB of rules
		// Off, packets to own addresses would leave on the link.
		HandleLocal: true,
	})
	if !o.NoTCP {
		chooseRecovery(s)
	}
	return s
}
