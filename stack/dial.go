package stack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/hextet/hextet/srcselect"
	"github.com/hextet/hextet/stack/internal/turn"
)

// Dialer dials with choices of its own. Only Stack is required; with all other fields zero it dials
// as Stack.DialContext does. Several goroutines may use one at once.
type Dialer struct {
	// Stack is the host that dials.
	Stack *Stack

	// LocalAddr is what to speak from: an address of the host's, one flagged SkipAsSource too,
	// and a port. Zero address: source selection decides. Zero port: an unpredictable one.
	LocalAddr netip.AddrPort

	// Interface is the name of the interface to go out by, and the zone of a link-local
	// destination that has none. Empty: routes decide.
	Interface string

	// Prefer are preferences for source selection (RFC 5014). Zero: Config.Select's.
	Prefer srcselect.Preferences

	// FallbackDelay is the Connection Attempt Delay of Happy Eyeballs (RFC 8305 section 5), on
	// Config.Clock: how long the attempt at one address is alone before the next begins beside it. Zero:
	// 250 ms. Negative, and if LocalAddr has a port: an address is tried when the one before has failed,
	// each with its share of the time that the context leaves.
	FallbackDelay time.Duration
}

// DialContext connects to an address: with TCP ("tcp", "tcp4", "tcp6"), or to receive from and send
// to it by UDP ("udp", "udp4", "udp6"). It returns a *TCPConn or a *UDPConn. Addresses are written as
// package net has them: "192.0.2.1:80", "[2001:db8::1]:http", "[fe80::1%eth0]:80", "www:443"; the
// zone is the interface's name. An empty or unspecified host means this host.
//
// A name is resolved by Resolver, and dialled with Happy Eyeballs (RFC 8305): its addresses are ordered
// by RFC 6724 section 6, with the sources that the stack would use, and the families mixed; if one has
// not answered after 250 ms of Config.Clock, or failed, the next is tried beside it. The first connection
// wins, and the other attempts have ended when DialContext returns. If all fail, the error is that of the first.
//
// Errors are *net.OpError; errors.Is finds in them what happened: syscall.ECONNREFUSED,
// syscall.ETIMEDOUT, syscall.EHOSTUNREACH, syscall.ENETUNREACH without a route,
// syscall.EADDRNOTAVAIL and srcselect.ErrNoSource where there are routes but no address that may
// speak, context.Canceled and context.DeadlineExceeded (whose Timeout method returns true),
// net.ErrClosed after Close.
//
// ctx governs dialling only. Its deadline is real time; the retransmissions of the handshake, which
// end in syscall.ETIMEDOUT after some two minutes, are Config.Clock's.
func (s *Stack) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return (&Dialer{Stack: s}).DialContext(ctx, network, address)
}

// DialContext connects to an address. See Stack.DialContext.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	n, err := parseNetwork(network)
	if err == nil && n.transport == "ip" {
		err = net.UnknownNetworkError(network)
	}
	if err == nil && d.Stack == nil {
		err = fmt.Errorf("Dialer.Stack is nil: %w", syscall.EINVAL)
	}
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	// Two attempts can't have one local port.
	inTurn := d.FallbackDelay < 0 || d.LocalAddr.Port() != 0
	addrs, host, port, err := d.targets(ctx, n, address)
	if err == nil && inTurn && host != "" {
		addrs, err = d.Stack.lookup(ctx, n, host)
		addrs = d.order(addrs, 0)
	}
	switch {
	case err != nil:
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	case len(addrs) == 1 || inTurn:
		return d.dialEach(ctx, n, addrs, port)
	}
	return d.raceTo(ctx, n, addrs, host, port)
}

// attemptDelay is how long an attempt is alone before the next one begins.
func (d *Dialer) attemptDelay() time.Duration {
	if d.FallbackDelay == 0 {
		return connectionAttemptDelay
	}
	return d.FallbackDelay
}

// dialEach tries addresses in turn.
func (d *Dialer) dialEach(ctx context.Context, n network, addrs []netip.Addr, port uint16) (net.Conn, error) {
	var first error
	for i, addr := range addrs {
		attempt, cancel := d.Stack.shareDeadline(ctx, len(addrs)-i)
		c, err := d.dialOne(attempt, n, netip.AddrPortFrom(addr, port))
		cancel()
		if err == nil {
			return c, nil
		}
		if first == nil {
			first = err
		}
		if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
			break
		}
	}
	return nil, first
}

// leastShare is the least time that one of several addresses is given, as far as there is time.
const leastShare = 2 * time.Second

// shareDeadline gives one of left addresses its share of the time that ctx leaves, so that one that
// does not answer can't use it all.
func (s *Stack) shareDeadline(ctx context.Context, left int) (context.Context, context.CancelFunc) {
	share := func(remaining time.Duration) time.Duration {
		return max(remaining/time.Duration(left), min(leastShare, remaining))
	}
	deadline, ok := ctx.Deadline()
	own, clocked := ctx.Value(turn.DeadlineKey{}).(time.Time)
	switch {
	case !ok || left == 1:
		return ctx, func() {}
	case !clocked:
		return context.WithTimeout(ctx, share(time.Until(deadline)))
	}
	ctx, cancel := context.WithCancelCause(ctx)
	stop := s.clock.AfterFunc(share(own.Sub(s.clock.Now())), func() { cancel(context.DeadlineExceeded) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}

// dialOne dials one address.
func (d *Dialer) dialOne(ctx context.Context, n network, to netip.AddrPort) (net.Conn, error) {
	c, err := d.connect(ctx, n, to)
	if err == nil {
		return c, nil
	}
	op := &net.OpError{Op: "dial", Net: n.name, Addr: n.netAddr(to), Err: err}
	if d.LocalAddr != (netip.AddrPort{}) {
		op.Source = n.netAddr(d.LocalAddr)
	}
	return nil, op
}

func (d *Dialer) connect(ctx context.Context, n network, to netip.AddrPort) (net.Conn, error) {
	if err := contextError(ctx); err != nil {
		return nil, err
	}
	if to.Port() == 0 {
		return nil, fmt.Errorf("port 0 can't be dialled: %w", syscall.EINVAL)
	}
	from, err := d.binding(to.Addr())
	if err != nil {
		return nil, err
	}
	if n.transport == "udp" {
		c, err := d.Stack.dialUDP(n.name, from, to)
		if err != nil {
			return nil, err
		}
		return c, nil
	}
	c, err := d.Stack.dialTCP(ctx, n.name, from, to)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// netAddr returns ap in the type that package net uses for the network.
func (n network) netAddr(ap netip.AddrPort) net.Addr {
	if n.transport == "udp" {
		return net.UDPAddrFromAddrPort(ap)
	}
	return net.TCPAddrFromAddrPort(ap)
}

// contextError returns why ctx has ended, or nil. A context that was made from one with a deadline on a clock of
// its own says Canceled, and knows the cause.
func contextError(ctx context.Context) error {
	err := ctx.Err()
	if err != nil && errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		return context.DeadlineExceeded
	}
	return err
}
