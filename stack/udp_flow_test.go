package stack_test

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"

	"github.com/hextet/hextet/stack"
)

// TestUDPFlowLetsGoOfAddresses: a socket that has sent and sends no more, connected or not, does not keep
// an address from coming back with another prefix, whose broadcast address it then is.
func TestUDPFlowLetsGoOfAddresses(t *testing.T) {
	s, i, w := rawHost(t, stack.Config{}, plain("192.0.2.1/24"))
	c, connected := listenUDP(t, s, "udp4", ":9"), dialUDP(t, s, "192.0.2.7:9")
	if _, err := c.WriteTo([]byte("x"), udpAddr("192.0.2.7:9")); err != nil {
		t.Fatal(err)
	}
	if _, err := connected.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := i.RemoveAddress(netip.MustParseAddr("192.0.2.1")); err != nil {
		t.Fatal(err)
	}
	if err := i.AddAddress(plain("192.0.2.1/16")); err != nil {
		t.Fatal(err)
	}
	datagram := []byte{15, 160, 0, 9, 0, 17, 0, 0}
	w.send(ip4("192.0.2.7", "192.0.255.255", 17, 64, 0, nil, append(datagram, "everybody"...)))
	wantText(t, c, "everybody")
}

// TestUDPFlowDuringDetach: a sender with another way never sees that an interface goes.
func TestUDPFlowDuringDetach(t *testing.T) {
	s := newStack(t, stack.Config{NoTCP: true})
	attach(t, s, "stays", voidLink{make(chan struct{})}, plain("2001:db8::1/64"))
	if err := s.AddRoute(stack.Route{Destination: netip.MustParsePrefix("2001:db8:9::/48"), Interface: "stays", Metric: 9}); err != nil {
		t.Fatal(err)
	}
	c := listenUDP(t, s, "udp6", ":0")
	var senders sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		senders.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := c.WriteTo([]byte("x"), udpAddr(fmt.Sprintf("[2001:db8:9::%x]:9", n%300))); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 200 {
		i := attach(t, s, "goes", voidLink{make(chan struct{})}, plain("2001:db8::2/64"))
		if err := s.AddRoute(stack.Route{Destination: netip.MustParsePrefix("2001:db8:9::/48"), Interface: "goes"}); err != nil {
			t.Fatal(err)
		}
		if err := i.Detach(); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	senders.Wait()
}
