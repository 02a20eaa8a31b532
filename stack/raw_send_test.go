package stack_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/hextet/hextet/icmp6"
	"github.com/hextet/hextet/srcselect"
	"github.com/hextet/hextet/stack"
	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv6"
)

// The packets that Scapy 2.5.0 makes of
//
//	b = IPv6(src="2001:db8::1", dst="2001:db8::2", hlim=64)
//	b/ICMPv6EchoRequest(id=0x1234, seq=1, data=b"hextet!")
//	b/ICMPv6EchoRequest(id=0x1234, seq=2, data=b"hextet")
//	b/ICMPv6Unknown(type=200, code=1, msgbody=b"")
const (
	goldenOdd = `60000000 000f3a40 20010db8000000000000000000000001 20010db8000000000000000000000002
		8000aabd 12340001 68657874657421`
	goldenEven = `60000000 000e3a40 20010db8000000000000000000000001 20010db8000000000000000000000002
		8000cbbd 12340002 686578746574`
	goldenShort = `60000000 00043a40 20010db8000000000000000000000001 20010db8000000000000000000000002
		c801dc4a`
)

func TestRawICMPv6ChecksumOnTheWire(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"))
	c := listenRaw(t, s, 58, "")
	for _, tt := range []struct{ name, golden string }{
		{"odd length", goldenOdd}, {"even length", goldenEven}, {"four bytes", goldenShort},
	} {
		for _, field := range []uint16{0, 0xdead, 0xffff} {
			t.Run(fmt.Sprintf("%s/%04x", tt.name, field), func(t *testing.T) {
				want := unhex(t, tt.golden)
				msg := bytes.Clone(want[40:])
				binary.BigEndian.PutUint16(msg[2:], field)
				before := bytes.Clone(msg)
				if n, err := c.WriteTo(msg, nil, ipTo("2001:db8::2")); n != len(msg) || err != nil {
					t.Fatal(n, err)
				}
				if !bytes.Equal(msg, before) {
					t.Error("WriteTo changed its argument")
				}
				if got := w.next(); !bytes.Equal(got, want) {
					t.Errorf("on the wire\n%x, want\n%x", got, want)
				}
			})
		}
	}
}

// TestRawICMPv6EveryLength checks with other people's code what the golden packets show for three
// lengths.
func TestRawICMPv6EveryLength(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"))
	c := listenRaw(t, s, 58, "")
	for n := 4; n <= 1460; n += 1 + n/16 {
		msg := bytes.Repeat([]byte{0x81, 0xff, 0x5a}, n)[:n]
		msg[0] = 128
		if _, err := c.WriteTo(msg, nil, ipTo("2001:db8::2")); err != nil {
			t.Fatal(n, err)
		}
		p := w.next()
		if sum := slowSum("2001:db8::1", "2001:db8::2", 58, p[40:]); sum != 0xffff {
			t.Fatalf("%d bytes: the sum is %#04x", n, sum)
		}
		d := gopacket.NewPacket(p, layers.LayerTypeIPv6, gopacket.Default)
		if d.Layer(layers.LayerTypeICMPv6) == nil {
			t.Fatalf("%d bytes: %v", n, d)
		}
		if _, err := icmp.ParseMessage(58, p[40:]); n >= 8 && err != nil {
			t.Fatal(n, err)
		}
	}
}

func TestRawEchoIsAnswered(t *testing.T) {
	a, _, _, _ := pair(t)
	c := listenRaw(t, a, 58, "")
	var filter icmp6.Filter
	filter.BlockAll()
	filter.Accept(ipv6.ICMPTypeEchoReply)
	if err := c.SetFilter(filter); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 7, 1400, 5000, 65000} {
		for _, field := range []uint16{0, 0xdead} {
			data := strings.Repeat("hextet!", n/7+1)[:n]
			msg := append([]byte{128, 0, byte(field >> 8), byte(field), 0, 1, 0, 2}, data...)
			if _, err := c.WriteTo(msg, nil, ipTo("2001:db8::2")); err != nil {
				t.Fatal(n, err)
			}
			got, from := mustRead(t, c)
			if from != "2001:db8::2" || got[0] != 129 || got[4:] != string(msg[4:]) {
				t.Fatalf("%d bytes, field %#x: %d bytes of type %d from %s", n, field, len(got), got[0], from)
			}
		}
	}
}

