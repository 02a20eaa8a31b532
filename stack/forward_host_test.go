package stack_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
)

// joined puts a router between the links of two hosts: the one on "a" is 2001:db8:a::1 and 192.0.2.1, the
// one on "b" 2001:db8:b::1 and 198.51.100.1, with default routes to the router.
func joined(t *testing.T, mtuB int) (a, b *stack.Stack, r *stack.Stack) {
	t.Helper()
	a, b, r = newStack(t, stack.Config{}), newStack(t, stack.Config{}), newStack(t, stack.Config{})
	hostA, routerA := ethernet() // one side with neighbours, one without
	hostB, routerB := stack.Pipe(mtuB)
	attach(t, a, "eth0", hostA, plain("2001:db8:a::1/64"), plain("192.0.2.1/24"))
	attach(t, b, "eth0", hostB, plain("2001:db8:b::1/64"), plain("198.51.100.1/24"))
	forwarding(t, r, "a", routerA, plain("2001:db8:a::fe/64"), plain("192.0.2.254/24"))
	forwarding(t, r, "b", routerB, plain("2001:db8:b::fe/64"), plain("198.51.100.254/24"))
	gateway(t, a, "2001:db8:a::fe", "192.0.2.254")
	gateway(t, b, "2001:db8:b::fe", "198.51.100.254")
	return a, b, r
}

