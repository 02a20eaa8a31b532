package stack_test

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"

	"github.com/hextet/hextet/stack"
	"golang.org/x/net/ipv6"
)

func TestRawGroups(t *testing.T) {
	s, i, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"), plain("fe80::1/64"))
	one, two := listenRaw(t, s, 89, ""), listenRaw(t, s, 89, "2001:db8::1")
	end := listenRaw(t, s, 99, "")
	hello := ip6("fe80::2", "ff02::5", 89, 1, []byte("hello"))
	received := func() uint64 {
		t.Helper()
		before := one.Stats().Received
		if two.Stats().Received != before {
			t.Error("the conn that is bound to a unicast address received something else")
		}
		w.send(hello, in6(99, nil))
		mustRead(t, end)
		if n, m := one.Stats().Received, two.Stats().Received; n != m {
			t.Errorf("the two conns received %d and %d packets", n, m)
		}
		return one.Stats().Received - before
	}
	if n := received(); n != 0 {
		t.Errorf("%d packets of a group nobody joined", n)
	}
	ifi, group := i.NetInterface(), ipTo("ff02::5")
	if err := one.JoinGroup(ifi, group); err != nil {
		t.Fatal(err)
	}
	if err := two.JoinGroup(nil, &net.UDPAddr{IP: group.IP}); err != nil { // the only interface
		t.Fatal(err)
	}
	if n := received(); n != 1 {
		t.Errorf("%d packets, joined", n)
	}
	if p, from := mustRead(t, one); p != "hello" || from != "fe80::2%eth0" {
		t.Errorf("%q from %s", p, from)
	}
	for _, tt := range []struct {
		what string
		err  error
		want error
	}{
		{"twice", one.JoinGroup(ifi, group), syscall.EADDRINUSE},
		{"not joined", one.LeaveGroup(ifi, ipTo("ff02::6")), syscall.EADDRNOTAVAIL},
		{"unicast", one.JoinGroup(ifi, ipTo("2001:db8::1")), syscall.EINVAL},
		{"IPv4", one.JoinGroup(ifi, ipTo("224.0.0.5")), syscall.EAFNOSUPPORT},
		{"no address", one.JoinGroup(ifi, &net.IPAddr{}), syscall.EINVAL},
		{"TCP address", one.JoinGroup(ifi, &net.TCPAddr{IP: group.IP}), syscall.EINVAL},
		{"no interface", one.JoinGroup(&net.Interface{Index: 77}, group), syscall.ENODEV},
	} {
		if !errors.Is(tt.err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.what, tt.err, tt.want)
		}
	}
	if err := two.LeaveGroup(nil, group); err != nil {
		t.Fatal(err)
	}
	if n := received(); n != 1 {
		t.Errorf("%d packets, one of two memberships left", n)
	}
	three := listenRaw(t, s, 90, "")
	if err := three.JoinGroup(ifi, group); err != nil {
		t.Fatal(err)
	}
	if err := one.LeaveGroup(ifi, group); err != nil {
		t.Fatal(err)
	}
	if n := received(); n != 1 {
		t.Errorf("%d packets, another conn's membership left", n)
	}
	three.Close()
	if n := received(); n != 0 {
		t.Errorf("%d packets, after the last member's Close", n)
	}
}