func TestRawFragments(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"))
	c := listenRaw(t, s, 58, "")
	for _, n := range []int{1460, 1461, 5000, 65535} {
		msg := bytes.Repeat([]byte{0xfe, 1, 2}, n)[:n]
		msg[0] = 200
		if _, err := c.WriteTo(msg, nil, ipTo("2001:db8::2")); err != nil {
			t.Fatal(n, err)
		}
		var whole []byte
		for more := true; more; {
			p := w.next()
			if len(p) > 1500 {
				t.Fatalf("a packet of %d bytes on a wire of 1500", len(p))
			}
			if p[6] != 44 {
				whole, more = p[40:], false
				continue
			}
			bits := binary.BigEndian.Uint16(p[42:])
			if p[40] != 58 || int(bits&^7) != len(whole) {
				t.Fatalf("fragment of protocol %d at %d after %d bytes", p[40], bits&^7, len(whole))
			}
			whole, more = append(whole, p[48:]...), bits&1 != 0
		}
		if len(whole) != n || !bytes.Equal(whole[4:], msg[4:]) {
			t.Errorf("%d bytes reassembled, %d sent", len(whole), n)
		}
		if sum := slowSum("2001:db8::1", "2001:db8::2", 58, whole); sum != 0xffff {
			t.Errorf("%d bytes: the sum is %#04x", n, sum)
		}
	}
}

// TestRawChecksumOption writes to protocols other than ICMPv6. The packet of protocol 89 is Scapy's:
//
//	p = bytearray(bytes.fromhex("03010014c0000201000000000000000001020304"))
//	p[12:14] = in6_chksum(89, IPv6(src="2001:db8::1", dst="2001:db8::2", nh=89), bytes(p)).to_bytes(2, "big")
func TestRawChecksumOption(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"))
	c := listenRaw(t, s, 89, "")
	msg := unhex(t, "03010014 c0000201 00000000 beef0000 01020304")
	send := func(want string) {
		t.Helper()
		if _, err := c.WriteTo(msg, nil, ipTo("2001:db8::2")); err != nil {
			t.Fatal(err)
		}
		if got := w.next(); !bytes.Equal(got[40:], unhex(t, want)) || got[6] != 89 {
			t.Errorf("protocol %d, payload %x, want %s", got[6], got[40:], want)
		}
	}
	const filled = "03010014 c0000201 00000000 db000000 01020304"
	untouched := fmt.Sprintf("%x", msg)
	send(untouched) // RFC 3542 section 3.1: "By default, this socket option is disabled."
	if err := c.SetChecksum(true, 12); err != nil {
		t.Fatal(err)
	}
	send(filled)
	if err := c.SetChecksum(false, 12); err != nil {
		t.Fatal(err)
	}
	send(untouched)
	if err := c.SetChecksumOffset(12); err != nil {
		t.Fatal(err)
	}
	send(filled)
	if err := c.SetChecksumOffset(-7); err != nil {
		t.Fatal(err)
	}
	send(untouched)
	if err := c.SetChecksumOffset(20); err != nil {
		t.Fatal(err)
	}
	_, err := c.WriteTo(msg, nil, ipTo("2001:db8::2"))
	if !errors.Is(err, syscall.EINVAL) || !errors.Is(err, icmp6.ErrShort) {
		t.Errorf("the field lies beyond the packet: %v", err)
	}
	c.SetChecksumOffset(-1)
	msg = msg[:1]
	send("03") // and nothing of the refused packet before it
	msg = nil
	send("")
}

