package stack_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
)

func listenRaw4(t testing.TB, s *stack.Stack, proto uint8, addr string) *stack.RawConn4 {
	t.Helper()
	c, err := s.ListenRaw4(proto, netip.MustParseAddr(addr))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	return c
}

// TestRaw4Echo sends what Scapy 2.5.0 makes of ICMP(type=8, id=0x1234, seq=1)/b"hextet!".
func TestRaw4Echo(t *testing.T) {
	a, _, ai, _ := pair(t)
	c := listenRaw4(t, a, 1, "0.0.0.0")
	if err := c.SetControlMessage(ipv4.FlagTTL|ipv4.FlagDst|ipv4.FlagInterface, true); err != nil {
		t.Fatal(err)
	}
	echo := unhex(t, "08007e7c 12340001 68657874657421")
	if n, err := c.WriteTo(echo, nil, ipTo("192.0.2.2")); n != len(echo) || err != nil {
		t.Fatal(n, err)
	}
	b := make([]byte, 1500)
	n, cm, from, err := c.ReadFrom(b)
	if err != nil || from.String() != "192.0.2.2" {
		t.Fatal(from, err)
	}
	m, err := icmp.ParseMessage(1, b[:n])
	if e, ok := m.Body.(*icmp.Echo); err != nil || m.Type != ipv4.ICMPTypeEchoReply || !ok || string(e.Data) != "hextet!" {
		t.Errorf("%x: %v, %v", b[:n], m, err)
	}
	want := &ipv4.ControlMessage{TTL: 64, Src: net.ParseIP("192.0.2.2").To4(), Dst: net.ParseIP("192.0.2.1").To4(), IfIndex: ai.Index()}
	if cm == nil || cm.String() != want.String() {
		t.Errorf("%v, want %v", cm, want)
	}
	if _, err := c.PacketConn().WriteTo(echo, ipTo("192.0.2.2")); err != nil {
		t.Fatal(err)
	}
	if n, from, err := c.PacketConn().ReadFrom(b); n != len(echo) || from.String() != "192.0.2.2" || err != nil {
		t.Errorf("PacketConn: %d, %v, %v", n, from, err)
	}
}

func TestRaw4OnTheWire(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, skip("192.0.2.9/24"), plain("192.0.2.1/24"))
	c := listenRaw4(t, s, 89, "0.0.0.0")
	send := func(cm *ipv4.ControlMessage, dst, src string, ttl, tos byte) {
		t.Helper()
		if _, err := c.WriteTo([]byte("payload"), cm, ipTo(dst)); err != nil {
			t.Fatal(err)
		}
		p := w.next()
		if p[0] != 0x45 || p[9] != 89 || p[8] != ttl || p[1] != tos || net.IP(p[12:16]).String() != src || string(p[20:]) != "payload" {
			t.Errorf("%x, want from %s with TTL %d and TOS %d", p, src, ttl, tos)
		}
	}
	send(nil, "192.0.2.2", "192.0.2.1", 64, 0)
	send(&ipv4.ControlMessage{Src: net.ParseIP("192.0.2.9")}, "192.0.2.2", "192.0.2.9", 64, 0)
	send(nil, "224.0.0.5", "192.0.2.1", 1, 0)
	for _, err := range []error{c.SetTTL(7), c.SetMulticastTTL(8), c.SetTOS(0xb8)} {
		if err != nil {
			t.Error(err)
		}
	}
	send(nil, "192.0.2.2", "192.0.2.1", 7, 0xb8)
	send(nil, "224.0.0.5", "192.0.2.1", 8, 0xb8)
	for _, get := range []func() (int, error){c.TTL, c.MulticastTTL, c.TOS} {
		if v, err := get(); err != nil || v != 7 && v != 8 && v != 0xb8 {
			t.Error(v, err)
		}
	}
	for _, tt := range []struct {
		size int
		cm   *ipv4.ControlMessage
		dst  string
		want error
	}{
		{1, nil, "2001:db8::2", syscall.EAFNOSUPPORT},
		{1, nil, "0.0.0.0", syscall.EINVAL},
		{1, nil, "198.51.100.1", syscall.ENETUNREACH},
		{1, &ipv4.ControlMessage{Src: net.ParseIP("192.0.2.77")}, "192.0.2.2", syscall.EADDRNOTAVAIL},
		{65516, nil, "192.0.2.2", syscall.EMSGSIZE},
	} {
		if _, err := c.WriteTo(make([]byte, tt.size), tt.cm, ipTo(tt.dst)); !errors.Is(err, tt.want) {
			t.Errorf("%d bytes to %s: %v, want %v", tt.size, tt.dst, err, tt.want)
		}
	}
}

