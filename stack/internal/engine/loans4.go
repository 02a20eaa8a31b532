package engine

import (
	"slices"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// lentMax is how many addresses an endpoint keeps after use, which saves lending them again.
const lentMax = 8

// loan is an address that the endpoint was given.
type loan struct {
	e    *addresses4
	addr tcpip.Address
	uses int // packets in hand that need it
	last uint64
}

// lend gives the endpoint an own or broadcast address for the time until it is released. It returns nil for
// an address that is neither.
func (e *addresses4) lend(addr tcpip.Address) *loan {
	ep := e.AcquireAssignedAddress(addr, false, stack.NeverPrimaryEndpoint, true)
	if ep == nil {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.clock++
	n := slices.IndexFunc(e.lent, func(l *loan) bool { return l.addr == addr })
	if n < 0 {
		// Again: it may have been removed before the lock was taken.
		if ep = e.AcquireAssignedAddress(addr, false, stack.NeverPrimaryEndpoint, true); ep == nil {
			return nil
		}
		e.makeRoom()
		if !e.enter(e.endpoint4Methods, tcpip.AddressWithPrefix{Address: addr, PrefixLen: ep.AddressWithPrefix().PrefixLen}) {
			return nil // the limited broadcast address, which it always has
		}
		n = len(e.lent)
		e.lent = append(e.lent, &loan{e: e, addr: addr})
	}
	l := e.lent[n]
	l.uses++
	l.last = e.clock
	return l
}

// makeRoom takes back what has been idle for longest while there is too much. e.mu is held.
func (e *addresses4) makeRoom() {
	for len(e.lent) >= lentMax {
		var idle *loan
		for _, l := range e.lent {
			if l.uses == 0 && (idle == nil || l.last < idle.last) {
				idle = l
			}
		}
		if idle == nil {
			return
		}
		e.takeBack(idle.addr)
	}
}

// takeBack makes the endpoint forget an address. e.mu is held.
func (e *addresses4) takeBack(addr tcpip.Address) {
	if n := slices.IndexFunc(e.lent, func(l *loan) bool { return l.addr == addr }); n >= 0 {
		e.endpoint4Methods.RemovePermanentAddress(addr)
		e.lent = slices.Delete(e.lent, n, n+1)
	}
}

// release ends loans, of which some may be nil.
func release(loans ...*loan) {
	for _, l := range loans {
		if l != nil {
			l.e.mu.Lock()
			l.uses--
			l.e.mu.Unlock()
		}
	}
}

// HandlePacket implements stack.NetworkEndpoint.
func (e *addresses4) HandlePacket(pkt *stack.PacketBuffer) {
	src, dst := e.lend(sourceOf(pkt, 0)), e.lend(destinationOf(pkt))
	about := e.lend(complainant(pkt))
	defer release(src, dst, about)
	if e.optionsToAll(pkt) {
		e.handleToAll(func() { e.endpoint4Methods.HandlePacket(pkt) })
		return
	}
	e.endpoint4Methods.HandlePacket(pkt)
}

// sourceOf and destinationOf return the addresses of the packet that is in pkt's data at an offset, or the
// zero Address.
func sourceOf(pkt *stack.PacketBuffer, at int) tcpip.Address {
	if b, ok := pkt.Data().PullUp(at + header.IPv4MinimumSize); ok {
		return header.IPv4(b[at:]).SourceAddress()
	}
	return tcpip.Address{}
}

func destinationOf(pkt *stack.PacketBuffer) tcpip.Address {
	if b, ok := pkt.Data().PullUp(header.IPv4MinimumSize); ok {
		return header.IPv4(b).DestinationAddress()
	}
	return tcpip.Address{}
}

// complainant returns the source of the packet that an ICMP error is about. It has to be one of this
// host's addresses, but need not be the one that the error came to.
func complainant(pkt *stack.PacketBuffer) tcpip.Address {
	b, ok := pkt.Data().PullUp(header.IPv4MinimumSize)
	if !ok || header.IPv4(b).Protocol() != uint8(header.ICMPv4ProtocolNumber) {
		return tcpip.Address{}
	}
	return sourceOf(pkt, int(header.IPv4(b).HeaderLength())+header.ICMPv4MinimumSize)
}

// HandleLinkResolutionFailure implements stack.LinkResolvableNetworkEndpoint.
func (e *addresses4) HandleLinkResolutionFailure(pkt *stack.PacketBuffer) {
	l := e.lend(header.IPv4(pkt.NetworkHeader().Slice()).SourceAddress())
	e.endpoint4Methods.HandleLinkResolutionFailure(pkt)
	release(l)
}

// WritePacket implements stack.NetworkEndpoint.
func (e *addresses4) WritePacket(r *stack.Route, params stack.NetworkHeaderParams, pkt *stack.PacketBuffer) tcpip.Error {
	if r.Loop()&stack.PacketLoop == 0 {
		return e.endpoint4Methods.WritePacket(r, params, pkt)
	}
	src, dst := e.lend(r.LocalAddress()), e.lend(r.RemoteAddress())
	defer release(src, dst)
	return e.endpoint4Methods.WritePacket(r, params, pkt)
}

// WriteHeaderIncludedPacket implements stack.NetworkEndpoint.
func (e *addresses4) WriteHeaderIncludedPacket(r *stack.Route, pkt *stack.PacketBuffer) tcpip.Error {
	if r.Loop()&stack.PacketLoop == 0 {
		return e.endpoint4Methods.WriteHeaderIncludedPacket(r, pkt)
	}
	src, dst := e.lend(sourceOf(pkt, 0)), e.lend(destinationOf(pkt))
	defer release(src, dst)
	return e.endpoint4Methods.WriteHeaderIncludedPacket(r, pkt)
}
