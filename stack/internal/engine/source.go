package engine

import (
	"net/netip"

	"github.com/hextet/hextet/stack/internal/convert"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// acquire answers gVisor's question for a source with the hooks' choice. It runs with the stack's
// and the route table's locks read-held: only the endpoint itself may be asked. The result is an
// untyped nil where there is no source; a typed one would count as found.
func acquire(ep stack.AddressableEndpoint, hooks *Hooks, nic stack.NetworkInterface, dst, hint tcpip.Address) stack.AddressEndpoint {
	src, ok := hooks.Source(int(nic.ID()), convert.NetAddr(dst), convert.NetAddr(hint))
	if !ok {
		return nil
	}
	a := ep.AcquireAssignedAddress(convert.Addr(src.Addr()), false, stack.CanBePrimaryEndpoint, false)
	if a == nil {
		return nil // removed since the snapshot was taken
	}
	return a
}

// mainAddress is the source that nic would use towards everybody.
func mainAddress(hooks *Hooks, nic stack.NetworkInterface, everybody netip.Addr) tcpip.AddressWithPrefix {
	src, ok := hooks.Source(int(nic.ID()), everybody, netip.Addr{})
	if !ok {
		return tcpip.AddressWithPrefix{}
	}
	return convert.Prefix(src)
}

// Everybody: the limited broadcast address (RFC 919 section 7) and all nodes, in the widest scope (RFC
// 4291 section 2.7.1).
var (
	everybody4 = netip.AddrFrom4([4]byte{255, 255, 255, 255})
	everybody6 = netip.AddrFrom16([16]byte{0: 0xff, 1: 0x0e, 15: 1})
)
