package engine

import (
	"sync"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// addresses4 keeps an interface's IPv4 addresses.
//
// gVisor's own endpoint walks all its addresses, twice for each packet that it receives, to see whether
// the source is the broadcast address of one's prefix. Here they are looked up, broadcast addresses too,
// and the endpoint is lent those that a packet names for as long as it handles the packet. So it judges
// as if it had them all, and walks a few.
type addresses4 struct {
	endpoint4Methods

	own        stack.AddressableEndpointState
	broadcasts stack.AddressableEndpointState // of own prefixes

	mu     sync.Mutex            // held while own and the tables below change together
	shares map[tcpip.Address]int // own addresses for each of broadcasts
	lent   []*loan
	clock  uint64
	count  int                   // of own addresses
	voice  stack.AddressEndpoint // the endpoint's standIn, while there are own addresses
	toAll  int                   // packets in hand for which it is the main address
}

func newAddresses4(inner endpoint4Methods) *addresses4 {
	e := &addresses4{endpoint4Methods: inner, shares: make(map[tcpip.Address]int)}
	e.own.Init(e, stack.AddressableEndpointStateOptions{})
	e.broadcasts.Init(e, stack.AddressableEndpointStateOptions{})
	return e
}

// AddAndAcquirePermanentAddress implements stack.AddressableEndpoint.
func (e *addresses4) AddAndAcquirePermanentAddress(addr tcpip.AddressWithPrefix, properties stack.AddressProperties) (stack.AddressEndpoint, tcpip.Error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	ep, err := e.own.AddAndAcquirePermanentAddress(addr, properties)
	if err != nil {
		return nil, err
	}
	e.takeBack(addr.Address) // lent as a broadcast address, perhaps
	if e.count++; e.count == 1 {
		e.giveVoice()
	}
	if b, ok := broadcastOf(ep); ok {
		if e.shares[b.Address]++; e.shares[b.Address] == 1 {
			e.enter(&e.broadcasts, b)
		}
	}
	return ep, nil
}

// enter adds an address that nobody is told about.
func (e *addresses4) enter(to stack.AddressableEndpoint, addr tcpip.AddressWithPrefix) bool {
	ep, err := to.AddAndAcquirePermanentAddress(addr, stack.AddressProperties{PEB: stack.NeverPrimaryEndpoint})
	if err != nil {
		return false
	}
	ep.DecRef()
	return true
}

// RemovePermanentAddress implements stack.AddressableEndpoint.
func (e *addresses4) RemovePermanentAddress(addr tcpip.Address) tcpip.Error {
	e.mu.Lock()
	defer e.mu.Unlock()
	ep := e.own.GetAddress(addr)
	if err := e.own.RemovePermanentAddress(addr); err != nil {
		return err
	}
	e.takeBack(addr)
	if e.count--; e.count == 0 {
		e.takeVoice()
	}
	if b, ok := broadcastOf(ep); ok {
		if e.shares[b.Address]--; e.shares[b.Address] == 0 {
			delete(e.shares, b.Address)
			e.broadcasts.RemovePermanentAddress(b.Address)
			e.takeBack(b.Address)
		}
	}
	return nil
}

// broadcastOf returns the broadcast address of an address's prefix, unless that has none (RFC 3021 section
// 2.1).
func broadcastOf(ep stack.AddressEndpoint) (tcpip.AddressWithPrefix, bool) {
	subnet := ep.Subnet()
	b := subnet.Broadcast()
	return tcpip.AddressWithPrefix{Address: b, PrefixLen: subnet.Prefix()}, subnet.IsBroadcast(b)
}

// AcquireAssignedAddress implements stack.AddressableEndpoint.
func (e *addresses4) AcquireAssignedAddress(addr tcpip.Address, allowTemp bool, peb stack.PrimaryEndpointBehavior, readOnly bool) stack.AddressEndpoint {
	if addr == header.IPv4Broadcast { // which the endpoint has by itself
		return e.endpoint4Methods.AcquireAssignedAddress(addr, allowTemp, peb, readOnly)
	}
	if ep := e.own.AcquireAssignedAddress(addr, false, peb, readOnly); ep != nil {
		return ep
	}
	if ep := e.broadcasts.AcquireAssignedAddress(addr, false, peb, readOnly); ep != nil || !allowTemp {
		return ep
	}
	return e.own.AcquireAssignedAddress(addr, true, peb, readOnly)
}

// SetLifetimes implements stack.AddressableEndpoint.
func (e *addresses4) SetLifetimes(addr tcpip.Address, lifetimes stack.AddressLifetimes) tcpip.Error {
	return e.own.SetLifetimes(addr, lifetimes)
}

// MainAddress implements stack.AddressableEndpoint.
func (e *addresses4) MainAddress() tcpip.AddressWithPrefix { return e.own.MainAddress() }

// AcquireOutgoingPrimaryAddress implements stack.AddressableEndpoint.
func (e *addresses4) AcquireOutgoingPrimaryAddress(dst, hint tcpip.Address, allowExpired bool) stack.AddressEndpoint {
	return e.own.AcquireOutgoingPrimaryAddress(dst, hint, allowExpired)
}

// PrimaryAddresses implements stack.AddressableEndpoint.
func (e *addresses4) PrimaryAddresses() []tcpip.AddressWithPrefix { return e.own.PrimaryAddresses() }

// PermanentAddresses implements stack.AddressableEndpoint.
func (e *addresses4) PermanentAddresses() []tcpip.AddressWithPrefix {
	return e.own.PermanentAddresses()
}

// Enable implements stack.NetworkEndpoint.
func (e *addresses4) Enable() tcpip.Error {
	defer e.tell(e.Enabled())
	return e.endpoint4Methods.Enable()
}

// Disable implements stack.NetworkEndpoint.
func (e *addresses4) Disable() {
	defer e.tell(e.Enabled())
	e.endpoint4Methods.Disable()
}

// tell tells the addresses whether they work, if that is not what it was before.
func (e *addresses4) tell(before bool) {
	if e.Enabled() != before {
		e.own.OnNetworkEndpointEnabledChanged()
	}
}

// Close implements stack.NetworkEndpoint.
func (e *addresses4) Close() {
	e.endpoint4Methods.Close()
	e.own.Cleanup()
	e.broadcasts.Cleanup()
}
