package stack_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
)

// Made by scapy 2.5.0:
//
//	bytes(IPv6(src='2001:db8::2',dst='2001:db8::1',tc=8,hlim=7)/UDP(sport=4000,dport=9)/b'hello').hex()
//	bytes(IP(src='192.0.2.2',dst='192.0.2.1',tos=8,ttl=7,id=1)/UDP(sport=4000,dport=9)/b'hello').hex()
//	bytes(IPv6(src='2001:db8::1',dst='2001:db8::2',tc=40,hlim=3)/UDP(sport=53,dport=9)/b'hello').hex()
//	bytes(IP(src='192.0.2.1',dst='192.0.2.2',tos=40,ttl=3,id=0)/UDP(sport=53,dport=9)/b'hello').hex()
const (
	udpIn6  = "60800000000d110720010db800000000000000000000000220010db80000000000000000000000010fa00009000d50e468656c6c6f"
	udpIn4  = "450800210001000007112fc0c0000202c00002010fa00009000d285568656c6c6f"
	udpOut6 = "62800000000d110320010db800000000000000000000000120010db800000000000000000000000200350009000d604f68656c6c6f"
	udpOut4 = "4528002100000000031133a1c0000201c000020200350009000d37c068656c6c6f"
)

var udpOwn = []stack.Address{plain("2001:db8::1/64"), plain("192.0.2.1/24")}

// TestUDPReceivesGolden: what came, byte for byte, and all that there is to say about it, with and without
// the short cut around the IP layer.
func TestUDPReceivesGolden(t *testing.T) {
	for _, long := range []bool{false, true} {
		s, i, w := rawHost(t, stack.Config{}, udpOwn...)
		if long {
			goTheLongWay(t, s)
		}
		c := listenUDP(t, s, "udp", ":9")
		c.SetReadDeadline(time.Now().Add(20 * time.Second))
		for _, tt := range []struct{ packet, src, dst string }{
			{udpIn6, "[2001:db8::2]:4000", "2001:db8::1"},
			{udpIn4, "192.0.2.2:4000", "192.0.2.1"},
		} {
			w.send(unhex(t, tt.packet))
			var cm stack.ControlMessage
			buf := make([]byte, 4)
			n, from, err := c.ReadMsg(buf, &cm)
			want := stack.ControlMessage{
				Source: from.Addr(), Destination: netip.MustParseAddr(tt.dst), Interface: i.Index(),
				HopLimit: 7, TrafficClass: 8, Length: 5,
			}
			if err != nil || string(buf[:n]) != "hell" || from.String() != tt.src || !reflect.DeepEqual(cm, want) {
				t.Errorf("long way %v: %q from %v with %+v, %v; want %+v", long, buf[:n], from, cm, err, want)
			}
		}
		if got := c.Stats(); got != (stack.UDPStats{Received: 2}) {
			t.Errorf("long way %v: %+v", long, got)
		}
	}
}