// in4 is an IPv4 packet to the host.
func in4(dst string, proto byte, payload string) []byte {
	p := []byte{0x45, 0, 0, 0, 0, 1, 0, 0, 64, proto, 0, 0, 192, 0, 2, 2}
	p = append(p, netip.MustParseAddr(dst).AsSlice()...)
	binary.BigEndian.PutUint16(p[2:], uint16(20+len(payload)))
	var sum uint32
	for i := 0; i < 20; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(p[i:]))
	}
	binary.BigEndian.PutUint16(p[10:], ^uint16(sum+sum>>16))
	return append(p, payload...)
}

func TestRaw4Receives(t *testing.T) {
	s, i, w := rawHost(t, stack.Config{}, plain("192.0.2.1/24"))
	all, bound := listenRaw4(t, s, 89, "0.0.0.0"), listenRaw4(t, s, 89, "192.0.2.1")
	end := listenRaw4(t, s, 99, "0.0.0.0")
	if err := all.JoinGroup(i.NetInterface(), ipTo("224.0.0.5")); err != nil {
		t.Fatal(err)
	}
	w.send(
		in4("192.0.2.1", 89, "unicast"), in4("192.0.2.3", 89, "other host"), in4("224.0.0.6", 89, "other group"),
		in4("224.0.0.5", 89, "group"), in4("192.0.2.255", 89, "broadcast"), in4("192.0.2.1", 99, ""),
	)
	b := make([]byte, 99)
	if _, _, _, err := end.ReadFrom(b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"unicast", "group", "broadcast"} {
		if n, _, _, err := all.ReadFrom(b); err != nil || string(b[:n]) != want {
			t.Errorf("%q, %v, want %q", b[:n], err, want)
		}
	}
	if n, _, _, err := bound.ReadFrom(b); err != nil || string(b[:n]) != "unicast" {
		t.Errorf("bound: %q, %v", b[:n], err)
	}
	if n, m := all.Stats().Received, bound.Stats().Received; n != 3 || m != 1 {
		t.Errorf("received %d and %d packets", n, m)
	}
	// Nobody has protocol 90: destination unreachable, protocol unreachable (RFC 1122 section 3.2.2.1).
	w.send(in4("192.0.2.1", 90, "nobody"))
	for p := w.next(); ; p = w.next() {
		if p[9] == 2 {
			continue // IGMP
		}
		if p[9] != 1 || !bytes.Equal(p[20:22], []byte{3, 2}) {
			t.Errorf("%x", p)
		}
		break
	}
}

// IPv4 may carry protocol 58 too, but ICMPv6's rules are IPv6's: nothing is filled in or verified.
func TestRaw4KnowsNoICMPv6(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, plain("192.0.2.1/24"))
	c := listenRaw4(t, s, 58, "192.0.2.1")
	if _, err := c.WriteTo([]byte{128, 0, 0xde, 0xad}, nil, ipTo("192.0.2.2")); err != nil {
		t.Fatal(err)
	}
	if p := w.next(); p[9] != 58 || !bytes.Equal(p[20:], []byte{128, 0, 0xde, 0xad}) {
		t.Errorf("sent %x", p)
	}
	w.send(in4("192.0.2.1", 58, "any bytes"))
	b := make([]byte, 99)
	if n, _, _, err := c.ReadFrom(b); err != nil || string(b[:n]) != "any bytes" {
		t.Errorf("received %q, %v", b[:n], err)
	}
}
