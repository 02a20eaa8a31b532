package engine

import (
	"time"

	"github.com/hextet/hextet/stack/internal/convert"
	"github.com/hextet/hextet/stack/internal/ndp"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// Router Advertisements are the embedding stack's to handle: gVisor checks them, learns the router's
// link-layer address, and does nothing else with them since NDPConfigurations.HandleRAs is off.

// advertisement shows the hook a Router Advertisement that came to this host. One behind extension
// headers, which no router sends, is not seen.
func (d *dispatcher) advertisement(p tcpip.TransportProtocolNumber, pkt *stack.PacketBuffer) {
	if p != header.ICMPv6ProtocolNumber || pkt.NetworkProtocolNumber != header.IPv6ProtocolNumber {
		return
	}
	rp := describe(p, pkt)
	if typ, ok := rp.FirstByte(); !ok || typ != ndp.TypeRouterAdvertisement || !d.isForUs(rp) {
		return
	}
	rp.Interface = int(d.nic)
	d.hooks.Advertisement(rp)
}

// Solicit sends a solicitation, an IPv6 packet as package ndp writes it, to its group on a link.
func Solicit(s *stack.Stack, index int, pkt []byte) {
	remote := header.EthernetAddressFromMulticastIPv6Address(header.IPv6(pkt).DestinationAddress())
	s.WritePacketToRemote(tcpip.NICID(index), remote, header.IPv6ProtocolNumber, buffer.MakeWithData(pkt))
}

// SetHopLimit sets the hop limit of IPv6 packets whose sender names none.
func SetHopLimit(s *stack.Stack, index int, hops uint8) {
	if e := endpoint6Of(s, index); e != nil {
		e.hopLimit.Store(uint32(hops))
	}
}

// SetIPv6MTU sets the size of the largest IPv6 packet that is sent, header included, if it is smaller than
// that of the link.
func SetIPv6MTU(s *stack.Stack, index int, mtu uint32) {
	if e := endpoint6Of(s, index); e != nil {
		e.limit.mtu.Store(mtu)
	}
}

// SetNeighborTimers sets the variables of RFC 4861 section 6.3.2 that a router may advertise; 0 leaves
// one as it is. Address detection waits for RetransTimer too (RFC 4862 section 5.1).
func SetNeighborTimers(s *stack.Stack, index int, reachable, retrans time.Duration) {
	id := tcpip.NICID(index)
	if c, err := s.NUDConfigurations(id, header.IPv6ProtocolNumber); err == nil { // else the link has no neighbours to resolve
		if reachable > 0 {
			c.BaseReachableTime = reachable
		}
		if retrans > 0 {
			c.RetransmitTimer = retrans
		}
		s.SetNUDConfigurations(id, header.IPv6ProtocolNumber, c)
	}
	if e := endpoint6Of(s, index); e != nil && retrans > 0 {
		e.detection.setTimer(e, retrans)
	}
}

func endpoint6Of(s *stack.Stack, index int) *endpoint6 {
	e, err := s.GetNetworkEndpoint(tcpip.NICID(index), header.IPv6ProtocolNumber)
	if err != nil {
		return nil
	}
	return e.(*endpoint6)
}

// DefaultTTL implements stack.NetworkEndpoint.
func (e *endpoint6) DefaultTTL() uint8 {
	if hops := e.hopLimit.Load(); hops != 0 {
		return uint8(hops)
	}
	return e.endpoint6Methods.DefaultTTL()
}

// limitedNIC is a NIC with an MTU for IPv6 alone.
type limitedNIC struct {
	stack.NetworkInterface
	limit *linkLimit
}

// MTU implements stack.NetworkInterface.
func (n limitedNIC) MTU() uint32 {
	mtu := n.NetworkInterface.MTU()
	if advertised := n.limit.mtu.Load(); advertised != 0 {
		mtu = min(mtu, advertised)
	}
	return mtu
}

// neighborEvents passes on the ends of neighbour unreachability detection.
type neighborEvents struct{ hooks *Hooks }

// OnNeighborAdded implements stack.NUDDispatcher.
func (neighborEvents) OnNeighborAdded(tcpip.NICID, stack.NeighborEntry) {}

// OnNeighborChanged implements stack.NUDDispatcher.
func (v neighborEvents) OnNeighborChanged(nic tcpip.NICID, n stack.NeighborEntry) {
	switch n.State {
	case stack.Reachable, stack.Unreachable:
		v.hooks.Neighbor(int(nic), convert.NetAddr(n.Addr), n.State == stack.Reachable)
	}
}

// OnNeighborRemoved implements stack.NUDDispatcher.
func (neighborEvents) OnNeighborRemoved(tcpip.NICID, stack.NeighborEntry) {}
