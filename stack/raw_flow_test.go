package stack_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
	"golang.org/x/net/ipv6"
)

// TestRawFlowIsNeverStale makes random changes to a host of two interfaces, and after each compares what
// a socket sends that has sent before with what a new one does.
func TestRawFlowIsNeverStale(t *testing.T) {
	const seed1, seed2, changes = 5, 2026, 400
	rnd := rand.New(rand.NewPCG(seed1, seed2))
	s, ifs, wires := rawTwoWires(t)
	old := listenRaw(t, s, 89, "")
	dsts := []string{"2001:db8:0:1::9", "2001:db8:0:2::9", "2001:db8:5::9", "2001:db8:0:1::77", "ff0e::9", "fe80::9%eth1"}
	var routes []stack.Route
	for _, r := range []string{"2001:db8:5::/48 2001:db8:0:1::fe", "2001:db8:5::/48 2001:db8:0:2::fe", "2001:db8:5::/64 2001:db8:0:2::fd"} {
		var dst, hop string
		fmt.Sscan(r, &dst, &hop)
		routes = append(routes, stack.Route{Destination: netip.MustParsePrefix(dst), NextHop: netip.MustParseAddr(hop)})
	}
	change := func() string {
		i := ifs[rnd.IntN(2)]
		a := stack.Address{Prefix: netip.MustParsePrefix(fmt.Sprintf("2001:db8:0:%d::%x/64", 1+rnd.IntN(2), 0x70+rnd.IntN(8)))}
		r := routes[rnd.IntN(len(routes))]
		switch rnd.IntN(6) {
		case 0:
			return fmt.Sprint("add ", a.Prefix, i.AddAddress(a))
		case 1:
			return fmt.Sprint("remove ", a.Prefix, i.RemoveAddress(a.Prefix.Addr()))
		case 2, 3:
			as := i.Addresses()
			a := as[rnd.IntN(len(as))].Prefix.Addr()
			skip := rnd.IntN(2) == 0
			return fmt.Sprint("skip ", a, skip, i.SetSkipAsSource(a, skip))
		case 4:
			r.Metric = rnd.IntN(3)
			return fmt.Sprint("route ", r, s.AddRoute(r))
		default:
			r.Metric = rnd.IntN(3)
			return fmt.Sprint("no route ", r, s.RemoveRoute(r))
		}
	}
	// result is what comes of a packet: on which wire, what; or an error.
	result := func(c *stack.RawConn, dst string) string {
		before := c.Stats().Received
		if _, err := c.WriteTo([]byte("payload"), nil, ipTo(dst)); err != nil {
			return errors.Unwrap(err).Error()
		}
		if c.Stats().Received != before {
			return "to the host itself"
		}
		for {
			var n int
			var p []byte
			select {
			case p = <-wires[0].packets:
			case p = <-wires[1].packets:
				n = 1
			case <-time.After(20 * time.Second):
				t.Fatalf("nothing was sent to %s", dst)
			}
			if p[6] == 89 { // no report of groups
				return fmt.Sprintf("eth%d %x", n, p)
			}
		}
	}
	differs := map[string]bool{}
	for n := range changes {
		what := change()
		fresh := listenRaw(t, s, 89, "")
		for _, dst := range dsts {
			got, want := result(old, dst), result(fresh, dst)
			if got != want {
				t.Fatalf("change %d of seeds %d, %d, %s: to %s the old socket: %s\na new one: %s", n, seed1, seed2, what, dst, got, want)
			}
			differs[dst+want] = true
		}
		fresh.Close()
	}
	if len(differs) < 5*len(dsts) {
		t.Errorf("only %d different results: the changes change nothing", len(differs))
	}
}

