package engine

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/hextet/hextet/stack/internal/convert"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/channel"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/icmp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
	"gvisor.dev/gvisor/pkg/waiter"
)

// host4 is a gVisor stack with interfaces that carry IPv4 packets.
type host4 struct {
	*stack.Stack
	t     testing.TB
	links []*channel.Endpoint
}

// newHost4 returns a stack of this package's or, for comparison, one as gVisor makes it.
func newHost4(t testing.TB, plain bool, interfaces int) *host4 {
	h := &host4{t: t}
	if plain {
		h.Stack = stack.New(stack.Options{
			NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol},
			TransportProtocols: []stack.TransportProtocolFactory{udp.NewProtocol, icmp.NewProtocol4},
			HandleLocal:        true,
		})
	} else {
		h.Stack = New(Options{NoTCP: true, Hooks: Hooks{
			Source:        func(int, netip.Addr, netip.Addr) (netip.Prefix, bool) { return netip.Prefix{}, false },
			EchoReply:     func(int) bool { return true },
			Raw:           func(RawPacket) bool { return false },
			RawOpen:       func(uint8) bool { return false },
			RawTCP:        func(bool) bool { return false },
			Datagram:      func(*Datagram) bool { return false },
			Error:         func(ErrorMessage) {},
			PathMTU:       func(int, netip.Addr) int { return 0 },
			Advertisement: func(RawPacket) {},
			Neighbor:      func(int, netip.Addr, bool) {},
		}, Router: RouterHooks{Path: h.path}, Routed: new(RouterCounters)})
	}
	t.Cleanup(h.Destroy)
	for n := range interfaces {
		link := channel.New(16, 1500, "")
		if err := h.CreateNIC(tcpip.NICID(n+1), link); err != nil {
			t.Fatal(err)
		}
		h.links = append(h.links, link)
		h.AddRoute(tcpip.Route{Destination: header.IPv4EmptySubnet, NIC: tcpip.NICID(n + 1)})
	}
	return h
}

// path is a router's without routes: it finds the interface that has dst.
func (h *host4) path(_ int, dst netip.Addr) Path {
	for n := range h.links {
		if h.addresses(n+1).own.AcquireAssignedAddress(convert.Addr(dst), false, stack.NeverPrimaryEndpoint, true) != nil {
			return Path{Verdict: Own, NIC: n + 1}
		}
	}
	return Path{Verdict: Refused}
}

func (h *host4) add(nic int, p netip.Prefix) {
	h.t.Helper()
	err := h.AddProtocolAddress(tcpip.NICID(nic), tcpip.ProtocolAddress{
		Protocol:          header.IPv4ProtocolNumber,
		AddressWithPrefix: convert.Prefix(p),
	}, stack.AddressProperties{PEB: stack.NeverPrimaryEndpoint})
	if err != nil {
		h.t.Fatalf("%v: %v", p, err)
	}
}

func (h *host4) remove(nic int, a netip.Addr) {
	h.t.Helper()
	if err := h.RemoveAddress(tcpip.NICID(nic), convert.Addr(a)); err != nil {
		h.t.Fatalf("%v: %v", a, err)
	}
}

// verdict tells what came of the packets so far.
func (h *host4) verdict() string {
	ip, icmp := h.Stats().IP, h.Stats().ICMP.V4
	for _, l := range h.links {
		l.Drain()
	}
	return fmt.Sprintf("%d delivered, %d wrong sources, %d wrong destinations, %d echo requests, %d replies",
		ip.PacketsDelivered.Value(), ip.InvalidSourceAddressesReceived.Value(), ip.InvalidDestinationAddressesReceived.Value(),
		icmp.PacketsReceived.EchoRequest.Value(), icmp.PacketsSent.EchoReply.Value())
}

// addresses returns those of an interface.
func (h *host4) addresses(nic int) *addresses4 {
	e, err := h.GetNetworkEndpoint(tcpip.NICID(nic), header.IPv4ProtocolNumber)
	if err != nil {
		h.t.Fatal(err)
	}
	return e.(*endpoint4).endpoint4Methods.(*addresses4)
}

func (h *host4) receive(nic int, b []byte) {
	pkt := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(b)})
	defer pkt.DecRef()
	h.links[nic-1].InjectInbound(header.IPv4ProtocolNumber, pkt)
}

