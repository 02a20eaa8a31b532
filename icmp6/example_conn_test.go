package icmp6_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"net"
	"net/netip"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv6"

	"github.com/hextet/hextet/icmp6"
	"github.com/hextet/hextet/stack"
)

// exampleStack returns a stack in memory that has 2001:db8::1, and a function that returns the next
// packet of a protocol on its wire, without the IPv6 header.
func exampleStack() (s *stack.Stack, next func(proto byte) []byte) {
	a, b := stack.Pipe(1500)
	s, err := stack.New(stack.Config{})
	if err != nil {
		log.Fatal(err)
	}
	eth0, err := s.Attach(stack.InterfaceConfig{Name: "eth0", Link: a})
	if err != nil {
		log.Fatal(err)
	}
	if err := eth0.AddAddress(stack.Address{Prefix: netip.MustParsePrefix("2001:db8::1/64")}); err != nil {
		log.Fatal(err)
	}
	return s, func(proto byte) []byte {
		bufs, sizes := [][]byte{make([]byte, 1500)}, make([]int, 1)
		for {
			if _, err := b.ReadPackets(bufs, sizes); err != nil {
				log.Fatal(err)
			}
			// Multicast packets are the stack's own listener reports.
			if packet := bufs[0][:sizes[0]]; packet[6] == proto && packet[24] != 0xff {
				return packet[40:]
			}
		}
	}
}

// sendEcho is written for any Conn.
func sendEcho(c icmp6.Conn, dst net.Addr, checksum uint16) error {
	msg := append([]byte{128, 0, byte(checksum >> 8), byte(checksum), 0x12, 0x34, 0, 1}, "hextet!"...)
	_, err := c.WriteTo(msg, nil, dst)
	return err
}

func ExampleConn() {
	s, next := exampleStack()
	defer s.Close()
	c, err := s.ListenRaw(icmp6.Protocol, netip.Addr{}) // or icmp6.ListenHost(icmp6.HostConfig{})
	if err != nil {
		log.Fatal(err)
	}
	// Whatever the program leaves in the field, the same packet goes out.
	for _, stale := range []uint16{0, 0xdead} {
		if err := sendEcho(c, &net.IPAddr{IP: net.ParseIP("2001:db8::2")}, stale); err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%x\n", next(icmp6.Protocol))
	}
	// Output:
	// 8000aabd1234000168657874657421
	// 8000aabd1234000168657874657421
}

// Without an Output comment this is only compiled, since it needs privileges.
func ExampleListenHost() {
	c, err := icmp6.ListenHost(icmp6.HostConfig{Interface: "eth0"})
	if errors.Is(err, fs.ErrPermission) {
		log.Fatal("run me as root: ", err)
	}
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	var f icmp6.Filter
	f.BlockAll()
	f.Accept(ipv6.ICMPTypeEchoReply)
	if err := c.SetFilter(f); err != nil {
		log.Fatal(err)
	}
	if err := sendEcho(c, &net.IPAddr{IP: net.ParseIP("2001:db8::2")}, 0); err != nil {
		log.Fatal(err)
	}
	b := make([]byte, 1500)
	n, _, from, err := c.ReadFrom(b)
	fmt.Println(n, from, err)
}

func ExampleFillConn() {
	s, next := exampleStack()
	defer s.Close()
	// A socket that leaves the checksum alone: IPV6_CHECKSUM is off.
	c, err := s.ListenRaw(253, netip.Addr{})
	if err != nil {
		log.Fatal(err)
	}
	fill := icmp6.FillConn(c, icmp6.FillConfig{
		Protocol: 253,
		Source:   func(netip.Addr) (netip.Addr, error) { return netip.MustParseAddr("2001:db8::1"), nil },
	})
	if err := fill.SetChecksum(true, 2); err != nil {
		log.Fatal(err)
	}
	for _, conn := range []icmp6.Conn{c, fill} {
		if _, err := conn.WriteTo([]byte{1, 2, 0, 0, 5}, nil, &net.IPAddr{IP: net.ParseIP("2001:db8::2")}); err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%x\n", next(253))
	}
	// Output:
	// 0102000005
	// 01029d8605
}

// golang.org/x/net/icmp can compute the checksum itself, for a program that knows the source. With and
// without, the same bytes go out.
func Example_marshal() {
	s, next := exampleStack()
	defer s.Close()
	c, err := s.ListenRaw(icmp6.Protocol, netip.Addr{})
	if err != nil {
		log.Fatal(err)
	}
	echo := icmp.Message{Type: ipv6.ICMPTypeEchoRequest, Body: &icmp.Echo{ID: 0x1234, Seq: 1, Data: []byte("hextet!")}}
	var wire [2][]byte
	for i, psh := range [][]byte{nil, icmp.IPv6PseudoHeader(net.ParseIP("2001:db8::1"), net.ParseIP("2001:db8::2"))} {
		msg, err := echo.Marshal(psh)
		if err != nil {
			log.Fatal(err)
		}
		if _, err := c.WriteTo(msg, nil, &net.IPAddr{IP: net.ParseIP("2001:db8::2")}); err != nil {
			log.Fatal(err)
		}
		wire[i] = next(icmp6.Protocol)
		fmt.Printf("marshalled with %x, on the wire %x\n", msg[2:4], wire[i][2:4])
	}
	fmt.Println("equal:", bytes.Equal(wire[0], wire[1]))
	// Output:
	// marshalled with 0000, on the wire aabd
	// marshalled with aabd, on the wire aabd
	// equal: true
}
