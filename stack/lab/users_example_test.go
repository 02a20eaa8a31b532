package lab_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/netip"
	"time"

	"github.com/hextet/hextet/icmp6"
	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/lab"
)

// A Router Advertisement daemon under test: what it advertises comes up, and goes when it stops.
func ExampleHost_WaitAddress() {
	l, err := lab.Start(context.Background())
	must(err)
	defer l.Close()
	r := l.Host(lab.HostConfig{Name: "r"})
	h := l.Host(lab.HostConfig{Name: "h", Interfaces: []lab.InterfaceConfig{{Stack: stack.InterfaceConfig{SLAAC: true}}}})
	c, err := r.ListenRaw(icmp6.Protocol, netip.Addr{})
	must(err)
	prefix := netip.MustParsePrefix("2001:db8:1::/64")
	ctx, stop := l.WithTimeout(context.Background(), 5*time.Second)
	defer stop()
	l.Go("daemon", func(context.Context) error {
		return advertise(ctx, c, l.Sleep, prefix, r.Interface("eth0").NetInterface())
	})
	a, err := h.WaitAddress(ctx, prefix)
	fmt.Println(a.Prefix, a.State, err)
	l.Advance(time.Hour + 5*time.Second)
	a, _ = h.AddressIn(prefix)
	fmt.Println("deprecated:", a.Deprecated)
	// Output:
	// 2001:db8:1::ff:fe00:2/64 assigned <nil>
	// deprecated: true
}

// A ping tool under test, over a wire that loses half of the requests and carries small packets only.
func ExampleHost_pingTool() {
	l, err := lab.Start(context.Background(), lab.Config{Seed: 1})
	must(err)
	defer l.Close()
	bad := lab.Impairment{Loss: 0.5, MTU: 1280}
	a := l.Host(lab.HostConfig{Name: "a", Addresses: lab.Addresses("2001:db8::1/64")})
	l.Host(lab.HostConfig{Name: "b", Addresses: lab.Addresses("2001:db8::2/64"), Interfaces: []lab.InterfaceConfig{{Receive: bad}}})
	c, err := a.ListenRaw(icmp6.Protocol, netip.Addr{})
	must(err)
	began := l.Now()
	answers, err := pingTool(c, l.Now, netip.MustParseAddr("2001:db8::2"), 100)
	fmt.Println(answers == l.Count(lab.Match("type 129 and from b")), err, l.Now().Sub(began))
	fmt.Println(answers > 30, answers < 70)
	// Output:
	// true <nil> 1m40s
	// true true
}

// A DHCPv6 client under test: it renews its lease at T1, for thirty days.
func ExampleLab_Advance_dhcp() {
	l, err := lab.Start(context.Background())
	must(err)
	defer l.Close()
	server, client := l.Host(lab.HostConfig{Name: "server"}), l.Host(lab.HostConfig{Name: "client"})
	s, err := server.ListenPacket(context.Background(), "udp", ":547")
	must(err)
	must(s.(*stack.UDPConn).JoinGroup(nil, &net.UDPAddr{IP: net.ParseIP("ff02::1:2")}))
	l.Go("server", func(context.Context) error { return dhcpServer(s) })
	c, err := client.ListenPacket(context.Background(), "udp", ":546")
	must(err)
	leases := 0
	l.Go("client", func(context.Context) error { return dhcpClient(c, l.Now, "eth0", func(byte) { leases++ }) })
	l.Advance(t1 - time.Second)
	fmt.Println("before T1:", leases)
	l.Advance(30 * 24 * time.Hour)
	fmt.Println("thirty days later:", leases)
	// Output:
	// before T1: 1
	// thirty days later: 1441
}

// A service that must choose its source.
func ExampleHost_service() {
	l, err := lab.Start(context.Background())
	must(err)
	defer l.Close()
	web := l.Host(lab.HostConfig{Name: "web", Addresses: lab.Addresses("10.0.0.100/24", "10.0.0.50/24 skip")})
	mail := l.Host(lab.HostConfig{Name: "mail", Addresses: lab.Addresses("10.0.0.5/24")})
	_, err = mail.Listen(context.Background(), "tcp", ":25")
	must(err)
	c, err := web.DialContext(context.Background(), "tcp", "10.0.0.5:25")
	must(err)
	fmt.Println(c.LocalAddr().(*net.TCPAddr).IP)
	d := stack.Dialer{Stack: web.Stack, LocalAddr: netip.MustParseAddrPort("10.0.0.50:0")}
	c, err = d.DialContext(context.Background(), "tcp", "10.0.0.5:25")
	must(err)
	fmt.Println(c.LocalAddr().(*net.TCPAddr).IP, l.Count(lab.Match("syn and src 10.0.0.50 and from web")))
	// Output:
	// 10.0.0.100
	// 10.0.0.50 1
}

func must(err error) {
	if err != nil {
		log.Panic(err)
	}
}