// goTheLongWay opens raw sockets for UDP, which see every datagram, so that none takes the short cut.
func goTheLongWay(t *testing.T, s *stack.Stack) {
	t.Helper()
	listenRaw(t, s, 17, "")
	c, err := s.ListenRaw4(17, netip.Addr{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
}

// TestUDPSendsGolden: header and checksum on the wire, from the socket's options and from a control
// message.
func TestUDPSendsGolden(t *testing.T) {
	s, i, w := rawHost(t, stack.Config{}, udpOwn...)
	for _, packet := range []string{udpOut6, udpOut4} {
		want := unhex(t, packet)
		to := netip.MustParseAddrPort("192.0.2.2:9")
		if want[0]>>4 == 6 {
			to = netip.MustParseAddrPort("[2001:db8::2]:9")
		}
		for _, perDatagram := range []bool{false, true} {
			c := listenUDP(t, s, "udp", ":53")
			var cm *stack.ControlMessage
			if perDatagram {
				cm = &stack.ControlMessage{HopLimit: 3, TrafficClass: 40, Interface: i.Index()}
			} else if err := errors.Join(c.SetHopLimit(3), c.SetTrafficClass(40)); err != nil {
				t.Fatal(err)
			}
			if n, err := c.WriteMsg([]byte("hello"), cm, to); n != 5 || err != nil {
				t.Fatal(n, err)
			}
			got := w.next()
			if got[0]>>4 == 4 { // the identification is random
				copy(got[4:6], want[4:6])
				copy(got[10:12], want[10:12])
			}
			if !bytes.Equal(got, want) {
				t.Errorf("control message %v:\n got %x\nwant %x", perDatagram, got, want)
			}
			c.Close()
		}
	}
}

// TestUDPSumOfZero: RFC 768: "If the computed checksum is zero, it is transmitted as all ones".
func TestUDPSumOfZero(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, udpOwn...)
	c := listenUDP(t, s, "udp6", ":53")
	c.WriteToUDPAddrPort([]byte{0, 0}, netip.MustParseAddrPort("[2001:db8::2]:9"))
	sum := w.next()[46:48] // its own sum as data makes that of the next one zero
	c.WriteToUDPAddrPort(sum, netip.MustParseAddrPort("[2001:db8::2]:9"))
	if got := w.next()[46:48]; got[0] != 0xff || got[1] != 0xff {
		t.Errorf("checksum %x on the wire", got)
	}
}

// TestUDPShortCutTwin: the short cut takes what gVisor's IP layer would, and hands over the same, however
// a packet is spoilt.
func TestUDPShortCutTwin(t *testing.T) {
	type host struct {
		w *rawWire
		c *stack.UDPConn
	}
	var hosts [2]host
	for n := range hosts {
		s, i, w := rawHost(t, stack.Config{}, udpOwn...)
		if n == 1 {
			goTheLongWay(t, s)
		}
		if err := i.AddAddress(plain("fe80::1/64")); err != nil {
			t.Fatal(err)
		}
		hosts[n] = host{w, listenUDP(t, s, "udp", ":9")}
	}
	rng := rand.New(rand.NewPCG(9, 10))
	for round := range 4000 {
		p := spoil(rng, unhex(t, []string{udpIn6, udpIn4}[rng.IntN(2)]))
		var got [2]string
		for n, h := range hosts {
			h.w.send(p, barrier(round))
			got[n] = readUntil(t, h.c, round)
		}
		if got[0] != got[1] {
			t.Fatalf("round %d, packet %x:\nthe short cut gave %s\nthe long way     %s", round, p, got[0], got[1])
		}
	}
}

// spoil changes a packet in some way, or does not.
func spoil(rng *rand.Rand, p []byte) []byte {
	switch rng.IntN(6) {
	case 0:
		p[rng.IntN(len(p))] ^= 1 << rng.IntN(8)
	case 1:
		p[rng.IntN(len(p))] = byte(rng.Uint32())
	case 2:
		p = p[:max(1, rng.IntN(len(p)))]
	case 3:
		p = append(p, make([]byte, rng.IntN(20))...) // padding
	case 4: // another address of the host's, of others, of groups
		to := []string{"fe80::1", "ff02::1", "2001:db8::7", "::1", "::", "2001:db8::1"}[rng.IntN(6)]
		src := []string{"2001:db8::2", "fe80::2", "::", "::1", "ff02::1", "2001:db8::1"}[rng.IntN(6)]
		msg := []byte{15, 160, 0, 9, 0, 13, 0, 0, 'w', 'o', 'r', 'l', 'd'}
		return ip6(src, to, 17, 9, sealed(src, to, 17, 6, msg))
	case 5: // checksums right again
		if p[0]>>4 == 4 {
			p[1+rng.IntN(8)] = byte(rng.Uint32())
			if src := []byte{1, 2, 3, 255}[rng.IntN(4)]; src != 2 {
				p[15], p[26], p[27] = src, 0, 0
			}
			p[10], p[11] = 0, 0
			binary.BigEndian.PutUint16(p[10:], ^sum(p[:20]))
			if rng.IntN(2) == 0 {
				p[26], p[27] = 0, 0 // none
			}
		}
	}
	return p
}

// sum is RFC 1071 over an even number of bytes.
func sum(b []byte) uint16 {
	n := 0
	for i := 0; i < len(b); i += 2 {
		n += int(b[i])<<8 + int(b[i+1])
	}
	for n > 0xffff {
		n = n>>16 + n&0xffff
	}
	return uint16(n)
}

// barrier is a datagram that tells that those before it are through.
func barrier(round int) []byte {
	msg := binary.BigEndian.AppendUint64([]byte{15, 160, 0, 9, 0, 16, 0, 0}, uint64(round))
	return ip6("2001:db8::2", "2001:db8::1", 17, 9, sealed("2001:db8::2", "2001:db8::1", 17, 6, msg))
}

// readUntil returns what came before the barrier of a round.
func readUntil(t *testing.T, c *stack.UDPConn, round int) (all string) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	buf := make([]byte, 100)
	for {
		var cm stack.ControlMessage
		n, from, err := c.ReadMsg(buf, &cm)
		if err != nil {
			t.Fatal(err)
		}
		if n == 8 && binary.BigEndian.Uint64(buf) == uint64(round) {
			return all
		}
		all += fmt.Sprintf("%q from %v with %+v; ", buf[:n], from, cm)
	}
}