// TestRawFlowsConcurrently: senders to many destinations while addresses come, go and change.
func TestRawFlowsConcurrently(t *testing.T) {
	s := newStack(t, stack.Config{NoTCP: true})
	i := attach(t, s, "eth0", voidLink{make(chan struct{})}, plain("2001:db8::1/64"))
	c := listenRaw(t, s, 89, "")
	var senders sync.WaitGroup
	stop := make(chan struct{})
	for k := range 4 {
		senders.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				dst := ipTo(fmt.Sprintf("2001:db8::%x", 0x100+(n*7+k)%400))
				if _, err := c.WriteTo([]byte("x"), nil, dst); err != nil && !errors.Is(err, syscall.EADDRNOTAVAIL) {
					t.Error(err)
					return
				}
			}
		})
	}
	two := plain("2001:db8::2/64")
	for n := range 300 {
		if err := i.AddAddress(two); err != nil {
			t.Fatal(err)
		}
		i.SetSkipAsSource(netip.MustParseAddr("2001:db8::1"), n%2 == 0)
		c.SetHopLimit(n % 256)
		if err := i.RemoveAddress(two.Prefix.Addr()); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	senders.Wait()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// TestRawFlowLetsGoOfAddresses: a socket that has sent and sends no more does not keep an address from
// coming back with another prefix, whose broadcast address it then is.
func TestRawFlowLetsGoOfAddresses(t *testing.T) {
	s, i, w := rawHost(t, stack.Config{}, plain("192.0.2.1/24"))
	c := listenRaw4(t, s, 89, "0.0.0.0")
	if _, err := c.WriteTo([]byte("x"), nil, ipTo("192.0.2.7")); err != nil {
		t.Fatal(err)
	}
	if err := i.RemoveAddress(netip.MustParseAddr("192.0.2.1")); err != nil {
		t.Fatal(err)
	}
	if err := i.AddAddress(plain("192.0.2.1/16")); err != nil {
		t.Fatal(err)
	}
	w.send(ip4("192.0.2.7", "192.0.255.255", 89, 64, 0, nil, []byte("everybody")))
	b := make([]byte, 100)
	if n, _, _, err := c.ReadFrom(b); err != nil || string(b[:n]) != "everybody" {
		t.Errorf("%q, %v", b[:n], err)
	}
}

// TestRawFlowDuringDetach: a sender with another way never sees that an interface goes.
func TestRawFlowDuringDetach(t *testing.T) {
	s := newStack(t, stack.Config{NoTCP: true})
	attach(t, s, "stays", voidLink{make(chan struct{})}, plain("2001:db8::1/64"))
	if err := s.AddRoute(stack.Route{Destination: netip.MustParsePrefix("2001:db8:9::/48"), Interface: "stays", Metric: 9}); err != nil {
		t.Fatal(err)
	}
	c := listenRaw(t, s, 89, "")
	var senders sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		senders.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := c.WriteTo([]byte("x"), nil, ipTo(fmt.Sprintf("2001:db8:9::%x", n%300))); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 200 {
		i := attach(t, s, "goes", voidLink{make(chan struct{})}, plain("2001:db8::2/64"))
		if err := s.AddRoute(stack.Route{Destination: netip.MustParsePrefix("2001:db8:9::/48"), Interface: "goes"}); err != nil {
			t.Fatal(err)
		}
		if err := i.Detach(); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	senders.Wait()
}

// TestRawSendAllocates: nothing, on a link without neighbours.
func TestRawSendAllocates(t *testing.T) {
	s := newStack(t, stack.Config{NoTCP: true})
	attach(t, s, "eth0", voidLink{make(chan struct{})}, plain("2001:db8::1/64"), plain("192.0.2.1/24"))
	c, c4 := listenRaw(t, s, 58, ""), listenRaw4(t, s, 1, "0.0.0.0")
	msg, dst, addr := make([]byte, 64), ipTo("2001:db8::2"), netip.MustParseAddr("2001:db8::2")
	dst4 := ipTo("192.0.2.2")
	cm := &stack.ControlMessage{HopLimit: 3, HopByHop: unhex(t, alertHeader)}
	connected := listenRaw(t, s, 58, "")
	mustConnect(t, connected, "2001:db8::2")
	for _, tt := range []struct {
		name string
		send func() (int, error)
	}{
		{"WriteTo", func() (int, error) { return c.WriteTo(msg, nil, dst) }},
		{"connected", func() (int, error) { return connected.WriteTo(msg, nil, nil) }},
		{"WriteMsg", func() (int, error) { return c.WriteMsg(msg, cm, addr) }},
		{"IPv4", func() (int, error) { return c4.WriteTo(msg, nil, dst4) }},
	} {
		allocs := testing.AllocsPerRun(200, func() {
			if _, err := tt.send(); err != nil {
				t.Fatal(err)
			}
		})
		if allocs > 1 && !racing {
			t.Errorf("%s: %v allocations", tt.name, allocs)
		}
	}
}

// gatedLink swallows what is sent once it is shut.
type gatedLink struct {
	stack.Link
	shut *atomic.Bool
}

func (l gatedLink) WritePackets(bufs [][]byte) (int, error) {
	if l.shut.Load() {
		return len(bufs), nil
	}
	return l.Link.WritePackets(bufs)
}

// TestRawSendOverEthernet: the first packet waits for the neighbour; those that follow allocate little.
func TestRawSendOverEthernet(t *testing.T) {
	la, lb := ethernet()
	shut := new(atomic.Bool)
	a, b := newStack(t, stack.Config{NoTCP: true}), newStack(t, stack.Config{NoTCP: true})
	ai := attach(t, a, "eth0", gatedLink{la, shut}, plain("2001:db8::1/64"), plain("192.0.2.1/24"))
	attach(t, b, "eth0", lb, plain("2001:db8::2/64"), plain("192.0.2.2/24"))
	c, c4 := listenRaw(t, a, 89, ""), listenRaw4(t, a, 89, "0.0.0.0")
	in, in4 := listenRaw(t, b, 89, ""), listenRaw4(t, b, 89, "0.0.0.0")
	dst, dst4, buf := ipTo("2001:db8::2"), ipTo("192.0.2.2"), make([]byte, 5000)
	for _, n := range []int{10, 4000} {
		msg := bytes.Repeat([]byte("x"), n)
		if _, err := c.WriteTo(msg, nil, dst); err != nil {
			t.Fatal(err)
		}
		if got, _ := mustRead(t, in); got != string(msg) {
			t.Errorf("%d bytes of %d", len(got), n)
		}
		if _, err := c4.WriteTo(msg, nil, dst4); err != nil {
			t.Fatal(err)
		}
		if got, _, _, err := in4.ReadFrom(buf); got != n || err != nil {
			t.Errorf("%d bytes of %d, %v", got, n, err)
		}
	}
	shut.Store(true)
	sent := ai.Counters().TxPackets
	allocs := testing.AllocsPerRun(200, func() {
		if _, err := c.WriteTo(buf[:64], nil, dst); err != nil {
			t.Fatal(err)
		}
	})
	if n := ai.Counters().TxPackets - sent; n < 200 || allocs > 1 && !racing {
		t.Errorf("%v allocations for each of %d packets", allocs, n)
	}
}

// TestRawFusedChecksum: of one piece and of several, at every length, for each offset, the bytes are those
// that icmp6 makes of the payload in one place.
func TestRawFusedChecksum(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"))
	for _, tt := range []struct {
		proto  uint8
		offset int
	}{{58, 2}, {89, 12}, {17, 6}, {200, 0}} {
		c := listenRaw(t, s, tt.proto, "")
		if tt.proto != 58 {
			if err := c.SetChecksumOffset(tt.offset); err != nil {
				t.Fatal(err)
			}
		}
		rnd := rand.New(rand.NewPCG(1, uint64(tt.proto)))
		for n := tt.offset + 2; n <= 300; n++ {
			msg := make([]byte, n)
			for i := range msg {
				msg[i] = byte(rnd.Uint32())
			}
			if tt.proto == 58 {
				msg[0] |= 0x80
			}
			want := slices.Clone(msg)
			want[tt.offset], want[tt.offset+1] = 0, 0
			sum := ^slowSum("2001:db8::1", "2001:db8::2", tt.proto, want)
			if sum == 0 && tt.proto == 17 {
				sum = 0xffff
			}
			want[tt.offset], want[tt.offset+1] = byte(sum>>8), byte(sum)
			cut := rnd.IntN(n + 1)
			for _, pieces := range [][][]byte{{msg}, {msg[:cut], msg[cut:]}} {
				m := []ipv6.Message{{Buffers: pieces, Addr: ipTo("2001:db8::2")}}
				if _, err := c.WriteBatch(m, 0); err != nil {
					t.Fatal(err)
				}
				if got := w.next()[40:]; !bytes.Equal(got, want) {
					t.Fatalf("protocol %d, %d bytes in %d pieces:\n%x, want\n%x", tt.proto, n, len(pieces), got, want)
				}
			}
		}
	}
}
