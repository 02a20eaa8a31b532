package engine

import (
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// endpoint4Methods is the union of the interfaces that gVisor asserts an IPv4 endpoint to.
type endpoint4Methods interface {
	stack.NetworkEndpoint
	stack.AddressableEndpoint
	stack.GroupAddressableEndpoint
	stack.MulticastForwardingNetworkEndpoint
	stack.LinkResolvableNetworkEndpoint
	ipv4.IGMPEndpoint
}

// protocol4Methods is the same for the protocol.
type protocol4Methods interface {
	stack.NetworkProtocol
	stack.MulticastForwardingNetworkProtocol
	stack.RejectIPv4WithHandler
}

type protocol4 struct {
	protocol4Methods
	hooks  *Hooks
	router *router
}

func wrap4(inner stack.NetworkProtocolFactory, hooks *Hooks, r *router) stack.NetworkProtocolFactory {
	return func(s *stack.Stack) stack.NetworkProtocol {
		r.gv = s
		return &protocol4{inner(s).(protocol4Methods), hooks, r}
	}
}

func (p *protocol4) NewEndpoint(nic stack.NetworkInterface, d stack.TransportDispatcher) stack.NetworkEndpoint {
	disp := &dispatcher{
		TransportDispatcherWithDefaultHandlerResult: d.(stack.TransportDispatcherWithDefaultHandlerResult),
		hooks: p.hooks,
		nic:   nic.ID(),
	}
	inner := p.protocol4Methods.NewEndpoint(interface4{nic, p.hooks}, disp).(endpoint4Methods)
	if nic.ID() != LoopbackIndex { // whose one address needs no looking up
		inner = newAddresses4(inner)
	}
	disp.local = inner
	return &endpoint4{inner, p.hooks, p.router, nic}
}

type endpoint4 struct {
	endpoint4Methods
	hooks  *Hooks
	router *router
	nic    stack.NetworkInterface
}

// AcquireOutgoingPrimaryAddress is where gVisor chooses a source when nobody named one.
func (e *endpoint4) AcquireOutgoingPrimaryAddress(dst, hint tcpip.Address, allowExpired bool) stack.AddressEndpoint {
	return acquire(e.endpoint4Methods, e.hooks, e.nic, dst, hint)
}

// MainAddress is the sender of ARP probes that gVisor sends of its own accord.
func (e *endpoint4) MainAddress() tcpip.AddressWithPrefix {
	return mainAddress(e.hooks, e.nic, everybody4)
}
