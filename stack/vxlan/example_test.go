package vxlan_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"

	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/vxlan"
)

// Two hosts on a segment, each behind an endpoint of its own. The UDP below is that of
// another pair of userspace stacks, so this touches no network at all; a socket of
// net.ListenPacket serves as well.
func Example() {
	wire := [2]stack.Link{}
	wire[0], wire[1] = stack.Pipe(1500)
	hosts := [2]*stack.Stack{}
	for i := range hosts {
		below := host("wire", wire[i], fmt.Sprintf("192.0.2.%d/24", i+1))
		defer below.Close()
		socket, err := below.ListenPacket(context.Background(), "udp", fmt.Sprintf("192.0.2.%d:4789", i+1))
		check(err)
		endpoint, err := vxlan.New(vxlan.Config{Conn: socket})
		check(err)
		defer endpoint.Close()
		peer := netip.MustParseAddrPort(fmt.Sprintf("192.0.2.%d:4789", 2-i))
		link, err := endpoint.Open(vxlan.Segment{VNI: 7, Peers: []netip.AddrPort{peer}})
		check(err)
		hosts[i] = host("eth0", link, fmt.Sprintf("2001:db8::%d/64", i+1))
		defer hosts[i].Close()
	}

	listener, err := hosts[0].Listen(context.Background(), "tcp", ":7")
	check(err)
	go func() {
		c, err := listener.Accept()
		check(err)
		fmt.Fprintf(c, "hello, %v", c.RemoteAddr().(*net.TCPAddr).IP)
		c.Close()
	}()
	c, err := hosts[1].DialContext(context.Background(), "tcp", "[2001:db8::1]:7")
	check(err)
	said, err := io.ReadAll(c)
	check(err)
	fmt.Printf("%s\n", said)
	// Output: hello, 2001:db8::2
}

func host(name string, link stack.Link, prefix string) *stack.Stack {
	s, err := stack.New(stack.Config{})
	check(err)
	i, err := s.Attach(stack.InterfaceConfig{Name: name, Link: link})
	check(err)
	check(i.AddAddress(stack.Address{Prefix: netip.MustParsePrefix(prefix)}))
	return s
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// A segment that grows while it is in use.
func ExampleLink_AddPeer() {
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	check(err)
	endpoint, err := vxlan.New(vxlan.Config{Conn: socket})
	check(err)
	defer endpoint.Close()
	link, err := endpoint.Open(vxlan.Segment{VNI: 7})
	check(err)
	check(link.AddPeer(netip.MustParseAddrPort("192.0.2.1:0")))
	check(link.AddPeer(netip.MustParseAddrPort("192.0.2.2:14789")))
	check(link.AddStation(net.HardwareAddr{2, 0, 0, 0, 0, 1}, netip.MustParseAddrPort("192.0.2.1:4789")))
	fmt.Println(link.Peers())
	for _, s := range link.Stations() {
		fmt.Println(s.HardwareAddr, "behind", s.Peer)
	}
	// Output:
	// [192.0.2.1:4789 192.0.2.2:14789]
	// 02:00:00:00:00:01 behind 192.0.2.1:4789
}
