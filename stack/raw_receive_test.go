package stack_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/hextet/hextet/icmp6"
	"github.com/hextet/hextet/stack"
	"golang.org/x/net/ipv6"
)

// in6 makes what the wire sends to the host: from 2001:db8::2 to 2001:db8::1.
func in6(next uint8, payload []byte) []byte {
	return ip6("2001:db8::2", "2001:db8::1", next, 64, payload)
}

// icmpIn is an ICMPv6 message to the host with a right checksum.
func icmpIn(typ byte, data string) []byte {
	return sealed("2001:db8::2", "2001:db8::1", 58, 2, append([]byte{typ, 0, 0, 0}, data...))
}

// inFragments cuts a payload behind a fragment header in two.
func inFragments(next uint8, id uint32, payload []byte) [][]byte {
	cut := len(payload) / 2 &^ 7
	part := func(at int, more uint16, data []byte) []byte {
		b := []byte{next, 0}
		b = binary.BigEndian.AppendUint16(b, uint16(at)|more)
		b = binary.BigEndian.AppendUint32(b, id)
		return in6(44, append(b, data...))
	}
	return [][]byte{part(0, 1, payload[:cut]), part(cut, 0, payload[cut:])}
}

// routerAlert is a hop-by-hop header, as multicast listener messages have it, and destOptions one
// with padding only.
func routerAlert(next uint8) []byte { return []byte{next, 0, 5, 2, 0, 0, 1, 0} }
func destOptions(next uint8) []byte { return []byte{next, 0, 1, 4, 0, 0, 0, 0} }

func TestRawReceivesOnce(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", 100)
	ospf := sealed("2001:db8::2", "2001:db8::1", 89, 12, unhex(t, "03010014 c0000201 00000000 00000000 01020304"))
	query := icmpIn(130, strings.Repeat("\x00", 20))
	udp := sealed("2001:db8::2", "2001:db8::1", 17, 6, append([]byte{0x30, 0x39, 0, 7, 0, 12, 0, 0}, "mail"...))
	for _, tt := range []struct {
		name    string
		proto   uint8
		packets [][]byte
		want    []byte
	}{
		{"ICMPv6 echo", 58, [][]byte{in6(58, icmpIn(129, "1234echo"))}, icmpIn(129, "1234echo")},
		{"ICMPv6 four bytes", 58, [][]byte{in6(58, icmpIn(200, ""))}, icmpIn(200, "")},
		{"ICMPv6 fragmented echo request", 58, inFragments(58, 1, icmpIn(128, long)), icmpIn(128, long)},
		{"ICMPv6 fragmented echo reply", 58, inFragments(58, 2, icmpIn(129, long)), icmpIn(129, long)},
		{"ICMPv6 fragmented other", 58, inFragments(58, 3, icmpIn(201, long)), icmpIn(201, long)},
		{"ICMPv6 second fragment first", 58, reversed(inFragments(58, 4, icmpIn(201, long))), icmpIn(201, long)},
		{"ICMPv6 options in fragments", 58, inFragments(60, 5, append(destOptions(58), icmpIn(201, long)...)), icmpIn(201, long)},
		{"ICMPv6 atomic fragment", 58, [][]byte{in6(44, append([]byte{58, 0, 0, 0, 0, 0, 0, 9}, query...))}, query},
		{"ICMPv6 behind hop-by-hop", 58, [][]byte{in6(0, append(routerAlert(58), query...))}, query},
		{"ICMPv6 echo behind destination options", 58, [][]byte{in6(60, append(destOptions(58), icmpIn(128, "1234")...))}, icmpIn(128, "1234")},
		{"ICMPv6 behind a routing header that is done", 58, [][]byte{in6(43, append([]byte{58, 0, 4, 0, 0, 0, 0, 0}, query...))}, query},
		{"OSPF", 89, [][]byte{in6(89, ospf)}, ospf},
		{"OSPF fragmented", 89, inFragments(89, 6, []byte(long)), []byte(long)},
		{"OSPF behind options", 89, [][]byte{in6(0, slices.Concat(routerAlert(60), destOptions(89), ospf))}, ospf},
		{"UDP", 17, [][]byte{in6(17, udp)}, udp},
		{"experiments", 253, [][]byte{in6(253, []byte("hello"))}, []byte("hello")},
		{"experiments, long", 253, [][]byte{in6(253, []byte(long[:999]))}, []byte(long[:999])},
		{"experiments behind options", 253, [][]byte{in6(60, append(destOptions(253), long[:999]...))}, []byte(long[:999])},
		{"experiments fragmented", 253, inFragments(253, 7, []byte(long)), []byte(long)},
		{"nothing", 254, [][]byte{in6(254, nil)}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, _, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"))
			one, two := listenRaw(t, s, tt.proto, ""), listenRaw(t, s, tt.proto, "2001:db8::1")
			w.send(tt.packets...)
			sentinel := sealed("2001:db8::2", "2001:db8::1", 58, 2, []byte{222, 0, 0, 0})
			w.send(in6(tt.proto, sentinel))
			for _, c := range []*stack.RawConn{one, two} {
				if got, from := mustRead(t, c); got != string(tt.want) || from != "2001:db8::2" {
					t.Errorf("%d bytes %.20q from %s, want %d bytes %.20q", len(got), got, from, len(tt.want), tt.want)
				}
				if got, _ := mustRead(t, c); got != string(sentinel) {
					t.Errorf("then %.20q, want the next packet", got)
				}
				if n := c.Stats().Received; n != 2 {
					t.Errorf("%d packets received, want 2", n)
				}
			}
		})
	}
}