// ip4 returns an IPv4 packet.
func ip4(src, dst netip.Addr, proto uint8, payload []byte) []byte {
	b := make([]byte, header.IPv4MinimumSize, header.IPv4MinimumSize+len(payload))
	h := header.IPv4(b)
	h.Encode(&header.IPv4Fields{
		TotalLength: uint16(len(b) + len(payload)), TTL: 64, Protocol: proto,
		SrcAddr: convert.Addr(src), DstAddr: convert.Addr(dst),
	})
	h.SetChecksum(^h.CalculateChecksum())
	return append(b, payload...)
}

// icmp4 returns an ICMP message with the four bytes after its checksum empty.
func icmp4(typ, code uint8, payload []byte) []byte {
	b := append([]byte{typ, code, 0, 0, 0, 0, 0, 0}, payload...)
	binary.BigEndian.PutUint16(b[2:], ^checksum.Checksum(b, 0))
	return b
}

func echo4(src, dst netip.Addr) []byte {
	return ip4(src, dst, uint8(header.ICMPv4ProtocolNumber), icmp4(8, 0, nil))
}

// somePrefix returns an address of a small world, in which prefixes overlap and one's broadcast address is
// another's host.
func somePrefix(rng *rand.Rand) netip.Prefix {
	for {
		a := netip.AddrFrom4([4]byte{10, byte(rng.IntN(2)), byte(rng.IntN(2)) * 255, byte(rng.IntN(64)) * 4 >> rng.IntN(3) & 255})
		if rng.IntN(3) == 0 {
			a = netip.AddrFrom4([4]byte{10, a.As4()[1], a.As4()[2], 255})
		}
		p := netip.PrefixFrom(a, []int{8, 16, 24, 24, 25, 28, 30, 31, 32}[rng.IntN(9)])
		if host := ^uint32(0) >> p.Bits(); p.Bits() > 30 || binary.BigEndian.Uint32(a.AsSlice())&host != host {
			return p
		}
	}
}

// TestAddresses4JudgesAsPlain: whatever addresses there are, come and go, what becomes of a packet is what
// gVisor makes of it when it walks them all.
func TestAddresses4JudgesAsPlain(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 5 {
		ours, plain := newHost4(t, false, 1), newHost4(t, true, 1)
		have := make(map[netip.Addr]netip.Prefix)
		for step := range 600 {
			if p := somePrefix(rng); step%6 == 0 {
				if _, ok := have[p.Addr()]; ok {
					ours.remove(1, p.Addr())
					plain.remove(1, p.Addr())
					delete(have, p.Addr())
				} else if len(have) < 50 {
					ours.add(1, p)
					plain.add(1, p)
					have[p.Addr()] = p
				}
			}
			src, dst := somePrefix(rng).Addr(), somePrefix(rng).Addr()
			switch rng.IntN(12) {
			case 0:
				dst = broadcast
			case 1:
				dst = netip.MustParseAddr("224.0.0.1")
			case 2:
				src = broadcast
			}
			b := echo4(src, dst)
			ours.receive(1, b)
			plain.receive(1, b)
			if got, want := ours.verdict(), plain.verdict(); got != want {
				t.Fatalf("%v > %v with %v:\n%s, want\n%s", src, dst, have, got, want)
			}
		}
		if n := len(ours.addresses(1).endpoint4Methods.PermanentAddresses()); n > lentMax+1 {
			t.Errorf("gVisor's endpoint keeps %d addresses, more than the limited broadcast address and %d lent", n, lentMax)
		}
	}
}

// crowd4 adds n addresses 10.0.0.1/8, 10.0.0.2/8 and so on.
func (h *host4) crowd4(nic, n int) {
	a := netip.MustParseAddr("10.0.0.1")
	for range n {
		h.add(nic, netip.PrefixFrom(a, 8))
		a = a.Next()
	}
}