// TestRawUDPZero: 04d2162e000a0000 8965 is made so that its sum comes to 0 (Scapy: in6_chksum gives 0).
func TestRawUDPZero(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"))
	c := listenRaw(t, s, 17, "")
	if err := c.SetChecksumOffset(6); err != nil {
		t.Fatal(err)
	}
	if _, err := c.WriteTo(unhex(t, "04d2162e 000a0000 8965"), nil, ipTo("2001:db8::2")); err != nil {
		t.Fatal(err)
	}
	if got := w.next()[40:]; !bytes.Equal(got, unhex(t, "04d2162e 000affff 8965")) {
		t.Errorf("on the wire: %x", got)
	}
}

func TestRawChecksumOptionValues(t *testing.T) {
	s := newStack(t, stack.Config{})
	for _, tt := range []struct {
		proto  uint8
		offset int
		want   int // after it
		err    error
	}{
		{58, 2, 2, icmp6.ErrMandatory}, {58, -1, 2, icmp6.ErrMandatory}, {58, 4, 2, icmp6.ErrMandatory},
		{89, 0, 0, nil}, {89, 12, 12, nil}, {89, -1, -1, nil}, {89, -7, -1, nil},
		{89, 3, -1, icmp6.ErrOddOffset}, {89, 1 << 20, -1, icmp6.ErrLargeOffset},
	} {
		c := listenRaw(t, s, tt.proto, "")
		err := c.SetChecksumOffset(tt.offset)
		if !errors.Is(err, tt.err) || err != nil && !errors.Is(err, syscall.EINVAL) {
			t.Errorf("protocol %d, offset %d: %v, want %v", tt.proto, tt.offset, err, tt.err)
		}
		if got := c.ChecksumOffset(); got != tt.want {
			t.Errorf("protocol %d, offset %d: reads back as %d, want %d", tt.proto, tt.offset, got, tt.want)
		}
	}
	for _, tt := range []struct {
		proto  uint8
		on     bool
		offset int
		ok     bool
		wantOn bool
		want   int
	}{
		{58, true, 2, true, true, 2}, {58, false, 0, false, true, 2}, {58, true, 0, false, true, 2},
		{89, true, 12, true, true, 12}, {89, true, 0, true, true, 0}, {89, true, -1, false, false, 0},
		{89, true, 5, false, false, 0}, {89, false, 5, true, false, 0}, {89, false, 0, true, false, 0},
	} {
		c := listenRaw(t, s, tt.proto, "")
		err := c.SetChecksum(tt.on, tt.offset)
		if tt.ok != (err == nil) || err != nil && !errors.Is(err, syscall.EINVAL) {
			t.Errorf("protocol %d, SetChecksum(%v, %d): %v", tt.proto, tt.on, tt.offset, err)
		}
		if on, offset, err := c.Checksum(); on != tt.wantOn || offset != tt.want || err != nil {
			t.Errorf("protocol %d, SetChecksum(%v, %d): then %v, %d, %v", tt.proto, tt.on, tt.offset, on, offset, err)
		}
	}
}