func reversed(ps [][]byte) [][]byte { slices.Reverse(ps); return ps }

func TestRawReceivesNot(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", 100)
	for _, tt := range []struct {
		name   string
		proto  uint8
		packet []byte
	}{
		{"another host", 89, ip6("2001:db8::2", "2001:db8::3", 89, 64, []byte("x"))},
		{"ICMPv6 to another host", 58, echoFrom("2001:db8::2", "2001:db8::3", 128, "x")},
		{"ICMPv6 to another host, behind options", 58, ip6("2001:db8::2", "2001:db8::3", 0, 64, append(routerAlert(58), icmpIn(200, "")...))},
		{"a group nobody joined", 89, ip6("2001:db8::2", "ff02::5", 89, 1, []byte("x"))},
		{"ICMPv6 to a group nobody joined", 58, echoFrom("2001:db8::2", "ff02::5", 128, "x")},
		{"from a group", 58, echoFrom("ff02::5", "2001:db8::1", 128, "x")},
		{"from a group, behind options", 58, ip6("ff02::5", "2001:db8::1", 0, 64, append(routerAlert(58), icmpIn(200, "")...))},
		{"another protocol", 89, in6(90, []byte("x"))},
		{"an option that must be known", 58, in6(60, append([]byte{58, 0, 0x81, 4, 0, 0, 0, 0}, icmpIn(200, "")...))},
		{"an option that is cut", 58, in6(60, append([]byte{58, 0, 1, 9, 0, 0, 0, 0}, icmpIn(200, "")...))},
		{"hop-by-hop in second place", 58, in6(60, slices.Concat(destOptions(0), routerAlert(58), icmpIn(200, "")))},
		{"a routing header with segments left", 58, in6(43, append([]byte{58, 0, 4, 1, 0, 0, 0, 0}, icmpIn(200, "")...))},
		{"no next header", 59, in6(59, []byte("x"))},
		{"a header that is cut", 58, in6(0, []byte{58, 9, 0, 0})},
		{"one fragment of two", 58, inFragments(58, 1, icmpIn(201, long))[0]},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, _, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"))
			c, all := listenRaw(t, s, tt.proto, ""), listenRaw(t, s, 99, "")
			w.send(tt.packet, in6(99, []byte("the end")))
			if got, _ := mustRead(t, all); got != "the end" {
				t.Fatal(got)
			}
			mustBeEmpty(t, c)
		})
	}
}

// TestRawUnknownProtocol looks for the errors about packets that nobody takes (RFC 8200 section 4:
// "an ICMP Parameter Problem message [...] with an ICMP Code value of 1").
func TestRawUnknownProtocol(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"))
	w.send(in6(89, []byte("nobody")))
	if p := w.next(); p[6] != 58 || p[40] != 4 || p[41] != 1 || binary.BigEndian.Uint32(p[44:]) != 6 {
		t.Errorf("without a socket: %x, want parameter problem 4/1 that points at byte 6", p)
	}
	for _, proto := range []uint8{89, 253} {
		c := listenRaw(t, s, proto, "")
		w.send(in6(proto, []byte("somebody wants this")), in6(200, []byte("nobody")))
		mustRead(t, c)
		if p := w.next(); p[6] != 58 || p[40] != 4 || p[40+8+6] != 200 {
			t.Errorf("with a socket of protocol %d: %x", proto, p)
		}
		if err := c.SetChecksumOffset(0); err != nil {
			t.Fatal(err)
		}
		// One that drops the packet knows the protocol as well.
		w.send(in6(proto, []byte("wrong checksum")), in6(200, []byte("nobody")))
		if p := w.next(); p[40] != 4 || p[40+8+6] != 200 {
			t.Errorf("with a socket of protocol %d that drops: %x", proto, p)
		}
		c.Close()
	}
	w.send(in6(89, []byte("nobody again")))
	if p := w.next(); p[6] != 58 || p[40] != 4 || p[40+8+6] != 89 {
		t.Errorf("after Close: %x", p)
	}
}