func TestRawMulticastSend(t *testing.T) {
	s := newStack(t, stack.Config{})
	var wires [2]*rawWire
	var ifs [2]*stack.Interface
	for n, name := range []string{"eth0", "eth1"} {
		near, far := stack.Pipe(1500)
		addr := netip.MustParsePrefix("2001:db8:0:1::1/64")
		if n == 1 {
			addr = netip.MustParsePrefix("2001:db8:0:2::1/64")
		}
		ifs[n] = attach(t, s, name, near, stack.Address{Prefix: addr}, plain("fe80::1/64"))
		wires[n] = newRawWire(t, far)
	}
	c := listenRaw(t, s, 89, "")
	send := func(cm *ipv6.ControlMessage, dst string, wire int, hops byte) {
		t.Helper()
		if _, err := c.WriteTo([]byte("x"), cm, ipTo(dst)); err != nil {
			t.Fatal(err)
		}
		if p := wires[wire].next(); p[7] != hops || p[6] != 89 {
			t.Errorf("protocol %d, hop limit %d, want %d", p[6], p[7], hops)
		}
	}
	send(nil, "ff02::5", 0, 1)
	send(nil, "ff02::5%eth1", 1, 1)
	send(&ipv6.ControlMessage{IfIndex: ifs[1].Index(), HopLimit: 9}, "ff05::5", 1, 9)
	if ifi, err := c.MulticastInterface(); ifi != nil || err != nil {
		t.Errorf("of a new socket: %v, %v", ifi, err)
	}
	if err := c.SetMulticastInterface(ifs[1].NetInterface()); err != nil {
		t.Fatal(err)
	}
	if ifi, err := c.MulticastInterface(); err != nil || ifi.Name != "eth1" {
		t.Errorf("%v, %v", ifi, err)
	}
	c.SetMulticastHopLimit(3)
	send(nil, "ff02::5", 1, 3)
	send(nil, "ff02::5%eth0", 0, 3)
	c.SetMulticastInterface(nil)
	send(nil, "ff02::5", 0, 3)

	if err := c.SetMulticastInterface(&net.Interface{Index: 77}); !errors.Is(err, syscall.ENODEV) {
		t.Errorf("unknown interface: %v", err)
	}
	if _, err := c.WriteTo(nil, &ipv6.ControlMessage{IfIndex: ifs[0].Index()}, ipTo("ff02::5%eth1")); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("two interfaces: %v", err)
	}
	if _, err := c.WriteTo(nil, &ipv6.ControlMessage{IfIndex: ifs[0].Index(), Src: net.ParseIP("2001:db8:0:2::1")}, ipTo("ff02::5")); !errors.Is(err, syscall.EADDRNOTAVAIL) {
		t.Errorf("another interface's source: %v", err)
	}
}

func TestRawMulticastLoop(t *testing.T) {
	s, i, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"))
	for _, tt := range []struct {
		proto uint8
		msg   []byte
	}{
		{58, []byte{200, 0, 0xde, 0xad, 1, 2, 3, 4, 5}},
		{253, []byte{200, 0, 0xde, 0xad, 1, 2, 3, 4, 5}}, // gVisor takes it for an extension header
		{253, []byte{200, 0, 0xde}},                      // and this for one that is cut
	} {
		proto, msg := tt.proto, tt.msg
		c, other := listenRaw(t, s, proto, ""), listenRaw(t, s, proto, "")
		if on, err := c.MulticastLoopback(); !on || err != nil {
			t.Errorf("of a new socket: %v, %v", on, err)
		}
		if err := other.JoinGroup(i.NetInterface(), ipTo("ff02::5")); err != nil {
			t.Fatal(err)
		}
		for _, loop := range []bool{true, false, true} {
			if err := c.SetMulticastLoopback(loop); err != nil {
				t.Fatal(err)
			}
			before := other.Stats().Received
			if _, err := c.WriteTo(msg, nil, ipTo("ff02::5")); err != nil {
				t.Fatal(err)
			}
			if p := w.next(); p[6] != proto || p[40] != 200 || len(p) != 40+len(msg) {
				t.Errorf("on the wire: %x", p)
			}
			if got := other.Stats().Received - before; (got == 1) != loop {
				t.Errorf("loop %v: %d copies", loop, got)
			}
		}
		c.SetMulticastHopLimit(0)
		before := other.Stats().Received
		if _, err := c.WriteTo(msg, nil, ipTo("ff02::5")); err != nil {
			t.Fatal(err)
		}
		if got := other.Stats().Received - before; got != 1 {
			t.Errorf("hop limit 0: %d copies", got)
		}
		if _, err := c.WriteTo([]byte{201, 0, 0, 0}, nil, ipTo("2001:db8::2")); err != nil {
			t.Fatal(err)
		}
		if p := w.next(); p[40] != 201 {
			t.Errorf("hop limit 0 left the host: %x", p)
		}
		c.Close()
		other.Close()
	}
}

// TestRawMulticastConnected: the route that a connected socket keeps does not outlive its options.
func TestRawMulticastConnected(t *testing.T) {
	s, i, _ := rawHost(t, stack.Config{}, plain("2001:db8::1/64"))
	c, other := listenRaw(t, s, 89, ""), listenRaw(t, s, 89, "")
	if err := other.JoinGroup(i.NetInterface(), ipTo("ff02::5")); err != nil {
		t.Fatal(err)
	}
	if err := c.Connect(netip.MustParseAddr("ff02::5%eth0")); err != nil {
		t.Fatal(err)
	}
	for n, loop := range []bool{true, false, true} {
		c.SetMulticastLoopback(loop)
		if _, err := c.WriteTo([]byte("x"), nil, nil); err != nil {
			t.Fatal(err)
		}
		if got, want := other.Stats().Received, uint64(n+1+1)/2; got != want {
			t.Errorf("after %d packets: %d copies, want %d", n+1, got, want)
		}
	}
}
