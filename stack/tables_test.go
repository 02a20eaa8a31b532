package stack_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
)

func ExampleStack_Neighbors() {
	la, lb := ethernet()
	a, _ := stack.New(stack.Config{})
	b, _ := stack.New(stack.Config{})
	defer a.Close()
	defer b.Close()
	for n, s := range []*stack.Stack{a, b} {
		i, _ := s.Attach(stack.InterfaceConfig{Name: "eth0", Link: []stack.Link{la, lb}[n]})
		i.AddAddress(stack.Address{Prefix: netip.MustParsePrefix(fmt.Sprintf("192.0.2.%d/24", n+1))})
		i.AddAddress(stack.Address{Prefix: netip.MustParsePrefix(fmt.Sprintf("2001:db8::%d/64", n+1))})
	}
	raw, _ := a.ListenRaw(58, netip.Addr{})
	raw4, _ := a.ListenRaw4(1, netip.Addr{})
	raw.WriteTo([]byte{128, 0, 0, 0, 0, 1, 0, 1}, nil, ipTo("2001:db8::2"))
	for buf := []byte{0}; buf[0] != 129; { // until the echo reply is there
		raw.ReadFrom(buf)
	}
	raw4.WriteTo([]byte{8, 0, 0xf7, 0xfd, 0, 1, 0, 1}, nil, ipTo("192.0.2.2"))
	raw4.ReadFrom(make([]byte, 8))
	for _, n := range a.Neighbors() {
		fmt.Println(n.Addr, "is at", n.HardwareAddr, "on", n.Interface)
	}
	fmt.Print(a.Neighbors())
	// Output:
	// 192.0.2.2 is at 02:00:00:00:00:02 on eth0
	// 2001:db8::2 is at 02:00:00:00:00:02 on eth0
	// 192.0.2.2 dev eth0 lladdr 02:00:00:00:00:02 REACHABLE
	// 2001:db8::2 dev eth0 lladdr 02:00:00:00:00:02 REACHABLE
}

func ExampleStack_Sockets() {
	client, server, stop := twoHosts()
	defer stop()
	ctx := context.Background()
	l, _ := server.Listen(ctx, "tcp", ":80")
	defer l.Close()
	c, _ := (&stack.Dialer{Stack: client, LocalAddr: netip.MustParseAddrPort("[2001:db8::11]:50000")}).DialContext(ctx, "tcp", "[2001:db8::2]:80")
	peer, _ := l.Accept()
	defer c.Close()
	defer peer.Close()
	server.ListenPacket(ctx, "udp4", ":53")
	raw, _ := server.ListenRaw(89, netip.Addr{})
	raw.Connect(netip.MustParseAddr("2001:db8::11"))
	fmt.Print(server.Sockets())
	// Output:
	// Netid   State        Local             Peer
	// ip6:89  ESTABLISHED  2001:db8::2       2001:db8::11
	// tcp     LISTEN       [::]:80           *
	// tcp     ESTABLISHED  [2001:db8::2]:80  [2001:db8::11]:50000
	// udp     -            0.0.0.0:53        *
}

func ExampleStack_Routes() {
	client, _, stop := twoHosts()
	defer stop()
	client.AddRoute(stack.Route{Destination: netip.MustParsePrefix("::/0"), NextHop: netip.MustParseAddr("2001:db8::2"), Metric: 10})
	for _, r := range client.Routes() {
		fmt.Println(r)
	}
	// Output:
	// 2001:db8::/64 dev eth0
	// ::/0 via 2001:db8::2 dev eth0 metric 10
}

func ExampleStack_Counters() {
	client, server, stop := twoHosts()
	defer stop()
	ctx := context.Background()
	pc, _ := server.ListenPacket(ctx, "udp", ":7")
	c, _ := client.DialContext(ctx, "udp", "[2001:db8::2]:7")
	c.Write([]byte("x"))
	pc.ReadFrom(make([]byte, 1))
	for line := range strings.Lines(server.Counters().String()) {
		if strings.HasPrefix(line, "UDP") {
			fmt.Print(line)
		}
	}
	// Output:
	// UDPReceived 1
}

// A neighbour that nobody is fails, and is told as that.
func TestNeighborFails(t *testing.T) {
	clock := newSteppedClock()
	s := newStack(t, stack.Config{Clock: clock})
	l, far := ethernet()
	defer far.Close()
	attach(t, s, "eth0", l, plain("2001:db8::1/64"))
	if c, err := s.DialContext(t.Context(), "udp", "[2001:db8::9]:9"); err != nil {
		t.Fatal(err)
	} else {
		c.Write([]byte("x"))
		defer c.Close()
	}
	states := map[stack.NeighborState]bool{}
	eventually(t, func() bool {
		for _, n := range s.Neighbors() {
			states[n.State] = true
		}
		clock.Advance(100 * time.Millisecond)
		return states[stack.NeighborFailed]
	})
	if !states[stack.NeighborIncomplete] || len(states) != 2 {
		t.Errorf("states %v", states)
	}
	if got := s.Neighbors().String(); got != "2001:db8::9 dev eth0 FAILED\n" {
		t.Errorf("%s", got)
	}
}

// Every state that a connection goes through has its RFC's name, and sockets are gone once closed.
func TestSocketStates(t *testing.T) {
	a, b, _, _ := pair(t)
	client, server := dialPair(t, a, b, "tcp", "[2001:db8::2]:0")
	state := func(s *stack.Stack) string {
		for _, k := range s.Sockets() {
			if k.Network == "tcp" && k.Remote.IsValid() {
				return k.State
			}
		}
		return ""
	}
	if x, y := state(a), state(b); x != "ESTABLISHED" || y != "ESTABLISHED" {
		t.Errorf("%s and %s", x, y)
	}
	client.CloseWrite()
	eventually(t, func() bool { return state(a) == "FIN-WAIT-2" && state(b) == "CLOSE-WAIT" })
	server.CloseWrite()
	eventually(t, func() bool { return state(a) == "TIME-WAIT" && state(b) == "" })
	client.Close()
	if got := state(a); got != "TIME-WAIT" { // it outlives its conn
		t.Errorf("%q", got)
	}
	u := listenUDP(t, a, "udp", ":7")
	if got := a.Sockets()[1]; got != (stack.Socket{Network: "udp", Local: netip.MustParseAddrPort("[::]:7")}) {
		t.Errorf("%+v", got)
	}
	d := dialUDP(t, a, "[2001:db8::2]:9")
	want := stack.Socket{Network: "udp", State: "ESTABLISHED", Local: d.LocalAddr().(*net.UDPAddr).AddrPort(), Remote: netip.MustParseAddrPort("[2001:db8::2]:9")}
	if got := a.Sockets(); len(got) != 3 || got[2] != want {
		t.Errorf("%+v, want %+v last", got, want)
	}
	u.Close()
	d.Close()
	if got := a.Sockets().String(); strings.Contains(got, "udp") {
		t.Errorf("%s", got)
	}
}

// What raw sockets send past gVisor's network layer is counted too.
func TestRawIsCounted(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, plain("192.0.2.1/24"))
	before := s.Counters().IPSent
	if _, err := listenRaw4(t, s, 89, "0.0.0.0").WriteTo([]byte("x"), nil, ipTo("192.0.2.2")); err != nil {
		t.Fatal(err)
	}
	w.next()
	if n := s.Counters().IPSent - before; n != 1 {
		t.Errorf("%d packets were counted, want 1", n)
	}
}