// TestRawProtocol253: gVisor takes the number for an extension header of its own. Here it is none.
func TestRawProtocol253(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"))
	for _, tt := range []struct {
		packet  []byte
		pointer uint32
	}{
		{in6(253, []byte("nobody")), 6},
		{in6(253, nil), 6},
		{in6(60, append(destOptions(253), "nobody"...)), 40},
		{in6(0, slices.Concat(routerAlert(60), destOptions(253), make([]byte, 1300))), 48},
	} {
		w.send(tt.packet)
		p := w.next()
		if p[6] != 58 || p[40] != 4 || p[41] != 1 || binary.BigEndian.Uint32(p[44:]) != tt.pointer || !bytes.HasPrefix(tt.packet, p[48:]) || len(p) != min(48+len(tt.packet), 1280) ||
			slowSum("2001:db8::1", "2001:db8::2", 58, p[40:]) != 0xffff {
			t.Errorf("%x, want a parameter problem that points at byte %d", p, tt.pointer)
		}
	}
	c := listenRaw(t, s, 253, "")
	w.send(inFragments(253, 7, []byte(strings.Repeat("somebody", 200)))...)
	w.send(in6(200, []byte("nobody")))
	mustRead(t, c)
	if p := w.next(); p[6] != 58 || p[40] != 4 || p[40+8+6] != 200 {
		t.Errorf("fragments that somebody read are answered: %x", p)
	}
	group := in6(253, []byte("all nodes"))
	c.Close()
	copy(group[24:], netip.MustParseAddr("ff02::1").AsSlice())
	w.send(group, in6(200, []byte("nobody")))
	if p := w.next(); p[40] != 4 || p[40+8+6] != 200 {
		t.Errorf("a packet to a group is answered: %x", p)
	}
}

func TestRawVerifies(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"))
	icmp, ospf, udp := listenRaw(t, s, 58, ""), listenRaw(t, s, 89, ""), listenRaw(t, s, 17, "")
	ospf.SetChecksumOffset(12)
	udp.SetChecksumOffset(6)
	good := sealed("2001:db8::2", "2001:db8::1", 89, 12, unhex(t, "03010014 c0000201 00000000 00000000 01020304"))
	bad := append([]byte(nil), good...)
	bad[19]++
	datagram := sealed("2001:db8::2", "2001:db8::1", 17, 6, []byte{0x30, 0x39, 0, 7, 0, 8, 0, 0})
	zero := append([]byte(nil), datagram...)
	zero[6], zero[7] = 0, 0
	w.send(
		in6(58, []byte{200, 0, 0, 0}), in6(58, []byte{200, 0}), in6(58, nil), in6(58, icmpIn(200, "right")),
		in6(89, bad), in6(89, good[:12]), in6(89, good[:13]), in6(89, good),
		in6(17, zero), in6(17, datagram),
	)
	for _, tt := range []struct {
		c       *stack.RawConn
		want    string
		dropped uint64
	}{{icmp, string(icmpIn(200, "right")), 3}, {ospf, string(good), 3}, {udp, string(datagram), 1}} {
		if got, _ := mustRead(t, tt.c); got != tt.want {
			t.Errorf("%x, want %x", got, tt.want)
		}
		if got, want := tt.c.Stats(), (stack.RawStats{Received: 1, DroppedChecksum: tt.dropped}); got != want {
			t.Errorf("%s: %+v, want %+v", tt.c.LocalAddr(), got, want)
		}
	}
}

