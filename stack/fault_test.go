package stack_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"

	"github.com/hextet/hextet/stack"
)

// A link that breaks its contract and stalls in a write holds up who sends by it. Other interfaces go on,
// and Close frees everybody.
func TestStalledLinkHarmsNoOther(t *testing.T) {
	la, lb := stack.Pipe(1500)
	s, peer := newStack(t, stack.Config{}), newStack(t, stack.Config{})
	attach(t, s, "eth0", la, plain("2001:db8::1/64"), plain("192.0.2.1/24"))
	attach(t, peer, "eth0", lb, plain("2001:db8::2/64"), plain("192.0.2.2/24"))
	stalled, closed := make(chan struct{}, 1), make(chan struct{})
	var stall sync.Once
	bad := &brokenLink{
		mtu:  1500,
		read: func([][]byte, []int) (int, error) { <-closed; return 0, net.ErrClosed },
		write: func(bufs [][]byte) (int, error) {
			for _, b := range bufs {
				if b[0]>>4 == 6 && b[6] == 17 {
					stall.Do(func() { stalled <- struct{}{}; <-closed })
				}
			}
			return len(bufs), nil
		},
		close: func() error { close(closed); return nil },
	}
	attach(t, s, "bad", bad, plain("2001:db8:bad::1/64"))
	c, err := s.DialContext(t.Context(), "udp", "[2001:db8:bad::2]:9")
	if err != nil {
		t.Fatal(err)
	}
	writing := async(func() error { _, err := c.Write([]byte("x")); return err })
	<-stalled
	for _, dst := range []string{"2001:db8::2", "192.0.2.2"} {
		talkTCP(t, s, peer, dst)
		exchange(t, s, peer, dst)
	}
	if err := s.Interfaces()[0].AddAddress(plain("2001:db8::7/64")); err != nil {
		t.Error(err)
	}
	s.Neighbors()
	s.Sockets()
	if err := within(t, async(s.Close)); err != nil {
		t.Error(err)
	}
	within(t, writing)
}

// Close of a router during anything returns, ends what is under way and leaves no goroutine.
func TestCloseRouterDuringAnything(t *testing.T) {
	for round := range 8 {
		la, lb := ethernet()
		peer := newStack(t, stack.Config{})
		attach(t, peer, "eth0", lb, plain("2001:db8::2/64"), plain("192.0.2.2/24"))
		if _, err := peer.Listen(t.Context(), "tcp", ":80"); err != nil {
			t.Fatal(err)
		}
		s := newStack(t, stack.Config{})
		i := forwarding(t, s, "eth0", la, plain("2001:db8::1/64"), plain("192.0.2.1/24"))
		ctx, cancel := context.WithCancel(t.Context())
		var busy sync.WaitGroup
		under := make(chan struct{}, 100)
		for _, f := range []func(n int) error{
			func(int) error { return closed(s.DialContext(ctx, "tcp", "[2001:db8::2]:80")) },
			func(int) error { return closed(s.DialContext(ctx, "udp", "192.0.2.2:7")) },
			func(int) error { return closed(s.DialContext(ctx, "tcp", "127.0.0.1:80")) },
			func(int) error { return closed(s.Listen(ctx, "tcp", ":0")) },
			func(int) error { return closed(s.ListenPacket(ctx, "udp", ":0")) },
			func(n int) error {
				c, err := s.ListenRaw(58, netip.Addr{})
				if err == nil {
					c.JoinGroup(i.NetInterface(), ipTo("ff02::1234"))
					c.WriteTo([]byte{128, 0, 0, 0, 0, 0, 0, 0}, nil, ipTo("2001:db8::2"))
					c.Close()
				}
				return err
			},
			func(n int) error { return i.AddAddress(plain(fmt.Sprintf("2001:db8::%x/64", 0x1000+n))) },
			func(n int) error { return i.SetForward(n%2 == 0) },
			func(n int) error {
				r := route("::/0", "2001:db8::2")
				r.Metric = n
				return s.AddRoute(r)
			},
			func(int) error {
				l, far := stack.Pipe(1500)
				defer far.Close()
				j, err := s.Attach(stack.InterfaceConfig{Link: l})
				if err != nil {
					l.Close()
					return err
				}
				return j.Detach()
			},
			func(int) error { s.Neighbors(); s.Sockets(); s.Routes(); s.Counters(); return nil },
		} {
			busy.Go(func() {
				for k := 0; ctx.Err() == nil; k++ {
					err := f(k)
					if k == 0 {
						under <- struct{}{}
					}
					if errors.Is(err, net.ErrClosed) {
						return
					}
				}
			})
		}
		for range 11 {
			<-under
		}
		for range round * 50 {
			s.Counters() // a moment later each time
		}
		if err := within(t, async(s.Close)); err != nil {
			t.Error(err)
		}
		cancel()
		if err := within(t, async(func() error { busy.Wait(); return nil })); err != nil {
			t.Error(err)
		}
	}
}

// closed closes what a call opened.
func closed[C interface{ Close() error }](c C, err error) error {
	if err == nil {
		return c.Close()
	}
	return err
}
