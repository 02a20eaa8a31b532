package engine

import (
	"math"
	"net/netip"

	"github.com/hextet/hextet/stack/internal/convert"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// LoopbackIndex is the index of the interface that has the loopback addresses, and of no other.
const LoopbackIndex = math.MaxInt32

// AddNIC makes ep an interface of s. Without dad, addresses are assigned at once.
func AddNIC(s *stack.Stack, index int, name string, ep *LinkEndpoint, dad bool) error {
	id := tcpip.NICID(index)
	if err := s.CreateNICWithOptions(id, ep, stack.NICOptions{Name: name}); err != nil {
		return convert.Error(err)
	}
	if net6 := endpoint6Of(s, index); dad && net6 != nil {
		net6.detection.enable(net6)
	}
	return nil
}

// SetForwarding says whether packets in transit may come and go by an interface. A router joins the
// groups of all routers there (RFC 4291 section 2.8).
func SetForwarding(s *stack.Stack, index int, on bool) error {
	for _, proto := range []tcpip.NetworkProtocolNumber{header.IPv6ProtocolNumber, header.IPv4ProtocolNumber} {
		if _, err := s.SetNICForwarding(tcpip.NICID(index), proto, on); err != nil {
			return convert.Error(err)
		}
	}
	return nil
}

// Groups returns a function that reports whether an interface is a member of a group.
func Groups(s *stack.Stack, index int) func(group netip.Addr) bool {
	var members [2]stack.GroupAddressableEndpoint // IPv4, IPv6
	for n, proto := range []tcpip.NetworkProtocolNumber{header.IPv4ProtocolNumber, header.IPv6ProtocolNumber} {
		if ep, err := s.GetNetworkEndpoint(tcpip.NICID(index), proto); err == nil {
			members[n], _ = ep.(stack.GroupAddressableEndpoint)
		}
	}
	return func(group netip.Addr) bool {
		m := members[0]
		if group.Is6() {
			m = members[1]
		}
		return m != nil && m.IsInGroup(convert.Addr(group))
	}
}

// AddressEvents is told how an address fares. Both methods run with gVisor's locks held.
type AddressEvents interface {
	Changed(assigned bool)
	Removed(duplicate bool)
}

// AddAddress assigns p to an interface. gVisor need not know which addresses are deprecated,
// temporary or to be skipped: it never chooses.
//
// What it calls primary addresses are in a list that it walks at each removal and, for the source of
// an MLD report, at each addition, up to the first link-local one. So only those are in it.
func AddAddress(s *stack.Stack, index int, p netip.Prefix, events AddressEvents) error {
	properties := stack.AddressProperties{Disp: addressDispatcher{events}, PEB: stack.NeverPrimaryEndpoint}
	if p.Addr().Is6() && p.Addr().IsLinkLocalUnicast() {
		properties.PEB = stack.CanBePrimaryEndpoint
	}
	return convert.Error(s.AddProtocolAddress(tcpip.NICID(index), tcpip.ProtocolAddress{
		Protocol:          convert.Protocol(p.Addr()),
		AddressWithPrefix: convert.Prefix(p),
	}, properties))
}

// RemoveAddress undoes AddAddress.
func RemoveAddress(s *stack.Stack, index int, addr netip.Addr) error {
	return convert.Error(s.RemoveAddress(tcpip.NICID(index), convert.Addr(addr)))
}

type addressDispatcher struct{ events AddressEvents }

func (d addressDispatcher) OnChanged(_ stack.AddressLifetimes, state stack.AddressAssignmentState) {
	d.events.Changed(state == stack.AddressAssigned)
}

func (d addressDispatcher) OnRemoved(reason stack.AddressRemovalReason) {
	d.events.Removed(reason == stack.AddressRemovalDADFailed)
}
