package gvisor

import (
	"context"
	"net"
	"net/netip"
	"os"
	"testing"

	"github.com/hextet/hextet/icmp6/conformance"
	"github.com/hextet/hextet/stack/internal/convert"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/channel"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/icmp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/raw"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
	"gvisor.dev/gvisor/pkg/waiter"
)

const nic = 1

// backend is gVisor on a channel link.
type backend struct {
	s    *stack.Stack
	link *channel.Endpoint
}

func newBackend(t testing.TB) conformance.Backend {
	t.Helper()
	return newHost(t, 89, 135, 253, 254)
}

// newHost returns a host with raw sockets of ICMPv6, UDP and further protocols.
func newHost(t testing.TB, protocols ...tcpip.TransportProtocolNumber) *backend {
	t.Helper()
	transports := []stack.TransportProtocolFactory{udp.NewProtocol, icmp.NewProtocol6}
	for _, n := range protocols {
		transports = append(transports, func(s *stack.Stack) stack.TransportProtocol { return stub{s, n} })
	}
	b := &backend{
		s: stack.New(stack.Options{
			NetworkProtocols:   []stack.NetworkProtocolFactory{ipv6.NewProtocol},
			TransportProtocols: transports,
			RawFactory:         raw.EndpointFactory{},
			HandleLocal:        true,
		}),
		link: channel.New(1024, conformance.MTU, ""),
	}
	t.Cleanup(func() {
		b.link.Close()
		b.s.Destroy()
	})
	check := func(err tcpip.Error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	check(b.s.CreateNIC(nic, b.link))
	for _, a := range []netip.Addr{conformance.Host, conformance.Second} {
		check(b.s.AddProtocolAddress(nic, tcpip.ProtocolAddress{
			Protocol:          header.IPv6ProtocolNumber,
			AddressWithPrefix: convert.Prefix(netip.PrefixFrom(a, 64)),
		}, stack.AddressProperties{}))
	}
	b.s.SetRouteTable([]tcpip.Route{{Destination: header.IPv6EmptySubnet, NIC: nic}})
	return b
}

func (b *backend) Interface() *net.Interface {
	return &net.Interface{Index: nic, Name: "gvisor0", MTU: conformance.MTU}
}

func (b *backend) Open(proto uint8, local netip.Addr) (conformance.Socket, error) {
	s := new(socket)
	ep, err := b.s.NewRawEndpoint(tcpip.TransportProtocolNumber(proto), header.IPv6ProtocolNumber, &s.queue, true)
	if err != nil {
		return nil, convert.Error(err)
	}
	s.ep = ep
	if local.IsValid() {
		if err := ep.Bind(tcpip.FullAddress{Addr: convert.Addr(local)}); err != nil {
			s.Close()
			return nil, convert.Error(err)
		}
	}
	return s, nil
}

func (b *backend) Inject(packet []byte) error {
	p := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(packet)})
	defer p.DecRef()
	b.link.InjectInbound(header.IPv6ProtocolNumber, p)
	return nil
}

// Capture does not wait: see socket.
func (b *backend) Capture(context.Context) ([]byte, error) {
	p := b.link.Read()
	if p == nil {
		return nil, os.ErrDeadlineExceeded
	}
	defer p.DecRef()
	v := p.ToView()
	defer v.Release()
	return append([]byte(nil), v.AsSlice()...), nil
}

// stub is a transport protocol that exists only so that gVisor opens raw sockets for its number.
type stub struct {
	s      *stack.Stack
	number tcpip.TransportProtocolNumber
}

func (p stub) Number() tcpip.TransportProtocolNumber { return p.number }

func (p stub) NewEndpoint(tcpip.NetworkProtocolNumber, *waiter.Queue) (tcpip.Endpoint, tcpip.Error) {
	return nil, &tcpip.ErrNotSupported{}
}

func (p stub) NewRawEndpoint(n tcpip.NetworkProtocolNumber, q *waiter.Queue) (tcpip.Endpoint, tcpip.Error) {
	return raw.NewEndpoint(p.s, n, p.number, q)
}

func (stub) MinimumPacketSize() int                             { return 0 }
func (stub) ParsePorts([]byte) (src, dst uint16, _ tcpip.Error) { return 0, 0, nil }
func (stub) SetOption(tcpip.SettableTransportProtocolOption) tcpip.Error {
	return &tcpip.ErrUnknownProtocolOption{}
}
func (stub) Option(tcpip.GettableTransportProtocolOption) tcpip.Error {
	return &tcpip.ErrUnknownProtocolOption{}
}
func (stub) Parse(*stack.PacketBuffer) bool { return true }
func (stub) Close()                         {}
func (stub) Wait()                          {}
func (stub) Pause()                         {}
func (stub) Resume()                        {}
func (stub) Restore()                       {}
func (stub) HandleUnknownDestinationPacket(stack.TransportEndpointID, *stack.PacketBuffer) stack.UnknownDestinationPacketDisposition {
	return stack.UnknownDestinationPacketHandled
}