func TestRawFilter(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"))
	c := listenRaw(t, s, 58, "")
	var f icmp6.Filter
	f.BlockAll()
	f.Accept(ipv6.ICMPType(200))
	if err := c.SetFilter(f); err != nil || c.Filter() != f {
		t.Fatal(err)
	}
	w.send(in6(58, icmpIn(201, "")), in6(58, icmpIn(200, "")), in6(0, append(routerAlert(58), icmpIn(202, "")...)), in6(58, icmpIn(200, "2")))
	for _, want := range []string{"", "2"} {
		if got, _ := mustRead(t, c); got != string(icmpIn(200, want)) {
			t.Errorf("%x", got)
		}
	}
	if got, want := c.Stats(), (stack.RawStats{Received: 2, Filtered: 2}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestRawBesideUDP: a raw socket takes nothing away from others.
func TestRawBesideUDP(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"))
	pc, err := s.ListenPacket(context.Background(), "udp", "[2001:db8::1]:7")
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	c := listenRaw(t, s, 17, "")
	udp := sealed("2001:db8::2", "2001:db8::1", 17, 6, append([]byte{0x30, 0x39, 0, 7, 0, 12, 0, 0}, "mail"...))
	w.send(in6(17, udp))
	if got, _ := mustRead(t, c); got != string(udp) {
		t.Errorf("raw: %x", got)
	}
	b := make([]byte, 64)
	if n, from, err := pc.ReadFrom(b); err != nil || string(b[:n]) != "mail" || from.String() != "[2001:db8::2]:12345" {
		t.Errorf("UDP: %q from %v, %v", b[:n], from, err)
	}
}

func TestRawBoundAndConnected(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"), skip("2001:db8::10/64"), plain("fe80::1/64"))
	for _, tt := range []struct {
		name          string
		local, remote string
		want          []string // of a to d
	}{
		{"all", "", "", []string{"a", "b", "c", "d"}},
		{"unspecified", "::", "", []string{"a", "b", "c", "d"}},
		{"bound", "2001:db8::1", "", []string{"a", "b"}},
		{"bound to a skipped one", "2001:db8::10", "", []string{"c"}},
		{"bound with a zone", "2001:db8::1%eth0", "", []string{"a", "b"}},
		{"connected", "", "2001:db8::2", []string{"a"}},
		{"connected from the skipped one", "2001:db8::10", "2001:db8::2", []string{"c"}},
		{"link-local", "fe80::1%eth0", "", []string{"d"}},
		{"link-local, connected", "", "fe80::2%eth0", []string{"d"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := listenRaw(t, s, 89, tt.local)
			if tt.remote != "" {
				if err := c.Connect(netip.MustParseAddr(tt.remote)); err != nil {
					t.Fatal(err)
				}
			}
			end := listenRaw(t, s, 99, "")
			w.send(
				ip6("2001:db8::2", "2001:db8::1", 89, 64, []byte("a")),
				ip6("2001:db8::3", "2001:db8::1", 89, 64, []byte("b")),
				ip6("2001:db8::2", "2001:db8::10", 89, 64, []byte("c")),
				ip6("fe80::2", "fe80::1", 89, 64, []byte("d")),
				in6(99, nil),
			)
			mustRead(t, end)
			var got []string
			for range c.Stats().Received {
				p, from := mustRead(t, c)
				if p == "d" && from != "fe80::2%eth0" {
					t.Errorf("from %s", from)
				}
				got = append(got, p)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("received %q, want %q", got, tt.want)
			}
			if err := c.Connect(netip.Addr{}); err != nil {
				t.Fatal(err)
			}
			w.send(ip6("2001:db8::4", "2001:db8::1", 89, 64, []byte("e")), in6(99, nil))
			mustRead(t, end)
			disconnected := slices.Contains(tt.want, "a") || tt.remote != "" && tt.local == ""
			if n := c.Stats().Received - uint64(len(tt.want)); n != 0 != disconnected {
				t.Errorf("disconnected: %d packets", n)
			}
		})
	}
}

func TestRawQueueIsBounded(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"))
	c, end := listenRaw(t, s, 89, ""), listenRaw(t, s, 99, "")
	if err := c.SetReadBuffer(8000); err != nil {
		t.Fatal(err)
	}
	const sent = 100
	for i := range sent {
		w.send(in6(89, []byte(fmt.Sprintf("%03d%0997d", i, 0))))
	}
	w.send(in6(99, nil))
	mustRead(t, end)
	st := c.Stats()
	if st.Received != 7 || st.DroppedQueue != sent-7 { // 7 packets of 1000 and 128 bytes
		t.Errorf("%+v", st)
	}
	for i := range 7 {
		if got, _ := mustRead(t, c); got[:3] != fmt.Sprintf("%03d", i) {
			t.Errorf("packet %d is %s", i, got[:3])
		}
	}
	w.send(in6(89, []byte("room again")))
	if got, _ := mustRead(t, c); got != "room again" {
		t.Error(got)
	}
}

func TestRawToItself(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"))
	icmp := listenRaw(t, s, 58, "")
	for _, proto := range []uint8{58, 89, 253} {
		c := listenRaw(t, s, proto, "")
		msg := []byte{200, 0, 0xde, 0xad, 1, 2, 3, 4, 5}
		if _, err := c.WriteTo(msg, nil, ipTo("2001:db8::1")); err != nil {
			t.Fatal(err)
		}
		got, from := mustRead(t, c)
		if from != "2001:db8::1" || got[0] != 200 {
			t.Errorf("%x from %s", got, from)
		}
		if proto == 58 && slowSum("2001:db8::1", "2001:db8::1", 58, []byte(got)) != 0xffff {
			t.Errorf("wrong checksum: %x", got)
		}
	}
	if n := icmp.Stats().Received; n != 1 {
		t.Errorf("%d ICMPv6 messages, errors about the others among them", n)
	}
	select {
	case p := <-w.packets:
		if p[6] != 0 {
			t.Errorf("on the wire: %x", p)
		}
	default:
	}
}