// TestUDPTentative: an address under duplicate address detection receives nothing (RFC 4862 section 5.4).
func TestUDPTentative(t *testing.T) {
	near, far := ethernet()
	w := newRawWire(t, far)
	s := newStack(t, stack.Config{Clock: newSteppedClock()}) // stands still, and the detection with it
	i, err := s.Attach(stack.InterfaceConfig{Link: near, DAD: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := i.AddAddresses(udpOwn); err != nil {
		t.Fatal(err)
	}
	c := listenUDP(t, s, "udp", ":9")
	frame := func(packet string, etherType ...byte) []byte {
		return slices.Concat([]byte{2, 0, 0, 0, 0, 1}, []byte{2, 0, 0, 0, 0, 2}, etherType, unhex(t, packet))
	}
	w.send(frame(udpIn6, 0x86, 0xdd), frame(udpIn4, 8, 0)) // in IPv4 there is no detection
	if cm := wantText(t, c, "hello"); cm.Destination != netip.MustParseAddr("192.0.2.1") {
		t.Errorf("%+v", cm)
	}
	if got := c.Stats(); got != (stack.UDPStats{Received: 1}) {
		t.Errorf("%+v", got)
	}
}

// TestUDPWrongChecksum: dropped and counted, as is what claims to be longer than it is, or to have none in
// IPv6.
func TestUDPWrongChecksum(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, udpOwn...)
	c := listenUDP(t, s, "udp", ":9")
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	for _, change := range []func([]byte){
		func(p []byte) { p[len(p)-1]++ },
		func(p []byte) { p[45]++ },
		func(p []byte) { p[46], p[47] = 0, 0 },
	} {
		p := unhex(t, udpIn6)
		change(p)
		w.send(p)
	}
	w.send(unhex(t, udpIn6))
	if n, err := c.Read(make([]byte, 9)); n != 5 || err != nil {
		t.Error(n, err)
	}
	if got := c.Stats(); got != (stack.UDPStats{Received: 1, DroppedChecksum: 3}) {
		t.Errorf("%+v", got)
	}
}

// TestUDPQueueDrops: what does not fit is dropped and counted, empty datagrams too; what was queued stays.
func TestUDPQueueDrops(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, udpOwn...)
	c := listenUDP(t, s, "udp", ":9")
	if err := c.SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	empty := ip6("2001:db8::2", "2001:db8::1", 17, 9, sealed("2001:db8::2", "2001:db8::1", 17, 6, []byte{15, 160, 0, 9, 0, 8, 0, 0}))
	const sent, fit = 500, 4096 / 128
	for range sent {
		w.send(empty)
	}
	eventually(t, func() bool { return c.Stats().Received+c.Stats().DroppedQueue == sent })
	if got := c.Stats(); got != (stack.UDPStats{Received: fit, DroppedQueue: sent - fit}) {
		t.Errorf("%+v", got)
	}
	for range fit {
		if n, _, err := c.ReadFrom(make([]byte, 9)); n != 0 || err != nil {
			t.Fatal(n, err)
		}
	}
	wantNothing(t, c)
}

