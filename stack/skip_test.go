package stack_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hextet/hextet/icmp6"
	"github.com/hextet/hextet/srcselect"
	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/capture"
)

// wire records the frames that a host sends.
type wire struct {
	mu   sync.Mutex
	sent [][]byte
}

func (w *wire) tap(t *testing.T, l stack.Link) stack.Link {
	t.Helper()
	cw, err := capture.NewWriter(discard{}, capture.Options{Sink: func(p capture.Packet) {
		if p.Direction == capture.Outbound {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.sent = append(w.sent, p.Clone().Data)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	return cw.Tap("eth0", l)
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

// drain returns what was sent since the last call.
func (w *wire) drain() [][]byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	sent := w.sent
	w.sent = nil
	return sent
}

// speaker returns the address that an Ethernet frame speaks from, ARP included, and what it is.
func speaker(frame []byte) (netip.Addr, string) {
	b := frame[14:]
	switch binary.BigEndian.Uint16(frame[12:]) {
	case 0x0806:
		return netip.AddrFrom4([4]byte(b[14:18])), fmt.Sprintf("ARP operation %d", b[7])
	case 0x0800:
		return netip.AddrFrom4([4]byte(b[12:16])), fmt.Sprintf("IPv4 protocol %d", b[9])
	}
	what := fmt.Sprintf("IPv6 next header %d", b[6])
	if b[6] == 58 {
		what = fmt.Sprintf("ICMPv6 type %d", b[40])
	}
	return netip.AddrFrom16([16]byte(b[8:24])), what
}

// quiet is a host of which one address of each family may speak, and a peer on its Ethernet.
type quiet struct {
	host, peer *stack.Stack
	i          *stack.Interface
	wire       wire
}

const (
	only4, only6 = "192.0.2.10", "2001:db8::10"
	peer4, peer6 = "192.0.2.200", "2001:db8::200"
	hush4, hush6 = "192.0.2.5", "2001:db8::5" // skipped
)

func newQuiet(t *testing.T, cfg stack.Config) *quiet {
	q := &quiet{}
	la, lb := ethernet()
	q.host, q.peer = newStack(t, cfg), newStack(t, stack.Config{})
	var addrs []stack.Address
	for n := 1; n <= 20; n++ {
		a4, a6 := skip(fmt.Sprintf("192.0.2.%d/24", n)), skip(fmt.Sprintf("2001:db8::%d/64", n))
		a4.SkipAsSource, a6.SkipAsSource = n != 10, n != 10
		addrs = append(addrs, a4, a6)
	}
	q.i = attach(t, q.host, "eth0", q.wire.tap(t, la), addrs...)
	attach(t, q.peer, "eth0", lb, plain(peer4+"/24"), plain(peer6+"/64"))
	return q
}

// spoke checks that everything sent since the last call came from an address that may speak, or from
// those named, and that something of each kind wanted was sent.
func (q *quiet) spoke(t *testing.T, also string, want ...string) {
	t.Helper()
	seen := map[string]bool{}
	for _, f := range q.wire.drain() {
		src, what := speaker(f)
		seen[what] = true
		switch {
		case src.String() == only4, src.String() == only6, slices.Contains(strings.Fields(also), src.String()):
		case src.IsUnspecified(), src.IsLinkLocalUnicast(): // MLD, duplicate address detection
		default:
			t.Errorf("%s from %v", what, src)
		}
	}
	for _, w := range want {
		if !seen[w] {
			t.Errorf("no %s was sent, only %v", w, seen)
		}
	}
}

// A skipped address never speaks of its own accord, by whatever way a packet leaves.
func TestSkippedAddressesAreSilent(t *testing.T) {
	q := newQuiet(t, stack.Config{})
	ctx := deadline(t)
	for _, f := range []struct{ peer, network, transport string }{
		{peer4, "ip4:253", "IPv4 protocol"}, {peer6, "ip6:253", "IPv6 next header"},
	} {
		exchange(t, q.host, q.peer, f.peer)
		q.spoke(t, "", f.transport+" 17")
		talkTCP(t, q.host, q.peer, f.peer)
		q.spoke(t, "", f.transport+" 6")
		if _, err := q.host.DialContext(ctx, "tcp", net.JoinHostPort(f.peer, "9")); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("a closed port: %v", err)
		}
		q.spoke(t, "", f.transport+" 6")
		pc, err := q.host.ListenPacket(ctx, f.network, "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pc.WriteTo([]byte("raw"), &net.IPAddr{IP: net.ParseIP(f.peer)}); err != nil {
			t.Error(err)
		}
		pc.Close()
		q.spoke(t, "", f.transport+" 253")
		echo(t, q.host, f.peer)
		q.spoke(t, "")
		u, err := q.host.ListenPacket(ctx, "udp", ":0")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := u.WriteTo([]byte("x"), &net.UDPAddr{IP: net.ParseIP(f.peer), Port: 9}); err != nil {
			t.Error(err)
		}
		u.Close()
		q.spoke(t, "", f.transport+" 17")
	}
}

// Answers to a group have no address of their own to come from: the host has to choose one, for the
// echo reply as for the error (RFC 4443 sections 2.2 and 4.2).
func TestSkippedAddressesAreSilentTowardsGroups(t *testing.T) {
	q := newQuiet(t, stack.Config{})
	raw, err := q.peer.ListenRaw(icmp6.Protocol, netip.Addr{})
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	raw.SetDeadline(time.Now().Add(30 * time.Second))
	expect := func(kind byte) {
		t.Helper()
		buf := make([]byte, 2000)
		for {
			n, _, src, err := raw.ReadFrom(buf)
			if err != nil {
				t.Fatalf("waiting for type %d: %v", kind, err)
			}
			if n > 0 && buf[0] == kind {
				if src.String() != only6 {
					t.Errorf("type %d came from %v, want %s", kind, src, only6)
				}
				return
			}
		}
	}
	group := &net.IPAddr{IP: net.ParseIP("ff02::1"), Zone: "eth0"}
	// From a global address: towards a link-local one the link-local address would be right.
	send := func(c *stack.RawConn, b []byte) {
		t.Helper()
		if _, err := c.WriteTo(b, nil, group); err != nil {
			t.Fatal(err)
		}
	}
	bound, err := q.peer.ListenRaw(icmp6.Protocol, netip.MustParseAddr(peer6))
	if err != nil {
		t.Fatal(err)
	}
	defer bound.Close()
	bound.SetMulticastLoopback(false) // or the peer answers itself
	send(bound, []byte{128, 0, 0, 0, 0, 1, 0, 1})
	expect(129)
	options, err := q.peer.ListenRaw(60, netip.MustParseAddr(peer6)) // a destination options header by hand
	if err != nil {
		t.Fatal(err)
	}
	defer options.Close()
	options.SetMulticastLoopback(false)
	send(options, []byte{59, 0, 0x9e, 4, 0, 0, 0, 0}) // an option whose type says: discard, and tell, even to a group
	expect(4)
	q.spoke(t, "", "ICMPv6 type 129", "ICMPv6 type 4")
}

// A neighbour that went quiet is probed, by NS and ARP, from an address that may speak.
func TestSkippedAddressesDoNotProbe(t *testing.T) {
	clock := newSteppedClock()
	q := newQuiet(t, stack.Config{Clock: clock})
	sink, err := q.peer.ListenPacket(deadline(t), "udp", ":9") // so that no error comes back
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	for _, f := range []struct{ peer, datagram, probe string }{
		{peer6, "IPv6 next header 17", "ICMPv6 type 135"},
		{peer4, "IPv4 protocol 17", "ARP operation 1"},
	} {
		c, err := q.host.DialContext(deadline(t), "udp", net.JoinHostPort(f.peer, "9"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		send := func() {
			t.Helper()
			if _, err := c.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
			q.await(t, clock, f.datagram) // it follows when the peer has told its link-layer address
		}
		send()
		q.spoke(t, "")
		clock.Advance(2 * time.Minute) // past ReachableTime (RFC 4861 section 10)
		send()
		q.spoke(t, "", f.datagram)
		clock.Advance(5 * time.Second) // DELAY_FIRST_PROBE_TIME
		q.await(t, clock, f.probe)
		q.spoke(t, "", f.probe)
	}
}

// await waits until something was sent, with what is due done on the way.
func (q *quiet) await(t *testing.T, clock *steppedClock, want string) {
	t.Helper()
	eventually(t, func() bool {
		clock.Advance(0)
		q.wire.mu.Lock()
		defer q.wire.mu.Unlock()
		return slices.ContainsFunc(q.wire.sent, func(f []byte) bool {
			_, what := speaker(f)
			return what == want
		})
	})
}

// The flag governs choosing, not answering, and not explicit choices.
func TestSkippedAddressesAnswerAndCanBeChosen(t *testing.T) {
	q := newQuiet(t, stack.Config{})
	for _, f := range []struct{ hush, peer string }{{hush4, peer4}, {hush6, peer6}} {
		talkTCP(t, q.peer, q.host, f.hush)
		q.spoke(t, hush4+" "+hush6)
		echo(t, q.peer, f.hush)
		q.spoke(t, hush4+" "+hush6)
		if _, err := q.peer.DialContext(deadline(t), "tcp", net.JoinHostPort(f.hush, "9")); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("a reset from a skipped address: %v", err)
		}
		d := stack.Dialer{Stack: q.host, LocalAddr: netip.AddrPortFrom(netip.MustParseAddr(f.hush), 0)}
		pc, err := q.peer.ListenPacket(deadline(t), "udp", ":7")
		if err != nil {
			t.Fatal(err)
		}
		c, err := d.DialContext(deadline(t), "udp", net.JoinHostPort(f.peer, "7"))
		if err != nil {
			t.Fatal(err)
		}
		c.Write([]byte("chosen"))
		pc.SetReadDeadline(time.Now().Add(30 * time.Second))
		if _, from, err := pc.ReadFrom(make([]byte, 10)); err != nil || from.(*net.UDPAddr).IP.String() != f.hush {
			t.Errorf("bound to %s, came from %v: %v", f.hush, from, err)
		}
		pc.Close()
		c.Close()
	}
}

// With nothing left that may speak, every way to send says so, and sends nothing.
func TestAllSkipped(t *testing.T) {
	q := newQuiet(t, stack.Config{})
	for _, a := range q.i.Addresses() { // the link-local one included: it would be a candidate
		q.i.SetSkipAsSource(a.Prefix.Addr(), true)
	}
	q.wire.drain()
	ctx := deadline(t)
	for _, peer := range []string{peer4, peer6} {
		for _, network := range []string{"tcp", "udp"} {
			_, err := q.host.DialContext(ctx, network, net.JoinHostPort(peer, "9"))
			var op *net.OpError
			if !errors.As(err, &op) || !errors.Is(err, syscall.EADDRNOTAVAIL) || !errors.Is(err, srcselect.ErrNoSource) {
				t.Errorf("%s to %s: %v", network, peer, err)
			}
		}
		for _, network := range []string{"udp", "ip6:253", "ip4:253"} {
			if (network == "ip6:253") != (peer == peer6) && network != "udp" {
				continue
			}
			pc, err := q.host.ListenPacket(ctx, network, "")
			if network == "udp" {
				pc, err = q.host.ListenPacket(ctx, network, ":0")
			}
			if err != nil {
				t.Fatal(err)
			}
			var to net.Addr = &net.IPAddr{IP: net.ParseIP(peer)}
			if network == "udp" {
				to = &net.UDPAddr{IP: net.ParseIP(peer), Port: 9}
			}
			_, err = pc.WriteTo([]byte("x"), to)
			var op *net.OpError
			if !errors.As(err, &op) || !errors.Is(err, syscall.EADDRNOTAVAIL) || !errors.Is(err, srcselect.ErrNoSource) {
				t.Errorf("%s to %s: %v", network, peer, err)
			}
			pc.Close()
		}
	}
	q.spoke(t, "")
	for _, f := range q.wire.drain() {
		if _, what := speaker(f); what == "IPv4 protocol 17" || what == "IPv6 next header 17" {
			t.Error("a datagram was sent")
		}
	}
}
