package stack_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
)

// TestUDPAllocations: a datagram that is read costs nothing, and one that is sent by a known way what the
// link's buffers cost.
func TestUDPAllocations(t *testing.T) {
	if racing {
		t.Skip("SKIP(race): the race detector makes allocations of its own")
	}
	a, b, _, _ := pair(t)
	server := listenUDP(t, b, "udp", ":9")
	client := dialUDP(t, a, "[2001:db8::2]:9")
	unconnected := listenUDP(t, a, "udp", ":0")
	to := netip.MustParseAddrPort("[2001:db8::2]:9")
	buf, msg := make([]byte, 100), make([]byte, 64)
	send := func(c *stack.UDPConn) func() {
		return func() {
			var err error
			if c == client {
				_, err = c.Write(msg)
			} else {
				_, err = c.WriteToUDPAddrPort(msg, to)
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := server.ReadFromUDPAddrPort(buf); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]*stack.UDPConn{"connected": client, "unconnected": unconnected} {
		if n := testing.AllocsPerRun(1000, send(c)); n > 2 {
			t.Errorf("%s: %v allocations for a datagram sent and read", name, n)
		}
	}
}

// TestUDPRaces: sockets open, connect, join, send, change and close while datagrams come and addresses go;
// the race detector is the judge, and Stack.Close the end.
func TestUDPRaces(t *testing.T) {
	a, b, ai, _ := pair(t)
	peer := listenUDP(t, b, "udp6", ":7")
	var wg sync.WaitGroup
	stop := make(chan struct{})
	again := func(f func(n int)) {
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
					f(n)
				}
			}
		})
	}
	for worker := range 3 {
		again(func(n int) {
			c, err := a.ListenPacket(t.Context(), "udp6", fmt.Sprintf("[2001:db8::1]:%d", 1000+worker))
			if err != nil {
				if !errors.Is(err, net.ErrClosed) {
					t.Error(err)
				}
				return
			}
			u := c.(*stack.UDPConn)
			u.SetReadDeadline(time.Now().Add(time.Millisecond))
			u.JoinGroup(nil, udpAddr("[ff05::1]:0"))
			u.SetHopLimit(n % 256)
			u.WriteToUDPAddrPort([]byte("x"), netip.MustParseAddrPort("[2001:db8::2]:7"))
			u.WriteToUDPAddrPort([]byte("x"), netip.AddrPortFrom(netip.MustParseAddr("2001:db8::1"), uint16(1000+worker)))
			u.ReadFromUDPAddrPort(make([]byte, 9))
			u.Stats()
			u.Close()
		})
	}
	again(func(n int) {
		for port := range 3 {
			peer.WriteToUDPAddrPort([]byte("y"), netip.AddrPortFrom(netip.MustParseAddr("2001:db8::1"), uint16(1000+port)))
		}
	})
	again(func(n int) {
		if c, err := a.DialContext(t.Context(), "udp", "[2001:db8::2]:7"); err == nil {
			c.Write([]byte("x"))
			c.Close()
		}
	})
	again(func(n int) {
		addr := netip.MustParseAddr("2001:db8::77")
		ai.AddAddress(plain("2001:db8::77/64"))
		ai.SetSkipAsSource(addr, n%2 == 0)
		ai.RemoveAddress(addr)
	})
	for range 300 {
		if _, _, err := peer.ReadFromUDPAddrPort(make([]byte, 9)); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	close(stop)
	wg.Wait()
	if n := a.OpenConns(); n != 0 {
		t.Errorf("%d conns are left", n)
	}
}
