package stack_test

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
)

// wantText reads a datagram and checks its payload.
func wantText(t *testing.T, c *stack.UDPConn, want string) (cm stack.ControlMessage) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	buf := make([]byte, 100)
	n, _, err := c.ReadMsg(buf, &cm)
	if err != nil || string(buf[:n]) != want {
		t.Errorf("read %q, %v, want %q", buf[:n], err, want)
	}
	return cm
}

// wantNothing checks that a socket got nothing but what was read.
func wantNothing(t *testing.T, c *stack.UDPConn) {
	t.Helper()
	if datagrams, errors := c.Queued(); datagrams+errors != 0 {
		t.Errorf("%d datagrams and %d errors wait, want nothing", datagrams, errors)
	}
}

// TestUDPGroup: members get what is sent to a group, each its copy, until they leave.
func TestUDPGroup(t *testing.T) {
	for _, tt := range []struct{ network, group, from string }{
		{"udp6", "[ff05::77]:9", "2001:db8::1"},
		{"udp4", "239.1.2.3:9", "192.0.2.1"},
	} {
		t.Run(tt.network, func(t *testing.T) {
			a, b, _, bi := pair(t)
			sender := listenUDP(t, a, tt.network, ":0")
			sender.SetMulticastLoopback(false)
			// Bound to all addresses, and two to the group, which share the port.
			all := listenUDP(t, b, tt.network, ":0")
			only, too := listenUDP(t, b, tt.network, tt.group), listenUDP(t, b, tt.network, tt.group)
			to := udpAddr(tt.group)
			toAll := &net.UDPAddr{IP: to.IP, Port: int(port(all.LocalAddr()))}
			send := func(text string) {
				t.Helper()
				for _, to := range []net.Addr{to, toAll} {
					if _, err := sender.WriteTo([]byte(text), to); err != nil {
						t.Fatal(err)
					}
				}
			}
			last := listenUDP(t, b, tt.network, ":77")
			through := func() { // what was sent before has been delivered, or dropped
				t.Helper()
				if _, err := sender.WriteTo([]byte("last"), &net.UDPAddr{IP: map[string]net.IP{"udp6": net.ParseIP("2001:db8::2"), "udp4": net.IPv4(192, 0, 2, 2)}[tt.network], Port: 77}); err != nil {
					t.Fatal(err)
				}
				wantText(t, last, "last")
			}

			send("too early")
			through()
			if err := only.JoinGroup(bi.NetInterface(), to); err != nil {
				t.Fatal(err)
			}
			send("joined")
			for _, c := range []*stack.UDPConn{all, only, too} {
				cm := wantText(t, c, "joined")
				if cm.Destination != to.AddrPort().Addr().Unmap() || cm.Source.String() != tt.from || cm.Interface != bi.Index() || cm.HopLimit != 1 {
					t.Errorf("%+v", cm)
				}
			}
			if err := only.JoinGroup(nil, to); !errors.Is(err, syscall.EADDRINUSE) {
				t.Errorf("joined twice: %v", err)
			}
			// The host stays a member until the last socket has left.
			if err := too.JoinGroup(nil, to); err != nil {
				t.Fatal(err)
			}
			if err := only.LeaveGroup(nil, to); err != nil {
				t.Fatal(err)
			}
			send("one left")
			for _, c := range []*stack.UDPConn{all, only, too} {
				wantText(t, c, "one left")
			}
			too.Close()
			send("too late")
			through()
			wantNothing(t, all)
			wantNothing(t, only)
			if err := only.LeaveGroup(nil, to); !errors.Is(err, syscall.EADDRNOTAVAIL) {
				t.Errorf("left twice: %v", err)
			}
		})
	}
}

// TestUDPGroupLoop: the sender's own host has a copy, unless that is switched off; with hop limit 0 it is
// the only one.
func TestUDPGroupLoop(t *testing.T) {
	for _, address := range []string{"[ff05::77]:9", "239.1.2.3:9"} {
		s, i, w := rawHost(t, stack.Config{}, udpOwn...)
		c := listenUDP(t, s, "udp", ":9")
		to := udpAddr(address)
		if err := c.JoinGroup(i.NetInterface(), to); err != nil {
			t.Fatal(err)
		}
		nextUDP := func() []byte { // IGMP and MLD reports aside
			for {
				if p := w.next(); len(p) > 40 && p[0]>>4 == 6 && p[6] == 17 || p[0]>>4 == 4 && p[9] == 17 {
					return p
				}
			}
		}
		c.WriteTo([]byte("both"), to)
		wantText(t, c, "both")
		c.SetMulticastLoopback(false)
		c.WriteTo([]byte("wire"), to)
		c.SetMulticastLoopback(true)
		c.SetMulticastHopLimit(0)
		c.WriteTo([]byte("here"), to)
		wantText(t, c, "here")
		c.SetMulticastHopLimit(200)
		c.WriteTo([]byte("far"), to)
		wantText(t, c, "far")
		for _, want := range []struct {
			text string
			hops byte
		}{{"both", 1}, {"wire", 1}, {"far", 200}} {
			p := nextUDP()
			hops := p[7]
			if p[0]>>4 == 4 {
				hops = p[8]
			}
			if got := string(p[len(p)-len(want.text):]); got != want.text || hops != want.hops {
				t.Errorf("%q with hop limit %d on the wire, want %v", got, hops, want)
			}
		}
	}
}

