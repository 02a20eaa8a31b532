package choices

import (
	"context"
	"fmt"
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/channel"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/bench/internal/suite"
	"github.com/hextet/hextet/srcselect"
)

// nic is the one NIC of the stack.
const nic tcpip.NICID = 1

// gvisorStack is a stack without duplicate address detection and MLD, on a link that
// nobody reads, with the addresses and an on-link route to everything.
func gvisorStack(as []srcselect.Address) (*stack.Stack, error) {
	s := stack.New(stack.Options{NetworkProtocols: []stack.NetworkProtocolFactory{ipv6.NewProtocol}})
	if err := s.CreateNIC(nic, channel.New(1, 1500, "")); err != nil {
		return nil, fmt.Errorf("choices: gVisor: %v", err)
	}
	for _, a := range as {
		pa := tcpip.ProtocolAddress{Protocol: ipv6.ProtocolNumber, AddressWithPrefix: tcpip.AddressWithPrefix{
			Address: tcpip.AddrFrom16(a.Prefix.Addr().As16()), PrefixLen: a.Prefix.Bits(),
		}}
		if err := s.AddProtocolAddress(nic, pa, stack.AddressProperties{}); err != nil {
			return nil, fmt.Errorf("choices: gVisor: %v: %v", a.Prefix, err)
		}
	}
	s.SetRouteTable([]tcpip.Route{{Destination: header.IPv6EmptySubnet, NIC: nic}})
	return s, nil
}

// gvisorChooser finds routes for queries; what it chooses is a route's local address.
type gvisorChooser struct {
	stack   *stack.Stack
	remotes []tcpip.Address
}

func newGvisor(as []srcselect.Address, qs []srcselect.Query) (*gvisorChooser, error) {
	s, err := gvisorStack(as)
	if err != nil {
		return nil, err
	}
	g := &gvisorChooser{stack: s}
	for _, q := range qs {
		g.remotes = append(g.remotes, tcpip.AddrFrom16(q.Destination.As16()))
	}
	return g, nil
}

func (g *gvisorChooser) choose(i int) (netip.Addr, error) {
	r, err := g.stack.FindRoute(nic, tcpip.Address{}, g.remotes[i%queryCount], ipv6.ProtocolNumber, false)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("choices: gVisor: %v: %v", g.remotes[i%queryCount], err)
	}
	defer r.Release()
	return netip.AddrFrom16(r.LocalAddress().As16()), nil
}

func (g *gvisorChooser) run(n int) {
	for i := range n {
		r, err := g.stack.FindRoute(nic, tcpip.Address{}, g.remotes[i%queryCount], ipv6.ProtocolNumber, false)
		if err == nil { // check made sure
			r.Release()
		}
	}
}

func (g *gvisorChooser) close() {
	g.stack.Close()
	g.stack.Wait()
}

// gvisorBench compares with FindRoute, which also looks up the route and makes one:
// gVisor has no other way to ask.
func gvisorBench(n int) (*suite.Bench, error) {
	c, err := certainChooser(n)
	if err != nil {
		return nil, err
	}
	g, err := newGvisor(distinctMix.addresses(n), c.queries)
	if err != nil {
		return nil, err
	}
	row := suite.Row{Ours: 0, Peer: 1}
	if n == 64 {
		row.Goal = report.Goal{Kind: report.AtLeast, Value: 100}
	}
	return &suite.Bench{
		Check:      func() error { return c.sameAs("gVisor", g.choose, checked(n)) },
		Contenders: []measure.Contender{{Name: "hextet", Run: c.run}, measure.Clean(measure.Contender{Name: "gvisor FindRoute", Run: g.run})},
		Rows:       []suite.Row{row},
		Fewer:      fewer(n),
		Close:      g.close,
	}, nil
}

func gvisorCases(counts []int) (cases []suite.Case) {
	for _, n := range counts {
		cases = append(cases, suite.Case{Name: fmt.Sprintf("select/gvisor/%d", n), Open: func(context.Context) (*suite.Bench, error) { return gvisorBench(n) }})
	}
	return cases
}
