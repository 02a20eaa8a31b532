package stack_test

import (
	"context"
	"fmt"
	"log"
	"net/netip"
	"time"

	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/internal/ndp"
)

// What there is comes first, then what changes. The loop may act on what it sees.
func ExampleStack_Watch() {
	s, err := stack.New(stack.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	link, far := stack.Pipe(1500)
	defer far.Close()
	i, err := s.Attach(stack.InterfaceConfig{Name: "eth0", Link: link})
	if err != nil {
		log.Fatal(err)
	}
	i.AddAddress(stack.Address{Prefix: netip.MustParsePrefix("2001:db8::1/64")})
	for e := range s.Watch(context.Background()) {
		fmt.Println(e)
		if a, ok := e.(stack.AddressEvent); ok {
			if a.SkipAsSource {
				break
			}
			i.SetSkipAsSource(a.Prefix.Addr(), true)
		}
	}
	// Output:
	// link eth0 up
	// address eth0 2001:db8::1/64 assigned
	// route 2001:db8::/64 dev eth0
	// address eth0 2001:db8::1/64 assigned skipassource
}

// A host that takes two prefixes from its router and speaks from one of them only.
func ExampleInterfaceConfig() {
	s, err := stack.New(stack.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	link, far := ethernet()
	defer far.Close()
	quiet := netip.MustParsePrefix("2001:db8:2::/64")
	i, err := s.Attach(stack.InterfaceConfig{
		Name:  "eth0",
		Link:  link,
		SLAAC: true,
		OnAutoAddress: func(a stack.AddressInfo) stack.AddressFlags {
			return stack.AddressFlags{SkipAsSource: quiet.Contains(a.Prefix.Addr())}
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	advertiseOnce(far, "2001:db8:1::/64", "2001:db8:2::/64")

	for e := range s.Watch(context.Background()) {
		if r, ok := e.(stack.RouterEvent); ok && len(r.Routers) > 0 {
			break
		}
	}
	for _, a := range i.Addresses() {
		fmt.Println(a.Prefix, a.Origin, a.SkipAsSource)
	}
	fmt.Println(i.RouterInfo())
	// Output:
	// fe80::ff:fe00:1/64 link-local false
	// 2001:db8:1::ff:fe00:1/64 advertised false
	// 2001:db8:2::ff:fe00:1/64 advertised true
	// 1 router, 0 routes, 2 prefixes, 0 DNS servers, 0 search domains
}

// advertiseOnce plays a router that advertises prefixes.
func advertiseOnce(l stack.Link, prefixes ...string) {
	ra := ndp.Advertisement{Router: netip.MustParseAddr("fe80::1"), Lifetime: time.Hour}
	for _, p := range prefixes {
		ra.Prefixes = append(ra.Prefixes, ndp.Prefix{Prefix: netip.MustParsePrefix(p), Autonomous: true, Valid: time.Hour, Preferred: time.Hour})
	}
	frame := append([]byte{0x33, 0x33, 0, 0, 0, 1}, routerMAC...)
	l.WritePackets([][]byte{append(append(frame, 0x86, 0xdd), ra.Packet(ndp.AllNodes, routerMAC)...)})
}
