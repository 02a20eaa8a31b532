package udp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/channel"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	gvisor "gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
)

const (
	nic = 1 // the one NIC of a stack

	// channelQueue is how many packets wait on a channel link: more than a window.
	channelQueue = 2 * window
)

// theirs is a host of gVisor's.
type theirs struct {
	stack *gvisor.Stack
	link  *channel.Endpoint
}

func newTheirs(addr netip.Addr) (theirs, error) {
	t := theirs{
		stack: gvisor.New(gvisor.Options{
			NetworkProtocols:   []gvisor.NetworkProtocolFactory{ipv6.NewProtocol},
			TransportProtocols: []gvisor.TransportProtocolFactory{udp.NewProtocol},
		}),
		link: channel.New(channelQueue, mtu, ""),
	}
	buffers := tcpip.ReceiveBufferSizeOption{Min: receiveBuffer, Default: receiveBuffer, Max: receiveBuffer}
	err := t.stack.SetOption(buffers)
	if err == nil {
		err = t.stack.CreateNIC(nic, t.link)
	}
	if err == nil {
		pa := tcpip.ProtocolAddress{Protocol: ipv6.ProtocolNumber, AddressWithPrefix: tcpip.AddressWithPrefix{Address: tcpip.AddrFrom16(addr.As16()), PrefixLen: 64}}
		err = t.stack.AddProtocolAddress(nic, pa, gvisor.AddressProperties{})
	}
	if err != nil {
		t.close()
		return t, fmt.Errorf("udp: gVisor: %v", err)
	}
	t.stack.SetRouteTable([]tcpip.Route{{Destination: header.IPv6EmptySubnet, NIC: nic}})
	return t, nil
}

func full(a netip.AddrPort) *tcpip.FullAddress {
	return &tcpip.FullAddress{Addr: tcpip.AddrFrom16(a.Addr().As16()), Port: a.Port()}
}

func (t theirs) dial(to netip.AddrPort) (net.Conn, error) {
	return gonet.DialUDP(t.stack, nil, full(to), ipv6.ProtocolNumber)
}

func (t theirs) listen(at netip.AddrPort) (net.PacketConn, error) {
	return gonet.DialUDP(t.stack, full(at), nil, ipv6.ProtocolNumber)
}

func (t theirs) close() {
	t.link.Close()
	t.stack.Close()
	t.stack.Wait()
}

// inject hands a packet to the host, which takes it over.
func (t theirs) inject(v *buffer.View) {
	p := gvisor.NewPacketBuffer(gvisor.PacketBufferOptions{Payload: buffer.MakeWithView(v)})
	t.link.InjectInbound(ipv6.ProtocolNumber, p)
	p.DecRef()
}

// pump carries packets to another host until ctx ends. One copy puts a packet into the
// single piece that the other side parses fastest.
func (t theirs) pump(ctx context.Context, to theirs) {
	for {
		p := t.link.ReadContext(ctx)
		if p == nil {
			return
		}
		v := p.ToView()
		p.DecRef()
		to.inject(v)
	}
}

// gonetPair is two of them with a pump each way.
func gonetPair() (*pair, error) {
	l, err := newTheirs(left)
	if err != nil {
		return nil, err
	}
	r, err := newTheirs(right)
	if err != nil {
		l.close()
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	var pumps sync.WaitGroup
	pumps.Go(func() { l.pump(ctx, r) })
	pumps.Go(func() { r.pump(ctx, l) })
	return newPair(l, r, func() { stop(); pumps.Wait(); l.close(); r.close() })
}

// gonetProbe is a host of gVisor's whose wire ends in the check.
func gonetProbe() (*probe, error) {
	t, err := newTheirs(left)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	return &probe{
		host:   t,
		unplug: stop,
		in: func(pkt []byte) error {
			t.inject(buffer.NewViewWithData(pkt))
			return nil
		},
		out: func() ([]byte, error) {
			p := t.link.ReadContext(ctx)
			if p == nil {
				return nil, errors.New("nothing is sent")
			}
			defer p.DecRef()
			return bytes.Clone(p.ToView().AsSlice()), nil
		},
	}, nil
}
