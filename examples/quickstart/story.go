package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/hextet/hextet/stack"
)

// patience is how long a connection may take. Nothing here is further away than memory.
const patience = 20 * time.Millisecond

// before is the host of KB975808 as it was: nothing is flagged.
func (n *network) before(ctx context.Context, a *account, f *facts) error {
	a.title("BEFORE: %d IPv4 and %d IPv6 addresses, none flagged; the firewall passes %v and %v", many, many, server4(passed), server6(passed))
	if err := n.serve(); err != nil {
		return err
	}
	traffic, err := n.register(ctx)
	if err != nil {
		return err
	}
	r := n.registered()
	a.claim(r == registered{many, many, 2 * many}, "registered", "%d A, %d AAAA, %d PTR", r.a, r.aaaa, r.ptr)
	a.say("update traffic", "%d messages, %d bytes", traffic.Updates, traffic.UpdateBytes)
	f.allBytes = traffic.UpdateBytes

	addrs, err := n.resolve(ctx)
	if err != nil {
		return err
	}
	ok, failed := n.dialEach(ctx, addrs)
	a.claim(ok == 2 && failed == 2*many-2, "client dials every answer", "%d addresses: %d connected, %d failed", len(addrs), ok, failed)
	for _, to := range []netip.Addr{client4, client6} {
		src, why, err := chosen(n.server, to)
		if err != nil {
			return err
		}
		err = n.connect(ctx, &stack.Dialer{Stack: n.server}, to, "9000")
		a.claim(err != nil && blocked(src), "server dials the client", "from %v: blocked (%s)", src, why)
	}
	a.say("firewall", "dropped %d packets", n.wall.dropped.Swap(0))
	return nil
}

// after is the host with the flag of KB975808 on all addresses but those that the firewall passes.
func (n *network) after(ctx context.Context, a *account, f *facts) error {
	f.flagged = time.Now()
	for i := 1; i <= many; i++ {
		if i != passed {
			for _, addr := range []netip.Addr{server4(i), server6(i)} {
				if err := n.serverIf.SetSkipAsSource(addr, true); err != nil {
					return err
				}
			}
		}
	}
	a.title("AFTER: SkipAsSource on %d of each", many-1)
	traffic, err := n.register(ctx)
	if err != nil {
		return err
	}
	r := n.registered()
	a.claim(r == registered{1, 1, 2}, "registered", "%d A, %d AAAA, %d PTR", r.a, r.aaaa, r.ptr)
	a.say("update traffic", "%d messages, %d bytes, once, to take back the rest", traffic.Updates, traffic.UpdateBytes)
	if err := n.registrar.Deregister(ctx); err != nil {
		return err
	}
	if traffic, err = n.register(ctx); err != nil {
		return err
	}
	a.claim(traffic.UpdateBytes*5 < f.allBytes && n.registered() == r, "from then on", "%d messages, %d bytes to register from nothing", traffic.Updates, traffic.UpdateBytes)

	addrs, err := n.resolve(ctx)
	if err != nil {
		return err
	}
	ok, failed := n.dialEach(ctx, addrs)
	a.claim(ok == 2 && failed == 0, "client dials every answer", "%d addresses: %d connected, %d failed", len(addrs), ok, failed)
	for _, to := range []netip.Addr{client4, client6} {
		src, why, err := chosen(n.server, to)
		if err != nil {
			return err
		}
		comments.note(src, to, why)
		err = n.connect(ctx, &stack.Dialer{Stack: n.server}, to, "9000")
		a.claim(err == nil && !blocked(src), "server dials the client", "from %v: connected (%s)", src, why)
	}
	for _, bound := range []struct{ from, to netip.Addr }{{server4(1), dns4}, {server6(1), dns6}} {
		f.explicit = append(f.explicit, bound.from)
		err := n.connect(ctx, &stack.Dialer{Stack: n.server, LocalAddr: netip.AddrPortFrom(bound.from, 0)}, bound.to, "53")
		a.claim(err == nil, "server binds a skipped one", "from %v: connected (explicit choice)", bound.from)
	}
	a.claim(n.wall.dropped.Load() == 0, "firewall", "dropped %d packets", n.wall.dropped.Load())
	return nil
}

// serve lets server and client accept connections.
func (n *network) serve() error {
	for _, s := range []struct {
		stack *stack.Stack
		port  string
	}{{n.server, webPort}, {n.client, "9000"}} {
		l, err := s.stack.Listen(context.Background(), "tcp", ":"+s.port)
		if err != nil {
			return err
		}
		go func() { // ends with its stack
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				c.Close()
			}
		}()
	}
	return nil
}

// dialEach connects the client to one address after the other.
func (n *network) dialEach(ctx context.Context, addrs []netip.Addr) (ok, failed int) {
	for _, to := range addrs {
		if n.connect(ctx, &stack.Dialer{Stack: n.client}, to, webPort) == nil {
			ok++
		} else {
			failed++
		}
	}
	return ok, failed
}

// connect makes a connection and ends it. A try that runs out of patience though the firewall dropped
// nothing met a busy machine, and gets more of it.
func (n *network) connect(ctx context.Context, d *stack.Dialer, to netip.Addr, port string) error {
	for wait := patience; ; wait *= 8 {
		dropped := n.wall.dropped.Load()
		tctx, cancel := context.WithTimeout(ctx, wait)
		c, err := d.DialContext(tctx, "tcp", net.JoinHostPort(to.String(), port))
		cancel()
		if err == nil {
			return c.Close()
		}
		if n.wall.dropped.Load() > dropped || wait > 5*time.Second {
			return err
		}
	}
}

// chosen returns the source that s has for a destination, and the deciding rule.
func chosen(s *stack.Stack, to netip.Addr) (netip.Addr, string, error) {
	ex, err := s.Explain(to)
	if err != nil {
		return netip.Addr{}, "", err
	}
	for _, c := range ex.Candidates {
		if c.Chosen {
			return c.Address.Prefix.Addr(), fmt.Sprintf("decided by %v", ex.Rule), nil
		}
	}
	return netip.Addr{}, "", fmt.Errorf("nothing is chosen towards %v", to)
}
