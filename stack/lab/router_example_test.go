package lab_test

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/lab"
)

// A router announces a prefix, then takes it back; the host follows.
func ExampleRouter() {
	l, err := lab.Start(context.Background())
	orPanic(err)
	defer l.Close()
	r := l.Router(lab.RouterConfig{Advertise: []lab.Advertisement{{
		Prefixes: lab.Prefixes("2001:db8:1::/64"),
		DNS:      []netip.Addr{netip.MustParseAddr("2001:db8:1::53")},
	}}})
	h := l.Host(lab.HostConfig{Interfaces: []lab.InterfaceConfig{{Stack: stack.InterfaceConfig{SLAAC: true}}}})
	eth0 := h.Interfaces()[0]
	show := func() {
		fmt.Println(eth0.RouterInfo())
		for _, a := range eth0.Addresses()[1:] { // the first is link-local
			fmt.Println(a.Prefix, "deprecated:", a.Deprecated)
		}
	}
	l.Advance(time.Second)
	show()

	prefixes := lab.Prefixes("2001:db8:1::/64", "2001:db8:2::/64")
	prefixes[0].Preferred = -1 // deprecated from now on
	orPanic(r.Advertise(lab.Advertisement{Prefixes: prefixes}))
	l.Advance(time.Second)
	show()

	orPanic(r.StopAdvertising(""))
	l.Advance(time.Second)
	show()
	// Output:
	// 1 router, 0 routes, 1 prefix, 1 DNS server, 0 search domains
	// 2001:db8:1::ff:fe00:2/64 deprecated: false
	// 1 router, 0 routes, 2 prefixes, 1 DNS server, 0 search domains
	// 2001:db8:1::ff:fe00:2/64 deprecated: true
	// 2001:db8:2::ff:fe00:2/64 deprecated: false
	// 0 routers, 0 routes, 2 prefixes, 1 DNS server, 0 search domains
	// 2001:db8:1::ff:fe00:2/64 deprecated: true
	// 2001:db8:2::ff:fe00:2/64 deprecated: false
}

// What is said on demand, here about each packet of a certain kind, by somebody who does not forward.
func ExampleHost_Unreachable() {
	l, err := lab.Start(context.Background())
	orPanic(err)
	defer l.Close()
	r := l.Host(lab.HostConfig{Name: "r", Addresses: lab.Addresses("2001:db8::1/64")})
	h := l.Host(lab.HostConfig{Name: "h", Addresses: lab.Addresses("2001:db8::2/64"), Routers: []netip.Addr{netip.MustParseAddr("2001:db8::1")}})

	l.On(func(p lab.Packet) bool { return p.From == "h/eth0" && len(p.Data) > 54 && p.Data[20] == 6 }, func(p lab.Packet) {
		orPanic(r.Unreachable(p, 1)) // prohibited
	})
	_, err = h.DialContext(context.Background(), "tcp", "[2001:db8:f::1]:80")
	fmt.Println(err)
	// Output: dial tcp [2001:db8:f::1]:80: 2001:db8::1 says of a packet to 2001:db8:f::1: administratively prohibited (type 1, code 1)
}

// The firewall of KB975808 passes one address of each family.
func ExampleOnlyAddresses() {
	l, err := lab.Start(context.Background())
	orPanic(err)
	defer l.Close()
	server := l.Host(lab.HostConfig{Name: "server", Addresses: lab.Addresses("10.0.0.50/24 skip", "10.0.0.100/24")})
	client := l.Host(lab.HostConfig{Name: "client", Addresses: lab.Addresses("10.0.0.201/24")})
	orPanic(server.SetFirewall("eth0", lab.OnlyAddresses(netip.MustParseAddr("10.0.0.100"))))

	in, err := client.ListenPacket(context.Background(), "udp", ":514")
	orPanic(err)
	hears := func() {
		c, err := server.DialContext(context.Background(), "udp", "10.0.0.201:514")
		orPanic(err)
		defer c.Close()
		fmt.Fprintf(c, "from %v", c.LocalAddr().(interface{ AddrPort() netip.AddrPort }).AddrPort().Addr())
		buf := make([]byte, 100)
		orPanic(in.SetReadDeadline(l.Now().Add(time.Second)))
		n, _, err := in.ReadFrom(buf)
		fmt.Printf("%q %v\n", buf[:n], err != nil)
	}
	hears()
	orPanic(server.Interfaces()[0].SetSkipAsSource(netip.MustParseAddr("10.0.0.50"), false))
	orPanic(server.Interfaces()[0].SetSkipAsSource(netip.MustParseAddr("10.0.0.100"), true))
	hears()
	// Output:
	// "from 10.0.0.100" false
	// "" true
}

// Somebody else has the address.
func ExampleSegment_Conflict() {
	l, err := lab.Start(context.Background())
	orPanic(err)
	defer l.Close()
	lan := l.Segment(lab.SegmentConfig{})
	_, err = lan.Conflict(netip.MustParseAddr("2001:db8::1"))
	orPanic(err)
	h := l.Host(lab.HostConfig{Interfaces: []lab.InterfaceConfig{{
		Addresses: lab.Addresses("2001:db8::1/64"), Stack: stack.InterfaceConfig{DAD: true},
	}}})
	l.Advance(2 * time.Second)
	a := h.Interfaces()[0].Addresses()[1]
	fmt.Println(a.Prefix, a.State)
	// Output: 2001:db8::1/64 duplicate
}

func orPanic(err error) {
	if err != nil {
		panic(err)
	}
}
