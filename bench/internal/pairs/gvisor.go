package pairs

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/channel"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
)

// nic is the one NIC of a stack.
const nic tcpip.NICID = 1

// queue is how many packets a channel link holds.
const queue = 1024

// GVisor returns two stacks of gVisor, used by gonet, on channel links whose packets
// two goroutines carry over.
func GVisor(ctx context.Context, plan Plan) (*Pair, error) {
	p := &Pair{Name: "gvisor"}
	near, far := channel.New(queue, mtu, ""), channel.New(queue, mtu, "")
	client, err := p.gvisorHost(near, plan.Near...)
	if err == nil {
		err = p.gvisorServe(ctx, far, plan)
	}
	if err != nil {
		p.Close()
		return nil, err
	}
	pumping, stop := context.WithCancel(context.Background())
	var pumps sync.WaitGroup
	pumps.Go(func() { pump(pumping, near, far) })
	pumps.Go(func() { pump(pumping, far, near) })
	p.keep(func() error { stop(); pumps.Wait(); return nil })
	to, network := fullAddress(plan.listenAt()), protocol(plan.Far.Addr())
	p.dial = func(ctx context.Context) (net.Conn, error) { return gonet.DialContextTCP(ctx, client, to, network) }
	return p, nil
}

// gvisorHost makes a stack on l with a route to everything. Connections that ended are
// forgotten at once, as ours are by Disconnect.
func (p *Pair) gvisorHost(l stack.LinkEndpoint, addresses ...netip.Prefix) (*stack.Stack, error) {
	s := stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol, ipv6.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol},
	})
	p.keep(func() error { s.Destroy(); return nil })
	forget := tcpip.TCPTimeWaitTimeoutOption(0)
	if err := s.SetTransportProtocolOption(tcp.ProtocolNumber, &forget); err != nil {
		return nil, fmt.Errorf("pairs: gVisor: %v", err)
	}
	if err := s.CreateNIC(nic, l); err != nil {
		return nil, fmt.Errorf("pairs: gVisor: %v", err)
	}
	for _, a := range addresses {
		pa := tcpip.ProtocolAddress{Protocol: protocol(a.Addr()), AddressWithPrefix: tcpip.AddressWithPrefix{
			Address: tcpip.AddrFromSlice(a.Addr().AsSlice()), PrefixLen: a.Bits(),
		}}
		if err := s.AddProtocolAddress(nic, pa, stack.AddressProperties{}); err != nil {
			return nil, fmt.Errorf("pairs: gVisor: %v: %v", a, err)
		}
	}
	s.SetRouteTable([]tcpip.Route{{Destination: header.IPv6EmptySubnet, NIC: nic}, {Destination: header.IPv4EmptySubnet, NIC: nic}})
	return s, nil
}

// gvisorServe makes the far stack, on l, and listens on it.
func (p *Pair) gvisorServe(ctx context.Context, l stack.LinkEndpoint, plan Plan) error {
	s, err := p.gvisorHost(l, plan.Far)
	if err != nil {
		return err
	}
	ln, err := gonet.ListenTCP(s, fullAddress(plan.listenAt()), protocol(plan.Far.Addr()))
	if err != nil {
		return err
	}
	p.listener = ln
	p.closeWith(ctx)
	return nil
}

// pump delivers what leaves by from to to. The bytes are not copied.
func pump(ctx context.Context, from, to *channel.Endpoint) {
	for {
		out := from.ReadContext(ctx)
		if out == nil {
			return
		}
		network := out.NetworkProtocolNumber
		in := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: out.ToBuffer()})
		out.DecRef()
		to.InjectInbound(network, in)
		in.DecRef()
	}
}

func fullAddress(a netip.AddrPort) tcpip.FullAddress {
	return tcpip.FullAddress{NIC: nic, Addr: tcpip.AddrFromSlice(a.Addr().AsSlice()), Port: a.Port()}
}

func protocol(a netip.Addr) tcpip.NetworkProtocolNumber {
	if a.Is4() {
		return ipv4.ProtocolNumber
	}
	return ipv6.ProtocolNumber
}