func TestRawSource(t *testing.T) {
	s, i, w := rawHost(t, stack.Config{}, skip("2001:db8::1/64"), plain("2001:db8::5/64"), skip("2001:db8::6/64"))
	c := listenRaw(t, s, 58, "")
	msg := []byte{128, 0, 0, 0, 0, 0, 0, 0}
	source := func(cm *ipv6.ControlMessage, c *stack.RawConn) string {
		t.Helper()
		if _, err := c.WriteTo(msg, cm, ipTo("2001:db8::2")); err != nil {
			t.Fatal(err)
		}
		p := w.next()
		src := netip.AddrFrom16([16]byte(p[8:24])).String()
		if slowSum(src, "2001:db8::2", 58, p[40:]) != 0xffff {
			t.Errorf("from %s: wrong checksum", src)
		}
		return src
	}
	if got := source(nil, c); got != "2001:db8::5" {
		t.Errorf("chosen: %s", got)
	}
	if got := source(&ipv6.ControlMessage{Src: net.ParseIP("2001:db8::1")}, c); got != "2001:db8::1" {
		t.Errorf("control message: %s", got)
	}
	if got := source(&ipv6.ControlMessage{Src: net.IPv6unspecified}, c); got != "2001:db8::5" {
		t.Errorf("unspecified in the control message: %s", got)
	}
	if got := source(nil, listenRaw(t, s, 58, "2001:db8::6")); got != "2001:db8::6" {
		t.Errorf("bound: %s", got)
	}
	connected := listenRaw(t, s, 58, "")
	if err := connected.Connect(netip.MustParseAddr("2001:db8::2")); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second over the kept route
		if _, err := connected.WriteTo(msg, nil, nil); err != nil {
			t.Fatal(err)
		}
		if p := w.next(); netip.AddrFrom16([16]byte(p[8:24])).String() != "2001:db8::5" {
			t.Errorf("connected: %x", p)
		}
	}
	if _, err := c.WriteTo(msg, &ipv6.ControlMessage{Src: net.ParseIP("2001:db8::77")}, ipTo("2001:db8::2")); !errors.Is(err, syscall.EADDRNOTAVAIL) {
		t.Errorf("a foreign source: %v", err)
	}

	i.SetSkipAsSource(netip.MustParseAddr("2001:db8::5"), true)
	_, err := c.WriteTo(msg, nil, ipTo("2001:db8::2"))
	var op *net.OpError
	if !errors.Is(err, syscall.EADDRNOTAVAIL) || !errors.Is(err, srcselect.ErrNoSource) || !errors.As(err, &op) || op.Op != "write" {
		t.Errorf("all skipped: %v", err)
	}
	if got := source(nil, connected); got != "2001:db8::5" { // a connection is not touched
		t.Errorf("connected, then skipped: %s", got)
	}
	i.RemoveAddress(netip.MustParseAddr("2001:db8::5"))
	if _, err := connected.WriteTo(msg, nil, nil); !errors.Is(err, syscall.EADDRNOTAVAIL) {
		t.Errorf("connected, then removed: %v", err)
	}
	if err := i.AddAddress(plain("2001:db8::5/64")); err != nil {
		t.Fatal(err)
	}
	if got := source(nil, connected); got != "2001:db8::5" {
		t.Errorf("connected, then back again: %s", got)
	}
}