// An ICMP error reaches the socket whose address is in the packet that it is about, though it came to
// another address.
func TestAddresses4ErrorAboutAnother(t *testing.T) {
	h := newHost4(t, false, 1)
	h.crowd4(1, 2*lentMax)
	own, other, remote := netip.MustParseAddr("10.0.0.3"), netip.MustParseAddr("10.0.0.9"), netip.MustParseAddr("10.9.9.9")
	var wq waiter.Queue
	ep, err := h.NewEndpoint(udp.ProtocolNumber, header.IPv4ProtocolNumber, &wq)
	if err != nil {
		t.Fatal(err)
	}
	defer ep.Close()
	if err := ep.Bind(tcpip.FullAddress{Addr: convert.Addr(own), Port: 7}); err != nil {
		t.Fatal(err)
	}
	if err := ep.Connect(tcpip.FullAddress{Addr: convert.Addr(remote), Port: 9}); err != nil {
		t.Fatal(err)
	}
	about := ip4(own, remote, uint8(header.UDPProtocolNumber), []byte{0, 7, 0, 9, 0, 8, 0, 0})
	h.receive(1, ip4(remote, other, uint8(header.ICMPv4ProtocolNumber), icmp4(3, 3, about)))
	if err := ep.LastError(); err == nil {
		t.Error("the socket heard nothing of the port unreachable")
	}
}

// A router delivers to itself what came by one interface for an address of another.
func TestAddresses4OfAnotherInterface(t *testing.T) {
	for _, plain := range []bool{true, false} {
		h := newHost4(t, plain, 2)
		h.crowd4(1, 3)
		h.add(2, netip.MustParsePrefix("192.0.2.1/24"))
		b := echo4(netip.MustParseAddr("10.9.9.9"), netip.MustParseAddr("192.0.2.1"))
		h.receive(1, b)
		if got, want := h.verdict(), "0 delivered, 0 wrong sources, 1 wrong destinations, 0 echo requests, 0 replies"; got != want {
			t.Errorf("plain %v, a host: %s, want %s", plain, got, want)
		}
		if _, err := h.SetNICForwarding(1, header.IPv4ProtocolNumber, true); err != nil {
			t.Fatal(err)
		}
		h.receive(1, b)
		if got, want := h.verdict(), "1 delivered, 0 wrong sources, 1 wrong destinations, 1 echo requests, 1 replies"; got != want {
			t.Errorf("plain %v, a router: %s, want %s", plain, got, want)
		}
	}
}

// While packets for all addresses at once are in hand, none is taken from under one.
func TestAddresses4ManyAtOnce(t *testing.T) {
	h := newHost4(t, false, 1)
	const n = 10 * lentMax
	h.crowd4(1, n)
	e := h.addresses(1)
	var loans []*loan
	for _, p := range e.PermanentAddresses() {
		loans = append(loans, e.lend(p.Address))
	}
	for _, p := range e.PermanentAddresses() {
		if e.endpoint4Methods.AcquireAssignedAddress(p.Address, false, stack.NeverPrimaryEndpoint, true) == nil {
			t.Errorf("%v is in use and was taken back", p.Address)
		}
	}
	release(loans...)
	h.receive(1, echo4(netip.MustParseAddr("10.9.9.9"), broadcast))
	h.receive(1, echo4(netip.MustParseAddr("10.9.9.9"), netip.MustParseAddr("10.255.255.255")))
	if len(e.lent) > lentMax {
		t.Errorf("%d addresses are still lent", len(e.lent))
	}
	h.remove(1, netip.MustParseAddr("10.0.0.1"))
	if l := e.lend(tcpip.AddrFrom4([4]byte{10, 0, 0, 1})); l != nil {
		t.Error("an address is lent that was removed")
	}
}

// What an interface's state means to its addresses reaches those who follow them.
func TestAddresses4FollowInterface(t *testing.T) {
	h := newHost4(t, false, 1)
	var states []bool
	err := AddAddress(h.Stack, 1, netip.MustParsePrefix("10.0.0.1/8"), follow(func(assigned bool) { states = append(states, assigned) }))
	if err != nil {
		t.Fatal(err)
	}
	h.DisableNIC(1)
	h.EnableNIC(1)
	if got, want := fmt.Sprint(states), "[true false true]"; got != want {
		t.Errorf("assigned: %s, want %s", got, want)
	}
}

type follow func(assigned bool)

func (f follow) Changed(assigned bool) { f(assigned) }
func (f follow) Removed(bool)          {}
