package networks

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/channel"
	"gvisor.dev/gvisor/pkg/tcpip/link/ethernet"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
)

// gvisor is stacks of gVisor's, in real time, whose links are joined by hubs.
type gvisor struct {
	real
	hubs   []*hub
	links  [][]*channel.Endpoint // of each host, then of the router
	hosts  []*stack.Stack        // the router is the last one
	plan   plan
	states []*state // of all addresses, two for each interface
	left   atomic.Int64
	ready  chan struct{}
}

func newGvisor(ctx context.Context, p plan) (network, error) {
	g := &gvisor{plan: p, ready: make(chan struct{})}
	g.wire()
	if err := g.build(ctx); err != nil {
		return nil, errors.Join(err, g.close())
	}
	if p.still {
		for _, h := range g.hubs {
			h.rest()
		}
	}
	return g, nil
}

// wire makes all links, and then has the hubs carry.
func (g *gvisor) wire() {
	n := queue
	if g.plan.still {
		n = shortQueue
	}
	for range g.plan.segments() {
		g.hubs = append(g.hubs, newHub(n))
	}
	nodes := g.plan.hosts
	if g.plan.routed {
		nodes++
	}
	for i := range nodes {
		var links []*channel.Endpoint
		for _, p := range g.plan.prefixes(i) {
			hw := hardware(p)
			hub := g.hubs[segmentOf(p)]
			links = append(links, hub.plug(tcpip.LinkAddress(hw), address(p), address(linkLocal(hw))))
			g.left.Add(2)
		}
		g.links = append(g.links, links)
	}
	for _, h := range g.hubs {
		h.run()
	}
}

// build makes the hosts and waits for their addresses.
func (g *gvisor) build(ctx context.Context) error {
	for i, links := range g.links {
		s := stack.New(g.options())
		g.hosts = append(g.hosts, s)
		for n, p := range g.plan.prefixes(i) {
			if err := g.attach(s, tcpip.NICID(n+1), links[n], p); err != nil {
				return err
			}
		}
		if len(links) > 1 {
			if err := s.SetForwardingDefaultAndAllNICs(ipv6.ProtocolNumber, true); err != nil {
				return fmt.Errorf("networks: gVisor: forwarding: %v", err)
			}
		} else if g.plan.routed {
			s.AddRoute(tcpip.Route{Destination: header.IPv6EmptySubnet, Gateway: address(router(g.plan.segment(i))), NIC: 1})
		}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case <-g.ready:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("networks: gVisor: %d addresses are not assigned: %w", g.left.Load(), ctx.Err())
	}
}

func (g *gvisor) options() stack.Options {
	v6 := ipv6.Options{MLD: ipv6.MLDOptions{Enabled: true}}
	if g.plan.dad {
		v6.DADConfigs = stack.DADConfigurations{DupAddrDetectTransmits: 1, RetransmitTimer: time.Second} // RFC 4861 section 10
	}
	return stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol, ipv6.NewProtocolWithOptions(v6)},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol, udp.NewProtocol},
	}
}

// attach gives a host an interface with two addresses, the link-local one first: see
// package hosts.
func (g *gvisor) attach(s *stack.Stack, nic tcpip.NICID, l *channel.Endpoint, global netip.Prefix) error {
	if err := s.CreateNIC(nic, ethernet.New(l)); err != nil {
		return fmt.Errorf("networks: gVisor: %v", err)
	}
	for _, p := range []netip.Prefix{linkLocal(hardware(global)), global} {
		pa := tcpip.ProtocolAddress{Protocol: ipv6.ProtocolNumber, AddressWithPrefix: tcpip.AddressWithPrefix{Address: address(p), PrefixLen: p.Bits()}}
		st := &state{network: g}
		g.states = append(g.states, st)
		if err := s.AddProtocolAddress(nic, pa, stack.AddressProperties{Disp: st}); err != nil {
			return fmt.Errorf("networks: gVisor: %v: %v", p, err)
		}
		s.AddRoute(tcpip.Route{Destination: pa.AddressWithPrefix.Subnet(), NIC: nic})
	}
	return nil
}

// A state is what gVisor tells of an address.
type state struct {
	network  *gvisor
	assigned atomic.Bool
}

func (st *state) OnChanged(_ stack.AddressLifetimes, to stack.AddressAssignmentState) {
	if to == stack.AddressAssigned && !st.assigned.Swap(true) && st.network.left.Add(-1) == 0 {
		close(st.network.ready)
	}
}

func (st *state) OnRemoved(stack.AddressRemovalReason) { st.assigned.Store(false) }

func (g *gvisor) usable() (n int, err error) {
	for i := range g.plan.hosts {
		if g.states[2*i].assigned.Load() && g.states[2*i+1].assigned.Load() {
			n++
		}
	}
	return n, nil
}

func (g *gvisor) listen(i int, port uint16) (net.PacketConn, error) {
	c, err := gonet.DialUDP(g.hosts[i], &tcpip.FullAddress{Port: port}, nil, ipv6.ProtocolNumber)
	if err != nil {
		return nil, err
	}
	return g.keep(c, nil)
}

func (g *gvisor) close() error {
	err := g.closeSockets()
	for _, h := range g.hubs {
		h.close()
	}
	for _, s := range g.hosts {
		s.Destroy()
	}
	return err
}

func address(p netip.Prefix) tcpip.Address { return tcpip.AddrFrom16(p.Addr().As16()) }