// TestUDPMulticastInterface: of two interfaces the one that was set, or that a message names, or the
// oldest.
func TestUDPMulticastInterface(t *testing.T) {
	s := newStack(t, stack.Config{})
	var is [2]*stack.Interface
	var ws [2]*rawWire
	for n, name := range []string{"eth0", "eth1"} {
		near, far := stack.Pipe(1500)
		is[n] = attach(t, s, name, near, plain([]string{"2001:db8:0::1/64", "2001:db8:1::1/64"}[n]))
		ws[n] = newRawWire(t, far)
	}
	c := listenUDP(t, s, "udp6", ":0")
	to := netip.MustParseAddrPort("[ff05::77]:9")
	for _, tt := range []struct {
		set  *net.Interface
		cm   *stack.ControlMessage
		zone string
		want int
	}{
		{nil, nil, "", 0},
		{is[1].NetInterface(), nil, "", 1},
		{is[1].NetInterface(), &stack.ControlMessage{Interface: is[0].Index()}, "", 0},
		{is[0].NetInterface(), nil, "eth1", 1},
		{nil, &stack.ControlMessage{Interface: is[1].Index()}, "", 1},
	} {
		if err := c.SetMulticastInterface(tt.set); err != nil {
			t.Fatal(err)
		}
		to := netip.AddrPortFrom(to.Addr().WithZone(tt.zone), to.Port())
		if _, err := c.WriteMsg([]byte("x"), tt.cm, to); err != nil {
			t.Fatal(err)
		}
		if p := ws[tt.want].next(); p[6] != 17 || p[13] != byte(tt.want) {
			t.Errorf("%+v: %x", tt, p)
		}
	}
	for _, err := range []error{
		c.SetMulticastInterface(&net.Interface{Index: 77}),
		c.JoinGroup(&net.Interface{Index: 77}, udpAddr("[ff05::77]:0")),
	} {
		if !errors.Is(err, syscall.ENODEV) {
			t.Errorf("an interface that is none: %v", err)
		}
	}
	for _, tt := range []struct {
		group net.Addr
		want  error
	}{
		{udpAddr("[2001:db8::1]:0"), syscall.EINVAL},
		{udpAddr("239.1.1.1:0"), syscall.EAFNOSUPPORT},
		{&net.TCPAddr{}, syscall.EINVAL},
		{nil, syscall.EINVAL},
	} {
		if err := c.JoinGroup(nil, tt.group); !errors.Is(err, tt.want) {
			t.Errorf("group %v: %v, want %v", tt.group, err, tt.want)
		}
	}
	c.Close()
	wantClosed(t, c.JoinGroup(nil, udpAddr("[ff05::77]:0")))
	wantClosed(t, c.SetHopLimit(1))
}

// TestUDPBroadcast: every socket on the port gets its copy, one that is bound to an address does not.
func TestUDPBroadcast(t *testing.T) {
	for _, to := range []string{"255.255.255.255", "192.0.2.255"} {
		a, b, _, _ := pair(t)
		sender := listenUDP(t, a, "udp4", "192.0.2.1:0")
		everywhere, dual := listenUDP(t, b, "udp4", ":9"), listenUDP(t, b, "udp", ":10")
		bound := listenUDP(t, b, "udp4", "192.0.2.2:11")
		for _, port := range []uint16{11, 10, 9} {
			if _, err := sender.WriteToUDPAddrPort([]byte("hello"), netip.AddrPortFrom(netip.MustParseAddr(to), port)); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []*stack.UDPConn{everywhere, dual} {
			if cm := wantText(t, c, "hello"); cm.Destination.String() != to || cm.Source.String() != "192.0.2.1" {
				t.Errorf("%+v", cm)
			}
		}
		wantNothing(t, bound) // the last one sent has come
	}
}

// TestUDPInterfaceGone: a connected socket says that its interface is down, or was detached, and which.
func TestUDPInterfaceGone(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(i *stack.Interface, broken chan struct{})
		text string
	}{
		{"detached", func(i *stack.Interface, _ chan struct{}) { i.Detach() }, `interface "eth0" was detached`},
		{"failed", func(i *stack.Interface, broken chan struct{}) { close(broken); <-i.Done() }, "cable on fire"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStack(t, stack.Config{})
			broken, closed := make(chan struct{}), make(chan struct{})
			i := attach(t, s, "eth0", &brokenLink{
				mtu: 1500,
				read: func([][]byte, []int) (int, error) {
					select {
					case <-broken:
						return 0, errors.New("cable on fire")
					case <-closed:
						return 0, net.ErrClosed
					}
				},
				write: func(bufs [][]byte) (int, error) { return len(bufs), nil },
				close: func() error { close(closed); return nil },
			}, udpOwn...)
			c := dialUDP(t, s, "[2001:db8::2]:9")
			if _, err := c.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
			tt.end(i, broken)
			_, err := c.Write([]byte("x"))
			wantOpError(t, err, "write", syscall.ENETDOWN)
			if err == nil || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("%v does not say %q", err, tt.text)
			}
			if _, err := listenUDP(t, s, "udp6", ":0").WriteToUDPAddrPort(nil, netip.MustParseAddrPort("[2001:db8::2]:9")); err == nil {
				t.Error("another socket could send")
			}
		})
	}
}