func TestRawWriteRefuses(t *testing.T) {
	s, i, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"), plain("fe80::1/64"), plain("192.0.2.1/24"))
	c := listenRaw(t, s, 89, "")
	index := i.Index()
	for _, tt := range []struct {
		name string
		size int
		cm   *ipv6.ControlMessage
		dst  net.Addr
		want error
		text string
	}{
		{"mapped", 4, nil, ipTo("::ffff:192.0.2.2"), syscall.EAFNOSUPPORT, "192.0.2.2"},
		{"IPv4", 4, nil, ipTo("192.0.2.2"), syscall.EAFNOSUPPORT, "192.0.2.2"},
		{"no destination", 4, nil, nil, syscall.EDESTADDRREQ, ""},
		{"empty address", 4, nil, &net.IPAddr{}, syscall.EINVAL, "0 bytes"},
		{"unspecified", 4, nil, ipTo("::"), syscall.EINVAL, "::"},
		{"UDP address", 4, nil, &net.UDPAddr{IP: net.ParseIP("2001:db8::2")}, syscall.EINVAL, "UDPAddr"},
		{"no zone", 4, nil, ipTo("fe80::2"), syscall.EINVAL, "zone"},
		{"unknown zone", 4, nil, ipTo("fe80::2%eth9"), syscall.ENODEV, "eth9"},
		{"no route", 4, nil, ipTo("2001:db8:1::1"), syscall.ENETUNREACH, "2001:db8:1::1"},
		{"too long", 65536, nil, ipTo("2001:db8::2"), syscall.EMSGSIZE, "65536"},
		{"unknown interface", 4, &ipv6.ControlMessage{IfIndex: index + 8}, ipTo("2001:db8::2"), syscall.ENODEV, "index"},
		{"negative interface", 4, &ipv6.ControlMessage{IfIndex: -1}, ipTo("2001:db8::2"), syscall.EINVAL, "-1"},
		{"hop limit", 4, &ipv6.ControlMessage{HopLimit: 256}, ipTo("2001:db8::2"), syscall.EINVAL, "256"},
		{"traffic class", 4, &ipv6.ControlMessage{TrafficClass: -2}, ipTo("2001:db8::2"), syscall.EINVAL, "-2"},
		{"next hop", 4, &ipv6.ControlMessage{NextHop: net.ParseIP("2001:db8::9")}, ipTo("2001:db8::2"), syscall.EOPNOTSUPP, "next hop"},
		{"IPv4 source", 4, &ipv6.ControlMessage{Src: net.ParseIP("192.0.2.1")}, ipTo("2001:db8::2"), syscall.EAFNOSUPPORT, "192.0.2.1"},
		{"source's length", 4, &ipv6.ControlMessage{Src: net.IP{1, 2, 3}}, ipTo("2001:db8::2"), syscall.EINVAL, "3 bytes"},
	} {
		n, err := c.WriteTo(make([]byte, tt.size), tt.cm, tt.dst)
		var op *net.OpError
		if n != 0 || !errors.Is(err, tt.want) || !errors.As(err, &op) || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("%s: %d, %v; want %v with %q", tt.name, n, err, tt.want, tt.text)
		}
	}
	if _, err := c.WriteTo([]byte("sentinel"), nil, ipTo("fe80::2%eth0")); err != nil {
		t.Fatal(err)
	}
	if p := w.next(); string(p[40:]) != "sentinel" || p[8] != 0xfe {
		t.Errorf("something else was sent: %x", p)
	}
}

func TestRawHeaderFields(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"))
	c := listenRaw(t, s, 89, "")
	send := func(cm *ipv6.ControlMessage, wantHops, wantClass byte) {
		t.Helper()
		if _, err := c.WriteTo([]byte("x"), cm, ipTo("2001:db8::2")); err != nil {
			t.Fatal(err)
		}
		p := w.next()
		if class := p[0]<<4 | p[1]>>4; p[7] != wantHops || class != wantClass {
			t.Errorf("%v: hop limit %d, traffic class %d, want %d and %d", cm, p[7], class, wantHops, wantClass)
		}
	}
	send(nil, 64, 0)
	send(&ipv6.ControlMessage{HopLimit: 3, TrafficClass: 255}, 3, 255)
	for _, set := range []struct {
		name string
		set  func(int) error
		get  func() (int, error)
		def  int
	}{
		{"hop limit", c.SetHopLimit, c.HopLimit, 64},
		{"multicast hop limit", c.SetMulticastHopLimit, c.MulticastHopLimit, 1},
		{"traffic class", c.SetTrafficClass, c.TrafficClass, 0},
	} {
		if v, err := set.get(); v != set.def || err != nil {
			t.Errorf("%s of a new socket: %d, %v", set.name, v, err)
		}
		for _, v := range []int{-2, 256, 1 << 20} {
			if err := set.set(v); !errors.Is(err, syscall.EINVAL) {
				t.Errorf("%s %d: %v", set.name, v, err)
			}
		}
		for v, want := range map[int]int{0: 0, 255: 255, 7: 7, -1: set.def} {
			if err := set.set(v); err != nil {
				t.Errorf("%s %d: %v", set.name, v, err)
			}
			if got, _ := set.get(); got != want {
				t.Errorf("%s %d: reads back as %d", set.name, v, got)
			}
		}
		if err := set.set(42); err != nil {
			t.Error(err)
		}
	}
	send(nil, 42, 42)
	send(&ipv6.ControlMessage{HopLimit: 7}, 7, 42)
	send(&ipv6.ControlMessage{HopLimit: -1, TrafficClass: -1}, 64, 0)
	c.SetHopLimit(0)
	send(nil, 0, 42)
}
