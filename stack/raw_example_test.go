package stack_test

import (
	"fmt"
	"log"
	"net"
	"net/netip"

	"github.com/hextet/hextet/icmp6"
	"github.com/hextet/hextet/stack"
)

// The story of KB974927: a program leaves icmp6_cksum 0 for the stack to fill in.
func ExampleStack_ListenRaw() {
	a, b := stack.Pipe(1500)
	s, err := stack.New(stack.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	eth0, err := s.Attach(stack.InterfaceConfig{Name: "eth0", Link: a})
	if err != nil {
		log.Fatal(err)
	}
	if err := eth0.AddAddresses([]stack.Address{
		{Prefix: netip.MustParsePrefix("2001:db8::1/64"), SkipAsSource: true},
		{Prefix: netip.MustParsePrefix("2001:db8::5/64")},
	}); err != nil {
		log.Fatal(err)
	}

	c, err := s.ListenRaw(icmp6.Protocol, netip.Addr{})
	if err != nil {
		log.Fatal(err)
	}
	echo := []byte{128, 0, 0, 0, 0x12, 0x34, 0, 1, 'h', 'i'} // type, code, checksum 0, ...
	if _, err := c.WriteTo(echo, nil, &net.IPAddr{IP: net.ParseIP("2001:db8::2")}); err != nil {
		log.Fatal(err)
	}

	// The other end of the wire sees the packet.
	bufs, sizes := [][]byte{make([]byte, 1500)}, make([]int, 1)
	for bufs[0][6] != icmp6.Protocol { // the interface's own multicast listener reports come first
		if _, err := b.ReadPackets(bufs, sizes); err != nil {
			log.Fatal(err)
		}
	}
	packet := bufs[0][:sizes[0]]
	src, dst := netip.AddrFrom16([16]byte(packet[8:])), netip.AddrFrom16([16]byte(packet[24:]))
	fmt.Printf("%v > %v: checksum %x, valid: %v\n", src, dst, packet[42:44], icmp6.Valid(src, dst, packet[40:]))
	// Output: 2001:db8::5 > 2001:db8::2: checksum a9a3, valid: true
}
