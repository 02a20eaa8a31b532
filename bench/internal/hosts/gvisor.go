package hosts

import (
	"context"
	"fmt"
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/link/channel"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

const nic tcpip.NICID = 1

// gvisor is a stack with MLD and IGMP and without duplicate address detection, on a
// link that drops everything.
type gvisor struct {
	stack *stack.Stack
	crowd crowd
}

// newGvisor gives the stack a link-local address before all others: without, each MLD
// report looks through all addresses for one.
func newGvisor(_ context.Context, c crowd, _ bool) (host, error) {
	link := channel.New(1, 1500, "\x02\x00\x00\x00\x00\x01") // one packet, which nobody reads
	link.LinkEPCapabilities |= stack.CapabilityResolutionRequired
	s := stack.New(stack.Options{NetworkProtocols: []stack.NetworkProtocolFactory{
		ipv4.NewProtocolWithOptions(ipv4.Options{IGMP: ipv4.IGMPOptions{Enabled: true}}),
		ipv6.NewProtocolWithOptions(ipv6.Options{MLD: ipv6.MLDOptions{Enabled: true}}),
	}})
	g := &gvisor{s, c}
	if err := s.CreateNIC(nic, link); err != nil {
		g.close()
		return nil, fmt.Errorf("hosts: gVisor: %v", err)
	}
	if err := g.addOne(netip.MustParsePrefix("fe80::1/64")); err != nil {
		g.close()
		return nil, err
	}
	return g, nil
}

func (g *gvisor) add() error {
	for _, p := range g.crowd {
		if err := g.addOne(p); err != nil {
			return err
		}
	}
	return nil
}

func (g *gvisor) addOne(p netip.Prefix) error {
	pa := tcpip.ProtocolAddress{Protocol: ipv6.ProtocolNumber, AddressWithPrefix: tcpip.AddressWithPrefix{
		Address: tcpip.AddrFromSlice(p.Addr().AsSlice()), PrefixLen: p.Bits(),
	}}
	if p.Addr().Is4() {
		pa.Protocol = ipv4.ProtocolNumber
	}
	if err := g.stack.AddProtocolAddress(nic, pa, stack.AddressProperties{}); err != nil {
		return fmt.Errorf("hosts: gVisor: %v: %v", p, err)
	}
	return nil
}

func (g *gvisor) remove() error {
	for _, p := range g.crowd {
		if err := g.stack.RemoveAddress(nic, tcpip.AddrFromSlice(p.Addr().AsSlice())); err != nil {
			return fmt.Errorf("hosts: gVisor: %v: %v", p, err)
		}
	}
	return nil
}

// count relies on an address without duplicate address detection being assigned at once.
func (g *gvisor) count() (n int) {
	assigned := map[tcpip.Address]bool{}
	for _, pa := range g.stack.AllAddresses()[nic] {
		assigned[pa.AddressWithPrefix.Address] = true
	}
	for _, p := range g.crowd {
		if assigned[tcpip.AddrFromSlice(p.Addr().AsSlice())] {
			n++
		}
	}
	return n
}

func (g *gvisor) close() error {
	g.stack.Destroy()
	return nil
}
