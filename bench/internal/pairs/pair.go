package pairs

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
)

// A Pair is two hosts with a wire between them, of which the far one listens for TCP.
type Pair struct {
	Name string

	listener net.Listener
	dial     func(context.Context) (net.Conn, error)
	closers  []func() error // last one first
}

// keep has Close call f before what it was told earlier.
func (p *Pair) keep(f func() error) { p.closers = append(p.closers, f) }

// closeWith closes the listener when ctx is done, so that nothing waits for ever.
func (p *Pair) closeWith(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() { p.listener.Close() })
	p.keep(func() error {
		stop()
		if err := p.listener.Close(); !errors.Is(err, net.ErrClosed) { // by ctx
			return err
		}
		return nil
	})
}

// Connect opens a connection and returns its two ends.
func (p *Pair) Connect(ctx context.Context) (near, far net.Conn, err error) {
	if near, err = p.dial(ctx); err != nil {
		return nil, nil, err
	}
	if far, err = p.listener.Accept(); err != nil {
		return nil, nil, errors.Join(err, near.Close())
	}
	return near, far, nil
}

// Disconnect ends a connection with a reset where the near host's can do that, else in
// the ordinary way, and returns when the far host knows.
func Disconnect(near, far net.Conn) error {
	if l, ok := near.(interface{ SetLinger(int) error }); ok {
		if err := l.SetLinger(0); err != nil {
			return err
		}
	}
	err := near.Close()
	var one [1]byte
	if n, _ := far.Read(one[:]); n > 0 {
		err = errors.Join(err, errors.New("pairs: data after the end"))
	}
	return errors.Join(err, far.Close())
}

// Close takes the hosts away. Further calls do nothing.
func (p *Pair) Close() error {
	var err error
	for _, f := range slices.Backward(p.closers) {
		err = errors.Join(err, f())
	}
	p.closers = nil
	return err
}

// A Plan says which addresses two hosts have.
type Plan struct {
	Near []netip.Prefix
	Far  netip.Prefix

	// Quiet keeps the near host from speaking from any address but its first one. Only
	// hextet has that.
	Quiet bool
}

// IPv6 returns a plan of n near addresses in one /64.
func IPv6(n int) Plan { return plan("2001:db8::1:0/64", "2001:db8::2/64", n) }

// IPv4 returns a plan of n near addresses in one /8.
func IPv4(n int) Plan { return plan("10.1.0.0/8", "10.0.0.2/8", n) }

func plan(before, far string, n int) Plan {
	p := Plan{Far: netip.MustParsePrefix(far)}
	first := netip.MustParsePrefix(before)
	addr := first.Addr()
	for range n {
		addr = addr.Next()
		p.Near = append(p.Near, netip.PrefixFrom(addr, first.Bits()))
	}
	return p
}

// port is where the far host listens.
const port = 7

func (p *Plan) listenAt() netip.AddrPort { return netip.AddrPortFrom(p.Far.Addr(), port) }
