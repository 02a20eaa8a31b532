package stack_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"syscall"

	"github.com/hextet/hextet/srcselect"
	"github.com/hextet/hextet/stack"
)

// twoHosts returns two hosts on a wire. The first has an address that it must not speak from.
func twoHosts() (client, server *stack.Stack, stop func()) {
	hosts := make([]*stack.Stack, 2)
	addrs := [][]stack.Address{{
		{Prefix: netip.MustParsePrefix("2001:db8::10/64"), SkipAsSource: true},
		{Prefix: netip.MustParsePrefix("2001:db8::11/64")},
	}, {
		{Prefix: netip.MustParsePrefix("2001:db8::2/64")},
	}}
	var links [2]stack.Link
	links[0], links[1] = stack.Pipe(1500)
	for n := range hosts {
		s, err := stack.New(stack.Config{})
		if err != nil {
			log.Fatal(err)
		}
		i, err := s.Attach(stack.InterfaceConfig{Name: "eth0", Link: links[n]})
		if err != nil {
			log.Fatal(err)
		}
		if err := i.AddAddresses(addrs[n]); err != nil {
			log.Fatal(err)
		}
		hosts[n] = s
	}
	return hosts[0], hosts[1], func() { hosts[0].Close(); hosts[1].Close() }
}

func ExampleStack_DialContext() {
	client, server, stop := twoHosts()
	defer stop()
	ctx := context.Background()

	l, err := server.Listen(ctx, "tcp", ":7")
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		io.Copy(c, c)
	}()

	c, err := client.DialContext(ctx, "tcp", "[2001:db8::2]:7")
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "hello")
	c.(*stack.TCPConn).CloseWrite()
	reply, err := io.ReadAll(c)
	if err != nil {
		log.Fatal(err)
	}
	from := netip.MustParseAddrPort(c.LocalAddr().String()).Addr()
	fmt.Printf("%v to %v: %s\n", from, c.RemoteAddr(), reply)
	// Output: 2001:db8::11 to [2001:db8::2]:7: hello
}

// An address flagged SkipAsSource is not chosen, but may be named.
func ExampleDialer() {
	client, server, stop := twoHosts()
	defer stop()
	ctx := context.Background()
	l, err := server.Listen(ctx, "tcp", ":7")
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()

	d := stack.Dialer{Stack: client, LocalAddr: netip.MustParseAddrPort("[2001:db8::10]:4000")}
	c, err := d.DialContext(ctx, "tcp", "[2001:db8::2]:7")
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	fmt.Println(c.LocalAddr())
	// Output: [2001:db8::10]:4000
}

// The error tells a host without an address that may speak from one without a route.
func ExampleStack_DialContext_noSource() {
	client, _, stop := twoHosts()
	defer stop()
	eth0 := client.Interfaces()[0]
	eth0.SetSkipAsSource(netip.MustParseAddr("2001:db8::11"), true)

	_, err := client.DialContext(context.Background(), "udp", "[2001:db8::2]:53")
	fmt.Println(errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, srcselect.ErrNoSource))
	_, err = client.DialContext(context.Background(), "udp", "[2001:db8:1::2]:53")
	fmt.Println(errors.Is(err, syscall.ENETUNREACH))
	// Output:
	// true true
	// true
}

func ExampleStack_ListenPacket() {
	client, server, stop := twoHosts()
	defer stop()
	ctx := context.Background()
	s, err := server.ListenPacket(ctx, "udp", ":53")
	if err != nil {
		log.Fatal(err)
	}
	c, err := client.DialContext(ctx, "udp", "[2001:db8::2]:53")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprint(c, "question")

	buf := make([]byte, 1500)
	n, from, err := s.ReadFrom(buf)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s from port %v\n", buf[:n], from.String() == c.LocalAddr().String())
	// Output: question from port true
}

// A host with many addresses answers from the one that was asked, one flagged SkipAsSource too.
func ExampleUDPConn_ReadMsg() {
	client, server, stop := twoHosts()
	defer stop()
	ctx := context.Background()
	all, err := client.ListenPacket(ctx, "udp", ":53")
	if err != nil {
		log.Fatal(err)
	}
	asker, err := server.DialContext(ctx, "udp", "[2001:db8::10]:53")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprint(asker, "who are you?")

	conn, buf := all.(*stack.UDPConn), make([]byte, 1500)
	var cm stack.ControlMessage
	n, from, err := conn.ReadMsg(buf, &cm)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s, to %v\n", buf[:n], cm.Destination)
	answer := fmt.Appendf(nil, "I am %v", cm.Destination)
	if _, err := conn.WriteMsg(answer, &stack.ControlMessage{Source: cm.Destination}, from); err != nil {
		log.Fatal(err)
	}
	n, err = asker.Read(buf)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", buf[:n])
	// Output:
	// who are you?, to 2001:db8::10
	// I am 2001:db8::10
}

func ExampleUDPConn_JoinGroup() {
	sender, member, stop := twoHosts()
	defer stop()
	ctx := context.Background()
	c, err := member.ListenPacket(ctx, "udp", "[ff05::77]:5000")
	if err != nil {
		log.Fatal(err)
	}
	group := net.UDPAddrFromAddrPort(netip.MustParseAddrPort("[ff05::77]:5000"))
	eth0 := member.Interfaces()[0].NetInterface()
	if err := c.(*stack.UDPConn).JoinGroup(eth0, group); err != nil {
		log.Fatal(err)
	}

	s, err := sender.DialContext(ctx, "udp", group.String())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprint(s, "to all who listen")
	buf := make([]byte, 1500)
	n, _, err := c.ReadFrom(buf)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", buf[:n])
	// Output: to all who listen
}

// A Stack fits where programs expect the net package's dialer and listener.
func ExampleStack_Listen() {
	client, server, stop := twoHosts()
	defer stop()
	l, err := server.Listen(context.Background(), "tcp", ":http")
	if err != nil {
		log.Fatal(err)
	}
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "hello, ", netip.MustParseAddrPort(r.RemoteAddr).Addr())
	}))
	transport := &http.Transport{DialContext: client.DialContext}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Get("http://[2001:db8::2]/")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", body)
	// Output: hello, 2001:db8::11
}

// Names are asked for through the stack, from an address that may speak.
func ExampleStack_Resolver() {
	wire, far := stack.Pipe(1500)
	host, err := stack.New(stack.Config{Nameservers: []netip.AddrPort{netip.MustParseAddrPort("[2001:db8::53]:53")}})
	if err != nil {
		log.Fatal(err)
	}
	defer host.Close()
	server, err := stack.New(stack.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	for s, at := range map[*stack.Stack]stack.Link{host: wire, server: far} {
		addr := stack.Address{Prefix: netip.MustParsePrefix("2001:db8::1/64")}
		if s == server {
			addr.Prefix = netip.MustParsePrefix("2001:db8::53/64")
		}
		i, err := s.Attach(stack.InterfaceConfig{Link: at})
		if err != nil {
			log.Fatal(err)
		}
		if err := i.AddAddress(addr); err != nil {
			log.Fatal(err)
		}
	}

	c, err := server.ListenPacket(context.Background(), "udp", ":53")
	if err != nil {
		log.Fatal(err)
	}
	ns := &nameServer{names: map[string][]string{"www.hextet.test": {"2001:db8:1::80"}}}
	go func() {
		buf := make([]byte, 512)
		for {
			n, from, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			c.WriteTo(ns.answer(buf[:n], false), from)
		}
	}()

	addrs, err := host.Resolver().LookupNetIP(context.Background(), "ip6", "www.hextet.test.")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(addrs)
	// Output: [2001:db8:1::80]
}