// TestUDPMsgSource: of a host with many addresses, one names who answers, and the rest keep quiet.
func TestUDPMsgSource(t *testing.T) {
	s, i, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"), skip("2001:db8::5/64"), plain("192.0.2.1/24"))
	c := listenUDP(t, s, "udp", ":9")
	to := netip.MustParseAddrPort("[2001:db8::2]:9")
	for _, tt := range []struct {
		cm   stack.ControlMessage
		want string
	}{
		{stack.ControlMessage{}, "2001:db8::1"},
		{stack.ControlMessage{Source: netip.MustParseAddr("2001:db8::5")}, "2001:db8::5"},
		{stack.ControlMessage{Source: netip.MustParseAddr("::")}, "2001:db8::1"},
		{stack.ControlMessage{Interface: i.Index()}, "2001:db8::1"},
	} {
		if _, err := c.WriteMsg([]byte("x"), &tt.cm, to); err != nil {
			t.Fatal(err)
		}
		if src := netip.AddrFrom16([16]byte(w.next()[8:24])); src.String() != tt.want {
			t.Errorf("%+v: from %v, want %v", tt.cm, src, tt.want)
		}
	}
	connected := dialUDP(t, s, "[2001:db8::2]:9")
	for _, tt := range []struct {
		name string
		c    *stack.UDPConn
		cm   stack.ControlMessage
		to   netip.AddrPort
		want error
	}{
		{"not ours", c, stack.ControlMessage{Source: netip.MustParseAddr("2001:db8::6")}, to, syscall.EADDRNOTAVAIL},
		{"other family", c, stack.ControlMessage{Source: netip.MustParseAddr("192.0.2.1")}, to, syscall.EAFNOSUPPORT},
		{"no interface", c, stack.ControlMessage{Interface: 77}, to, syscall.ENODEV},
		{"negative interface", c, stack.ControlMessage{Interface: -1}, to, syscall.EINVAL},
		{"hop limit", c, stack.ControlMessage{HopLimit: 256}, to, syscall.EINVAL},
		{"traffic class", c, stack.ControlMessage{TrafficClass: -2}, to, syscall.EINVAL},
		{"extension header", c, stack.ControlMessage{HopByHop: []byte{}}, to, syscall.EOPNOTSUPP},
		{"nowhere", c, stack.ControlMessage{}, netip.AddrPort{}, syscall.EDESTADDRREQ},
		{"connected", connected, stack.ControlMessage{}, to, net.ErrWriteToConnected},
		{"connected, another source", connected, stack.ControlMessage{Source: netip.MustParseAddr("2001:db8::5")}, netip.AddrPort{}, syscall.EISCONN},
	} {
		_, err := tt.c.WriteMsg([]byte("x"), &tt.cm, tt.to)
		var op *net.OpError
		if !errors.Is(err, tt.want) || !errors.As(err, &op) || op.Op != "write" {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
	if _, err := connected.WriteMsg([]byte("x"), nil, netip.AddrPort{}); err != nil {
		t.Error(err)
	}
}

// TestUDPFlowsFollow: the next datagram sees a flag, an address and a route that changed, though the way
// of the last one is remembered; a connected socket keeps its source.
func TestUDPFlowsFollow(t *testing.T) {
	s, i, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"), plain("2001:db8::5/64"))
	c := listenUDP(t, s, "udp6", ":9")
	connected := dialUDP(t, s, "[2001:db8::4]:9")
	speak := func() (string, string) {
		t.Helper()
		var from []string
		c.WriteToUDPAddrPort([]byte("x"), netip.MustParseAddrPort("[2001:db8::4]:9"))
		connected.Write([]byte("x"))
		for range 2 {
			src := netip.AddrFrom16([16]byte(w.next()[8:24]))
			from = append(from, src.String())
		}
		return from[0], from[1]
	}
	first, bound := speak()
	if first != bound || !slices.Contains([]string{"2001:db8::1", "2001:db8::5"}, first) {
		t.Fatalf("from %v and %v", first, bound)
	}
	other := map[string]string{"2001:db8::1": "2001:db8::5", "2001:db8::5": "2001:db8::1"}[first]
	i.SetSkipAsSource(netip.MustParseAddr(first), true)
	if a, b := speak(); a != other || b != first {
		t.Errorf("flagged: from %v and %v, want %v and %v", a, b, other, first)
	}
	i.SetSkipAsSource(netip.MustParseAddr(first), false)
	i.RemoveAddress(netip.MustParseAddr(first))
	c.WriteToUDPAddrPort([]byte("x"), netip.MustParseAddrPort("[2001:db8::4]:9"))
	if src := netip.AddrFrom16([16]byte(w.next()[8:24])); src.String() != other {
		t.Errorf("removed: from %v, want %v", src, other)
	}
	if _, err := connected.Write([]byte("x")); !errors.Is(err, syscall.EADDRNOTAVAIL) {
		t.Errorf("removed: the connected socket said %v", err)
	}
}
