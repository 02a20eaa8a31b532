package udp

import (
	"context"
	"net"
	"net/netip"

	"github.com/hextet/hextet/stack"
)

// ours is a host of ours.
type ours struct{ stack *stack.Stack }

func newOurs(link stack.Link, addr netip.Addr) (ours, error) {
	s, err := stack.New(stack.Config{})
	if err != nil {
		return ours{}, err
	}
	i, err := s.Attach(stack.InterfaceConfig{Link: link})
	if err == nil {
		err = i.AddAddress(stack.Address{Prefix: netip.PrefixFrom(addr, 64)})
	}
	if err != nil {
		s.Close()
	}
	return ours{s}, err
}

func (o ours) dial(to netip.AddrPort) (net.Conn, error) {
	return o.stack.DialContext(context.Background(), "udp", to.String())
}

func (o ours) listen(at netip.AddrPort) (net.PacketConn, error) {
	return o.stack.ListenPacket(context.Background(), "udp", at.String())
}

func (o ours) close() { o.stack.Close() }

// ourPair is two of them on a Pipe.
func ourPair() (*pair, error) {
	a, b := stack.Pipe(mtu)
	l, err := newOurs(a, left)
	if err != nil {
		return nil, err
	}
	r, err := newOurs(b, right)
	if err != nil {
		l.close()
		return nil, err
	}
	return newPair(l, r, func() { l.close(); r.close() })
}

// netip makes a flow read with ReadFromUDPAddrPort, which allocates no address.
func (f *flow) netip(name string) *flow {
	c, ok := f.to.(*stack.UDPConn)
	if !ok {
		panic("udp: not a socket of ours")
	}
	g := *f
	g.name = name
	g.read = func(b []byte) (int, error) {
		n, _, err := c.ReadFromUDPAddrPort(b)
		return n, err
	}
	return &g
}

// ourProbe is a host of ours whose wire ends in the check.
func ourProbe() (*probe, error) {
	a, b := stack.Pipe(mtu)
	h, err := newOurs(b, left)
	if err != nil {
		return nil, err
	}
	return &probe{
		host:   h,
		unplug: func() { a.Close() },
		in: func(pkt []byte) error {
			_, err := a.WritePackets([][]byte{pkt})
			return err
		},
		out: func() ([]byte, error) {
			buf, sizes := make([]byte, mtu), make([]int, 1)
			_, err := a.ReadPackets([][]byte{buf}, sizes)
			return buf[:sizes[0]], err
		},
	}, nil
}
