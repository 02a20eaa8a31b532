package pairs

import (
	"context"
	"net"

	"github.com/hextet/hextet/stack"
)

// mtu is that of every wire but the kernel's loopback.
const mtu = 1500

// Hextet returns two stacks of ours on a Pipe. wrap may put something around the near
// end of it; nil: nothing.
func Hextet(ctx context.Context, plan Plan, wrap func(stack.Link) stack.Link) (*Pair, error) {
	near, far := stack.Pipe(mtu)
	if wrap != nil {
		near = wrap(near)
	}
	p := &Pair{Name: "hextet"}
	var addresses []stack.Address
	for i, prefix := range plan.Near {
		addresses = append(addresses, stack.Address{Prefix: prefix, SkipAsSource: plan.Quiet && i > 0})
	}
	client, err := p.host(near, addresses...)
	if err == nil {
		err = p.serve(ctx, far, plan)
	}
	if err != nil {
		p.Close()
		return nil, err
	}
	to := plan.listenAt().String()
	p.dial = func(ctx context.Context) (net.Conn, error) { return client.DialContext(ctx, "tcp", to) }
	return p, nil
}

// host makes a stack on l. The pair's Close closes it.
func (p *Pair) host(l stack.Link, addresses ...stack.Address) (*stack.Stack, error) {
	s, err := stack.New(stack.Config{})
	if err != nil {
		return nil, err
	}
	p.keep(s.Close)
	i, err := s.Attach(stack.InterfaceConfig{Link: l})
	if err != nil {
		return nil, err
	}
	return s, i.AddAddresses(addresses)
}

// serve makes the far stack, on l, and listens on it.
func (p *Pair) serve(ctx context.Context, l stack.Link, plan Plan) error {
	s, err := p.host(l, stack.Address{Prefix: plan.Far})
	if err != nil {
		return err
	}
	if p.listener, err = s.Listen(ctx, "tcp", plan.listenAt().String()); err != nil {
		return err
	}
	p.closeWith(ctx)
	return nil
}
