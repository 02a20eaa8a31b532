package raw

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	gvisor "gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/icmp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/raw"
	"gvisor.dev/gvisor/pkg/waiter"
)

// nic is the one NIC of the stack.
const nic tcpip.NICID = 1

// theirs is gVisor's stack with addresses on a NIC that leads to a sink.
type theirs struct {
	host
	stack     *gvisor.Stack
	endpoints []tcpip.Endpoint
}

// newTheirs returns one without senders, duplicate address detection and MLD.
func newTheirs(addresses []netip.Prefix) (*theirs, error) {
	k := &sink{}
	t := &theirs{host: host{took: k.took, capture: k.capture}, stack: gvisor.New(gvisor.Options{
		NetworkProtocols:   []gvisor.NetworkProtocolFactory{ipv6.NewProtocol},
		TransportProtocols: []gvisor.TransportProtocolFactory{icmp.NewProtocol6},
		RawFactory:         raw.EndpointFactory{},
	})}
	t.close = t.shut
	if err := t.stack.CreateNIC(nic, endpoint{k}); err != nil {
		t.close()
		return nil, fmt.Errorf("raw: gVisor: %v", err)
	}
	for _, a := range addresses {
		pa := tcpip.ProtocolAddress{Protocol: ipv6.ProtocolNumber, AddressWithPrefix: tcpip.AddressWithPrefix{Address: address(a.Addr()), PrefixLen: a.Bits()}}
		if err := t.stack.AddProtocolAddress(nic, pa, gvisor.AddressProperties{}); err != nil {
			t.close()
			return nil, fmt.Errorf("raw: gVisor: %v: %v", a, err)
		}
	}
	t.stack.SetRouteTable([]tcpip.Route{{Destination: header.IPv6EmptySubnet, NIC: nic}})
	return t, nil
}

func address(a netip.Addr) tcpip.Address { return tcpip.AddrFrom16(a.As16()) }

func (t *theirs) shut() {
	for _, ep := range t.endpoints {
		ep.Close()
	}
	t.stack.Close()
	t.stack.Wait()
}

func (t *theirs) endpoint() (tcpip.Endpoint, error) {
	ep, err := t.stack.NewRawEndpoint(header.ICMPv6ProtocolNumber, ipv6.ProtocolNumber, &waiter.Queue{}, true /* associated */)
	if err != nil {
		return nil, fmt.Errorf("raw: gVisor: %v", err)
	}
	t.endpoints = append(t.endpoints, ep)
	return ep, nil
}

// sendto adds a sender from an endpoint that is not connected.
func (t *theirs) sendto(name string, to []netip.Addr) error {
	ep, err := t.endpoint()
	if err != nil {
		return err
	}
	opts := make([]tcpip.WriteOptions, len(to))
	for i, a := range to {
		opts[i].To = &tcpip.FullAddress{NIC: nic, Addr: address(a)}
	}
	t.add(name, to, ep, opts)
	return nil
}

// connected adds a sender from an endpoint that is.
func (t *theirs) connected(name string, to netip.Addr) error {
	ep, err := t.endpoint()
	if err != nil {
		return err
	}
	if err := ep.Connect(tcpip.FullAddress{NIC: nic, Addr: address(to)}); err != nil {
		return fmt.Errorf("raw: gVisor: connect: %v", err)
	}
	t.add(name, []netip.Addr{to}, ep, make([]tcpip.WriteOptions, 1))
	return nil
}

// add adds a sender. One reader serves all its messages, so that none is allocated.
func (t *theirs) add(name string, to []netip.Addr, ep tcpip.Endpoint, opts []tcpip.WriteOptions) {
	msg := message()
	var r bytes.Reader
	t.senders = append(t.senders, &sender{name: "gvisor " + name, to: to, send: func(i int) error {
		r.Reset(msg)
		if _, err := ep.Write(&r, opts[i]); err != nil {
			return errors.New(err.String())
		}
		return nil
	}})
}
