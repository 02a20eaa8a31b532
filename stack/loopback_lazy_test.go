package stack_test

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"testing"

	"github.com/hextet/hextet/stack"
)

// Whatever a program does first with a loopback address, the address is there: the interface that has it
// is made at its first use.
func TestLoopbackFirstUse(t *testing.T) {
	listen := func(t *testing.T, s *stack.Stack, network, address string) error {
		c, err := s.ListenPacket(t.Context(), network, address)
		if err == nil {
			c.Close()
		}
		return err
	}
	send := func(t *testing.T, s *stack.Stack, network, from string, to net.Addr) error {
		c, err := s.ListenPacket(t.Context(), network, from)
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = c.WriteTo([]byte("12345678"), to)
		return err
	}
	dial := func(t *testing.T, d stack.Dialer, to string) error {
		c, err := d.DialContext(t.Context(), "udp", to)
		if err == nil {
			c.Close()
		}
		return err
	}
	for name, use := range map[string]func(t *testing.T, s *stack.Stack) error{
		"listen tcp": func(t *testing.T, s *stack.Stack) error {
			l, err := s.Listen(t.Context(), "tcp", "127.0.0.1:0")
			if err == nil {
				l.Close()
			}
			return err
		},
		"listen udp":  func(t *testing.T, s *stack.Stack) error { return listen(t, s, "udp", "[::1]:0") },
		"listen zone": func(t *testing.T, s *stack.Stack) error { return listen(t, s, "udp", "[::1%lo]:0") },
		"listen raw":  func(t *testing.T, s *stack.Stack) error { return listen(t, s, "ip6:89", "::1") },
		"listen raw4": func(t *testing.T, s *stack.Stack) error { return listen(t, s, "ip4:89", "127.0.0.1") },
		"send udp": func(t *testing.T, s *stack.Stack) error {
			return send(t, s, "udp", ":0", &net.UDPAddr{IP: net.IPv6loopback, Port: 7})
		},
		"send udp4": func(t *testing.T, s *stack.Stack) error {
			return send(t, s, "udp4", ":0", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7})
		},
		"send raw":  func(t *testing.T, s *stack.Stack) error { return send(t, s, "ip6:89", "", ipTo("::1")) },
		"send raw4": func(t *testing.T, s *stack.Stack) error { return send(t, s, "ip4:89", "", ipTo("127.0.0.1")) },
		"connect raw": func(t *testing.T, s *stack.Stack) error {
			return listenRaw(t, s, 89, "").Connect(netip.IPv6Loopback())
		},
		"dial": func(t *testing.T, s *stack.Stack) error { return dial(t, stack.Dialer{Stack: s}, "127.0.0.1:7") },
		"dial by": func(t *testing.T, s *stack.Stack) error {
			return dial(t, stack.Dialer{Stack: s, Interface: "lo"}, "[::1]:7")
		},
		"dial from": func(t *testing.T, s *stack.Stack) error {
			return dial(t, stack.Dialer{Stack: s, LocalAddr: netip.MustParseAddrPort("[::1]:0")}, "[::1]:7")
		},
		"dial nowhere": func(t *testing.T, s *stack.Stack) error { return dial(t, stack.Dialer{Stack: s}, ":7") },
		"explain": func(t *testing.T, s *stack.Stack) error {
			_, err := s.Explain(netip.IPv6Loopback())
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			if err := use(t, newStack(t, stack.Config{})); err != nil {
				t.Error(err)
			}
		})
	}
}

// Many use it first at once, and one of them closes the stack.
func TestLoopbackFirstUseAtOnce(t *testing.T) {
	for _, closing := range []bool{false, true} {
		s := newStack(t, stack.Config{})
		var all sync.WaitGroup
		start := make(chan struct{})
		for n := range 8 {
			all.Go(func() {
				<-start
				if closing && n == 4 {
					s.Close()
					return
				}
				c, err := s.ListenPacket(t.Context(), "udp", "127.0.0.1:0")
				if err == nil {
					c.Close()
				} else if !closing || !errors.Is(err, net.ErrClosed) {
					t.Error(err)
				}
			})
		}
		close(start)
		all.Wait()
	}
}

// The name is the loopback interface's before there is one.
func TestLoopbackNameIsTaken(t *testing.T) {
	s := newStack(t, stack.Config{})
	l, _ := stack.Pipe(1500)
	defer l.Close()
	if _, err := s.Attach(stack.InterfaceConfig{Name: "lo", Link: l}); err == nil {
		t.Error("attached")
	}
}
