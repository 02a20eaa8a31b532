package raw

import (
	"fmt"
	"net"
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip/header"

	"github.com/hextet/hextet/stack"
)

// ours is a stack with addresses on an interface that leads to a sink.
type ours struct {
	host
	stack *stack.Stack
}

// newOurs returns one without senders.
func newOurs(addresses []netip.Prefix) (*ours, error) {
	s, err := stack.New(stack.Config{NoTCP: true})
	if err != nil {
		return nil, err
	}
	k := &sink{}
	o := &ours{host: host{took: k.took, capture: k.capture, close: func() { s.Close() }}, stack: s}
	i, err := s.Attach(stack.InterfaceConfig{Link: link{k, make(chan struct{})}})
	if err == nil {
		as := make([]stack.Address, len(addresses))
		for n, a := range addresses {
			as[n].Prefix = a
		}
		err = i.AddAddresses(as)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return o, nil
}

// sendto adds a sender from a socket that is not connected.
func (o *ours) sendto(name string, to []netip.Addr) error {
	c, err := o.stack.ListenRaw(uint8(header.ICMPv6ProtocolNumber), netip.Addr{})
	if err != nil {
		return err
	}
	addrs := make([]net.Addr, len(to))
	for i, a := range to {
		addrs[i] = &net.IPAddr{IP: a.AsSlice()}
	}
	msg := message()
	o.senders = append(o.senders, &sender{name: "hextet " + name, to: to, send: func(i int) error {
		_, err := c.WriteTo(msg, nil, addrs[i])
		return err
	}})
	return nil
}

// connected adds a sender from a socket that is.
func (o *ours) connected(name string, to netip.Addr) error {
	c, err := o.stack.ListenRaw(uint8(header.ICMPv6ProtocolNumber), netip.Addr{})
	if err != nil {
		return err
	}
	if err := c.Connect(to); err != nil {
		return fmt.Errorf("raw: connect: %w", err)
	}
	msg := message()
	o.senders = append(o.senders, &sender{name: "hextet " + name, to: []netip.Addr{to}, send: func(int) error {
		_, err := c.WriteTo(msg, nil, nil)
		return err
	}})
	return nil
}
