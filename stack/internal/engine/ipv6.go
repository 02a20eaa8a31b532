package engine

import (
	"net/netip"
	"sync/atomic"

	"github.com/hextet/hextet/stack/internal/convert"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// endpoint6Methods is the union of the interfaces that gVisor asserts an IPv6 endpoint to.
type endpoint6Methods interface {
	stack.NetworkEndpoint
	stack.AddressableEndpoint
	stack.GroupAddressableEndpoint
	stack.MulticastForwardingNetworkEndpoint
	stack.DuplicateAddressDetector
	stack.LinkAddressResolver
	stack.LinkResolvableNetworkEndpoint
	stack.NDPEndpoint
	ipv6.NDPEndpoint
	ipv6.MLDEndpoint
}

// protocol6Methods is the same for the protocol.
type protocol6Methods interface {
	stack.NetworkProtocol
	stack.MulticastForwardingNetworkProtocol
	stack.RejectIPv6WithHandler
}

type protocol6 struct {
	protocol6Methods
	hooks     *Hooks
	stack     *stack.Stack
	router    *router
	fragments *reassembler
}

func wrap6(inner stack.NetworkProtocolFactory, hooks *Hooks, r *router) stack.NetworkProtocolFactory {
	return func(s *stack.Stack) stack.NetworkProtocol {
		r.gv = s
		return &protocol6{
			protocol6Methods: inner(s).(protocol6Methods),
			hooks:            hooks,
			stack:            s,
			router:           r,
			fragments:        newReassembler(func() tcpip.MonotonicTime { return s.Clock().NowMonotonic() }),
		}
	}
}

func (p *protocol6) NewEndpoint(nic stack.NetworkInterface, d stack.TransportDispatcher) stack.NetworkEndpoint {
	disp := &dispatcher{
		TransportDispatcherWithDefaultHandlerResult: d.(stack.TransportDispatcherWithDefaultHandlerResult),
		hooks:     p.hooks,
		nic:       nic.ID(),
		stack:     p.stack,
		fragments: p.fragments,
	}
	limit := new(linkLimit)
	inner := p.protocol6Methods.NewEndpoint(limitedNIC{nic, limit}, disp).(endpoint6Methods)
	disp.local = inner
	return &endpoint6{endpoint6Methods: inner, hooks: p.hooks, router: p.router, nic: nic, limit: limit}
}

type endpoint6 struct {
	endpoint6Methods
	hooks  *Hooks
	router *router
	nic    stack.NetworkInterface

	detection  detection
	optimistic atomic.Bool // it has or had optimistic addresses
	postponed  postponed

	// What routers advertise; 0: nothing.
	hopLimit atomic.Uint32
	limit    *linkLimit
}

type linkLimit struct{ mtu atomic.Uint32 }

// AcquireOutgoingPrimaryAddress is where gVisor chooses a source when nobody named one. nil lets
// FindRoute try the next route.
func (e *endpoint6) AcquireOutgoingPrimaryAddress(dst, hint tcpip.Address, allowExpired bool) stack.AddressEndpoint {
	return acquire(e.endpoint6Methods, e.hooks, e.nic, dst, hint)
}

// LinkAddressRequest sends a neighbour solicitation. gVisor leaves local empty when it probes a
// neighbour of its own accord; the probe must not speak from an address that is to keep quiet.
func (e *endpoint6) LinkAddressRequest(target, local tcpip.Address, remote tcpip.LinkAddress) tcpip.Error {
	if local.BitLen() == 0 {
		src, ok := e.hooks.Source(int(e.nic.ID()), convert.NetAddr(target), netip.Addr{})
		if !ok {
			return &tcpip.ErrNetworkUnreachable{}
		}
		local = convert.Addr(src.Addr())
	}
	if e.postpone(target, local, remote) {
		return nil
	}
	return e.endpoint6Methods.LinkAddressRequest(target, local, remote)
}

// MainAddress is what gVisor's interface calls its primary address.
func (e *endpoint6) MainAddress() tcpip.AddressWithPrefix {
	return mainAddress(e.hooks, e.nic, everybody6)
}
