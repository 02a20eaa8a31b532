package stack_test

import (
	"bytes"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/capture"
)

// A route's MTU that is larger than the link's changes nothing.
func TestRouteMTUAboveTheLinks(t *testing.T) {
	a, b, ai, bi := pair(t)
	if err := bi.AddAddresses([]stack.Address{plain("2001:db8:9::2/64"), plain("198.51.100.2/24")}); err != nil {
		t.Fatal(err)
	}
	for far, r := range map[string]stack.Route{
		"2001:db8:9::2": route("2001:db8:9::/64", "2001:db8::2"),
		"198.51.100.2":  route("198.51.100.0/24", "192.0.2.2"),
	} {
		r.MTU = 9000
		if err := a.AddRoute(r); err != nil {
			t.Fatal(err)
		}
		talkTCP(t, a, b, far)
		echo(t, a, far) // raw, 3000 bytes
		datagram(t, a, b, far, 4001)
	}
	if n := ai.Counters().TxOversize; n != 0 {
		t.Errorf("%d packets were larger than the link's MTU", n)
	}
	if rs := a.Routes(); !slices.ContainsFunc(rs, func(r stack.Route) bool { return r.MTU == 9000 }) {
		t.Errorf("routes %v", rs)
	}
}

// A route's MTU holds for every protocol, though the interface could carry more.
func TestRouteMTU(t *testing.T) {
	la, lb := stack.Pipe(1500)
	var (
		mu      sync.Mutex
		longest = map[netip.Addr]int{} // by destination
		pieces  = map[netip.Addr]int{}
	)
	w, err := capture.NewWriter(discard{}, capture.Options{Sink: func(p capture.Packet) {
		if p.Direction != capture.Outbound {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		dst := destination(p.Data)
		longest[dst] = max(longest[dst], p.Length)
		if p.Data[0]>>4 == 6 && p.Data[6] == 44 || p.Data[0]>>4 == 4 && (p.Data[6]&0x3f|p.Data[7]) != 0 {
			pieces[dst]++
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	a, b := newStack(t, stack.Config{}), newStack(t, stack.Config{})
	attach(t, a, "eth0", w.Tap("eth0", la), plain("2001:db8::1/64"), plain("192.0.2.1/24"))
	attach(t, b, "eth0", lb, plain("2001:db8::2/64"), plain("192.0.2.2/24"), plain("2001:db8:9::2/64"), plain("198.51.100.2/24"))
	for _, f := range []struct {
		r        stack.Route
		far      string
		near     string
		mtu      int
		datagram int
	}{
		{route("2001:db8:9::/64", "2001:db8::2"), "2001:db8:9::2", "2001:db8::2", 1280, 4001},
		{route("198.51.100.0/24", "192.0.2.2"), "198.51.100.2", "192.0.2.2", 576, 4001},
	} {
		f.r.MTU = f.mtu
		if err := a.AddRoute(f.r); err != nil {
			t.Fatal(err)
		}
		talkTCP(t, a, b, f.far)
		echo(t, a, f.far) // raw, 3000 bytes
		for _, size := range []int{f.mtu - 49, f.mtu - 48, f.mtu - 47, f.mtu - 28, f.mtu - 27, 1400, f.datagram, 60000} {
			datagram(t, a, b, f.far, size)
		}
		datagram(t, a, b, f.near, 1400) // beside the route
		mu.Lock()
		far, near := netip.MustParseAddr(f.far), netip.MustParseAddr(f.near)
		if longest[far] > f.mtu || longest[far] < f.mtu-20 {
			t.Errorf("the longest packet to %s had %d bytes, want at most %d and nearly as many", f.far, longest[far], f.mtu)
		}
		if pieces[far] == 0 || longest[near] < 1400 {
			t.Errorf("%d fragments to %s; the longest packet to %s had %d bytes", pieces[far], f.far, f.near, longest[near])
		}
		mu.Unlock()
	}
}

func destination(b []byte) netip.Addr {
	if b[0]>>4 == 4 {
		return netip.AddrFrom4([4]byte(b[16:20]))
	}
	return netip.AddrFrom16([16]byte(b[24:40]))
}

// datagram sends one from a to b and compares.
func datagram(t *testing.T, a, b *stack.Stack, dst string, size int) {
	t.Helper()
	ctx := deadline(t)
	pc, err := b.ListenPacket(ctx, "udp", ":7")
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	c, err := a.DialContext(ctx, "udp", net.JoinHostPort(dst, "7"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	want := bytes.Repeat([]byte("0123456789a"), size/11+1)[:size]
	if _, err := c.Write(want); err != nil {
		t.Fatalf("%d bytes to %s: %v", size, dst, err)
	}
	pc.SetReadDeadline(time.Now().Add(30 * time.Second))
	got := make([]byte, size+1)
	if n, _, err := pc.ReadFrom(got); err != nil || !bytes.Equal(got[:n], want) {
		t.Errorf("%d bytes to %s: %d came: %v", size, dst, n, err)
	}
}