// forwarding gives s an interface that forwards.
func forwarding(t *testing.T, s *stack.Stack, name string, l stack.Link, addrs ...stack.Address) *stack.Interface {
	t.Helper()
	i, err := s.Attach(stack.InterfaceConfig{Name: name, Link: l, Forward: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := i.AddAddresses(addrs); err != nil {
		t.Fatal(err)
	}
	return i
}

// gateway gives s default routes.
func gateway(t *testing.T, s *stack.Stack, hops ...string) {
	t.Helper()
	for _, hop := range hops {
		dst := "::/0"
		if netip.MustParseAddr(hop).Is4() {
			dst = "0.0.0.0/0"
		}
		if err := s.AddRoute(route(dst, hop)); err != nil {
			t.Fatal(err)
		}
	}
}

// Two hosts with a router between them: TCP, UDP and ping, both ways, both families; also to both of the
// router's own addresses.
func TestRouterBetweenHosts(t *testing.T) {
	a, b, r := joined(t, 1500)
	for _, dst := range []string{"2001:db8:b::1", "198.51.100.1"} {
		talkTCP(t, a, b, dst)
		exchange(t, a, b, dst)
		echo(t, a, dst) // in fragments
	}
	for _, dst := range []string{"2001:db8:a::1", "192.0.2.1"} {
		talkTCP(t, b, a, dst)
		exchange(t, b, a, dst)
	}
	for _, dst := range []string{"2001:db8:a::fe", "2001:db8:b::fe", "192.0.2.254", "198.51.100.254"} {
		talkTCP(t, a, r, dst)
		talkTCP(t, b, r, dst)
		echo(t, b, dst)
	}
	exchange(t, r, a, "2001:db8:a::1") // and from the router
	exchange(t, r, b, "198.51.100.1")
	if c := r.Counters().Forward; c.Sent < 1000 || c.Failed+c.NoRoute+c.Prohibited+c.Refused+c.TooBig != 0 {
		t.Errorf("%v", c)
	}
}

// A link of a smaller MTU in the middle, which the hosts can't see: TCP learns of it.
func TestRouterNarrowMiddle(t *testing.T) {
	a, b, r1, r2 := newStack(t, stack.Config{}), newStack(t, stack.Config{}), newStack(t, stack.Config{}), newStack(t, stack.Config{})
	la, r1a := stack.Pipe(1500)
	mid1, mid2 := stack.Pipe(1280)
	r2b, lb := stack.Pipe(1500)
	attach(t, a, "eth0", la, plain("2001:db8:a::1/64"), plain("192.0.2.1/24"))
	attach(t, b, "eth0", lb, plain("2001:db8:b::1/64"), plain("198.51.100.1/24"))
	forwarding(t, r1, "a", r1a, plain("2001:db8:a::fe/64"), plain("192.0.2.254/24"))
	forwarding(t, r1, "mid", mid1, plain("2001:db8:c::1/64"), plain("203.0.113.1/24"))
	forwarding(t, r2, "mid", mid2, plain("2001:db8:c::2/64"), plain("203.0.113.2/24"))
	forwarding(t, r2, "b", r2b, plain("2001:db8:b::fe/64"), plain("198.51.100.254/24"))
	gateway(t, a, "2001:db8:a::fe", "192.0.2.254")
	gateway(t, b, "2001:db8:b::fe", "198.51.100.254")
	gateway(t, r1, "2001:db8:c::2", "203.0.113.2")
	gateway(t, r2, "2001:db8:c::1", "203.0.113.1")
	for _, dst := range []string{"2001:db8:b::1", "198.51.100.1"} {
		x, y := dialPair(t, a, b, "tcp", net.JoinHostPort(dst, "0"))
		for _, dir := range [][2]*stack.TCPConn{{x, y}, {y, x}} {
			// One segment learns the MTU. gVisor mends a whole window that was too big by one segment each
			// time its timer runs out.
			first, rest := strings.Repeat("f", 1400), strings.Repeat("0123456789abcdef", 4<<10)
			if _, err := io.WriteString(dir[0], first); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, len(first))
			if _, err := io.ReadFull(dir[1], got); err != nil || string(got) != first {
				t.Fatalf("%s: %d bytes, %v", dst, len(got), err)
			}
			writing := async(func() error {
				_, err := io.WriteString(dir[0], rest)
				return errors.Join(err, dir[0].CloseWrite())
			})
			if got := readAll(t, dir[1]); got != rest {
				t.Errorf("%s: %d bytes, or others", dst, len(got))
			}
			if err := within(t, writing); err != nil {
				t.Error(err)
			}
		}
		x.Close()
		y.Close()
	}
	if c := r1.Counters().Forward; c.TooBig == 0 || c.ErrorsSent == 0 {
		t.Errorf("nothing was too big: %v", c)
	}
	if c := r2.Counters().Forward; c.TooBig == 0 || c.Sent == 0 {
		t.Errorf("nothing was too big on the way back: %v", c)
	}
}

// traceroute finds every router by hop limits that run out.
func TestTraceroute(t *testing.T) {
	a, _, _ := joined(t, 1500)
	raw := listenRaw(t, a, 58, "")
	for hops, want := range []string{1: "2001:db8:a::fe", 2: "2001:db8:b::1"} {
		if hops == 0 {
			continue
		}
		if err := raw.SetHopLimit(hops); err != nil {
			t.Fatal(err)
		}
		probe := []byte{128, 0, 0, 0, 0x12, 0x34, 0, byte(hops)}
		if _, err := raw.WriteTo(probe, nil, ipTo("2001:db8:b::1")); err != nil {
			t.Fatal(err)
		}
		for {
			msg, from := mustRead(t, raw)
			if msg[0] != 3 && msg[0] != 129 {
				continue // neighbour discovery
			}
			if from != want || (msg[0] == 3) != (hops == 1) {
				t.Errorf("hop %d: type %d from %s, want %s", hops, msg[0], from, want)
			}
			break
		}
	}
}

// A neighbour that does not answer: Address Unreachable, once its resolution has failed (RFC 4861 section
// 7.2.2), and the transit packet asks for it from a flagged address rather than not at all.
func TestRouterNoNeighbor(t *testing.T) {
	clock := newSteppedClock()
	r := newStack(t, stack.Config{Clock: clock})
	near, far := stack.Pipe(1500)
	wa := newRawWire(t, far)
	forwarding(t, r, "a", near, plain("2001:db8:a::fe/64"), plain("192.0.2.254/24"))
	lb, peer := ethernet()
	wb := newRawWire(t, peer.(station).Link)
	i := forwarding(t, r, "b", lb, skip("2001:db8:b::fe/64"), skip("198.51.100.254/24"))
	i.SetSkipAsSource(i.Addresses()[0].Prefix.Addr(), true) // the link-local address too
	for _, f := range []struct {
		packet    []byte
		src       string
		typ, code byte
	}{
		{ip6("2001:db8:a::1", "2001:db8:b::1", 254, 64, []byte("x")), "2001:db8:a::fe", 1, 3},
		{ip4("192.0.2.1", "198.51.100.1", 254, 64, 0, nil, []byte("x")), "192.0.2.254", 3, 1},
	} {
		before := r.Counters().Forward.NoNeighbor
		wa.send(f.packet)
		eventually(t, func() bool { // a neighbour solicitation, or an ARP request
			select {
			case frame := <-wb.packets:
				return binary.BigEndian.Uint16(frame[12:]) == 0x0806 || frame[20] == 58 && frame[54] == 135
			default:
				clock.Advance(0) // what gVisor does at once it does by a timer
				return false
			}
		})
		eventually(t, func() bool {
			clock.Advance(time.Second)
			return r.Counters().Forward.NoNeighbor == before+1
		})
		want := bytes.Clone(f.packet)
		if f.packet[0]>>4 == 6 { // the error shows the packet as it would have left
			want[7]--
		} else {
			want[8]--
			want[10], want[11] = 0, 0
			binary.BigEndian.PutUint16(want[10:], ^slowSum4(want[:20]))
		}
		wantError(t, wa, f.src, f.typ, f.code, 0, want)
	}
	if c := r.Counters().Forward; c.Sent != 2 || c.NoNeighbor != 2 || c.ErrorsSent != 2 {
		t.Errorf("%v", c)
	}
}

// A forwarding host stays a strong one: what it sends itself leaves from the interface's own addresses.
func TestRouterIsAStrongHost(t *testing.T) {
	r := newRouter(t, 1500)
	r.a.SetSkipAsSource(netip.MustParseAddr("2001:db8:a::fe"), true)
	r.a.SetSkipAsSource(netip.MustParseAddr("fe80::fe"), true)
	if c, err := r.DialContext(t.Context(), "udp", "[2001:db8:a::1]:9"); err == nil {
		t.Errorf("sent from %v by another interface", c.LocalAddr())
		c.Close()
	}
	d := stack.Dialer{Stack: r.Stack, Interface: "b"}
	if c, err := d.DialContext(t.Context(), "udp", net.JoinHostPort("2001:db8:a::1", "9")); err == nil {
		t.Errorf("sent from %v", c.LocalAddr())
		c.Close()
	}
}
