package stack_test

import (
	"errors"
	"fmt"
	"log"
	"net/netip"
	"syscall"

	"github.com/hextet/hextet/icmp6"
	"github.com/hextet/hextet/stack"
)

// twoNeighbours returns hosts 2001:db8::1 and 2001:db8::2 on a wire. Examples close them.
func twoNeighbours() (a, b *stack.Stack) {
	la, lb := stack.Pipe(1500)
	hosts := [2]*stack.Stack{}
	for n, l := range []stack.Link{la, lb} {
		s, err := stack.New(stack.Config{})
		if err != nil {
			log.Fatal(err)
		}
		eth0, err := s.Attach(stack.InterfaceConfig{Name: "eth0", Link: l})
		if err != nil {
			log.Fatal(err)
		}
		if err := eth0.AddAddress(stack.Address{Prefix: netip.MustParsePrefix(fmt.Sprintf("2001:db8::%d/64", n+1))}); err != nil {
			log.Fatal(err)
		}
		hosts[n] = s
	}
	return hosts[0], hosts[1]
}

// A Destination option and a hop limit for one packet, as the receiver sees them.
func ExampleRawConn_WriteMsg() {
	a, b := twoNeighbours()
	defer a.Close()
	defer b.Close()
	from, err := a.ListenRaw(icmp6.Protocol, netip.Addr{})
	if err != nil {
		log.Fatal(err)
	}
	to, err := b.ListenRaw(icmp6.Protocol, netip.Addr{})
	if err != nil {
		log.Fatal(err)
	}

	out := stack.ControlMessage{
		HopLimit:           255,
		DestinationOptions: []byte{0, 0, 0x1e, 4, 'n', 'o', 't', 'e'}, // next header, length, one option
	}
	message := []byte{200, 0, 0, 0, 'h', 'i'} // a type for experiments (RFC 4443 section 2.1)
	if _, err := from.WriteMsg(message, &out, netip.MustParseAddr("2001:db8::2")); err != nil {
		log.Fatal(err)
	}

	buf := make([]byte, 1500)
	var in stack.ControlMessage
	n, src, err := to.ReadMsg(buf, &in)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%q from %v to %v, hop limit %d, option %q\n", buf[4:n], src, in.Destination, in.HopLimit, in.DestinationOptions[4:])
	// Output: "hi" from 2001:db8::1 to 2001:db8::2, hop limit 255, option "note"
}

// The other host has no use for protocol 200, and says so. The next call on the socket returns that.
func ExampleICMPError() {
	a, b := twoNeighbours()
	defer a.Close()
	defer b.Close()
	c, err := a.ListenRaw(200, netip.Addr{})
	if err != nil {
		log.Fatal(err)
	}
	if err := c.Connect(netip.MustParseAddr("2001:db8::2")); err != nil {
		log.Fatal(err)
	}
	if _, err := c.WriteTo([]byte("anybody?"), nil, nil); err != nil {
		log.Fatal(err)
	}
	_, _, err = c.ReadMsg(make([]byte, 1500), nil)

	var icmp *stack.ICMPError
	fmt.Println(errors.As(err, &icmp), errors.Is(err, syscall.EPROTO))
	fmt.Println(icmp)
	// Output:
	// true true
	// 2001:db8::2 says of a packet to 2001:db8::2: unrecognized next header type (type 4, code 1)
}

// A path that carries less than the link is learned from the router's Packet Too Big.
func ExampleRawConn_SetDontFragment() {
	a, b := twoNeighbours()
	defer a.Close()
	defer b.Close()
	c, err := a.ListenRaw(89, netip.Addr{})
	if err != nil {
		log.Fatal(err)
	}
	if err := c.Connect(netip.MustParseAddr("2001:db8::2")); err != nil {
		log.Fatal(err)
	}
	if err := c.SetDontFragment(true); err != nil {
		log.Fatal(err)
	}
	mtu, err := c.PathMTU()
	if err != nil {
		log.Fatal(err)
	}
	_, err = c.WriteTo(make([]byte, mtu-40+1), nil, nil)
	fmt.Println(mtu, errors.Is(err, syscall.EMSGSIZE))
	// Output: 1500 true
}
