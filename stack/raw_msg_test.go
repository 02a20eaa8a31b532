package stack_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
)

// The packets that Scapy 2.5.0 makes of
//
//	src, dst = "2001:db8::1", "2001:db8::2"
//	e = ICMPv6EchoRequest(id=0x1234, seq=1, data=b"hextet!")
//	pad = lambda b: IPv6ExtHdrDestOpt(options=[PadN(optdata=b*4)])
//	IPv6(src=src, dst=dst)/IPv6ExtHdrHopByHop(options=[RouterAlert(value=0), PadN(optdata=b"")])/pad(b"\0")/e
//	IPv6(src=src, dst="2001:db8::a")/pad(b"\0")/IPv6ExtHdrSegmentRouting(addresses=[dst, "2001:db8::b", "2001:db8::a"], segleft=2, lastentry=2)/pad(b"\1")/e
//	IPv6(src=src, dst="2001:db8::a")/IPv6ExtHdrRouting(type=2, addresses=[dst], segleft=1)/e
const (
	goldenOptions = `60000000 001f0040 20010db8000000000000000000000001 20010db8000000000000000000000002
		3c00050200000100 3a00010400000000 8000aabd 12340001 68657874657421`
	goldenSegments = `60000000 00573c40 20010db8000000000000000000000001 20010db800000000000000000000000a
		2b00010400000000
		3c06040202000000 20010db8000000000000000000000002 20010db800000000000000000000000b 20010db800000000000000000000000a
		3a00010401010101 8000aabd 12340001 68657874657421`
	goldenMobility = `60000000 00272b40 20010db8000000000000000000000001 20010db800000000000000000000000a
		3a02020100000000 20010db8000000000000000000000002 8000aabd 12340001 68657874657421`

	alertHeader = "ff00050200000100" // hop-by-hop; the next header is the stack's to know
	pad0        = "ff00010400000000"
	pad1        = "ff00010401010101"
	segments    = `ff06040202000000 00000000000000000000000000000000 20010db800000000000000000000000b 20010db800000000000000000000000a`
	mobility    = `ff02020100000000 20010db800000000000000000000000a`
)

var echoOdd = "80000000 12340001 68657874657421"

// nextPacket is next for packets that may have a hop-by-hop header.
func (w *rawWire) nextPacket() []byte {
	w.t.Helper()
	for {
		select {
		case p := <-w.packets:
			if p[0]>>4 != 6 || p[6] != 0 || p[40] != 58 || p[24] != 0xff { // no multicast listener report
				return p
			}
		case <-time.After(20 * time.Second):
			w.t.Fatal("the host sent nothing")
		}
	}
}

func TestRawExtensionHeadersOnTheWire(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"))
	c := listenRaw(t, s, 58, "")
	dst := netip.MustParseAddr("2001:db8::2")
	for _, tt := range []struct {
		name, golden string
		cm           stack.ControlMessage
	}{
		{"none", goldenOdd, stack.ControlMessage{}},
		{"options", goldenOptions, stack.ControlMessage{HopByHop: unhex(t, alertHeader), DestinationOptions: unhex(t, pad0)}},
		{"first options without routing", goldenOdd, stack.ControlMessage{DestinationFirst: unhex(t, pad0)}},
		{"segments", goldenSegments, stack.ControlMessage{
			DestinationFirst: unhex(t, pad0), Routing: unhex(t, segments), DestinationOptions: unhex(t, pad1)}},
		{"mobility", goldenMobility, stack.ControlMessage{Routing: unhex(t, mobility)}},
	} {
		want, msg := unhex(t, tt.golden), unhex(t, echoOdd)
		write := func(how string, cm *stack.ControlMessage) {
			t.Helper()
			if n, err := c.WriteMsg(msg, cm, dst); n != len(msg) || err != nil {
				t.Fatal(tt.name, n, err)
			}
			if got := w.nextPacket(); !bytes.Equal(got, want) {
				t.Errorf("%s, %s:\n%x, want\n%x", tt.name, how, got, want)
			}
		}
		write("per packet", &tt.cm)
		if err := c.SetSticky(&tt.cm); err != nil {
			t.Fatal(err)
		}
		for _, b := range [][]byte{tt.cm.HopByHop, tt.cm.Routing, tt.cm.DestinationFirst, tt.cm.DestinationOptions} {
			clear(b) // the socket has its own
		}
		write("sticky", nil)
		none := []byte{}
		want = unhex(t, goldenOdd)
		write("sticky, but not this one", &stack.ControlMessage{HopByHop: none, DestinationFirst: none, Routing: none, DestinationOptions: none})
		if err := c.SetSticky(nil); err != nil {
			t.Fatal(err)
		}
		write("sticky no more", nil)
	}
}

// TestRawStickyByKind: a packet's own control message replaces what it speaks of, and nothing else.
func TestRawStickyByKind(t *testing.T) {
	s, i, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"), skip("2001:db8::5/64"), skip("2001:db8::6/64"))
	c := listenRaw(t, s, 89, "")
	sticky := stack.ControlMessage{
		Source: netip.MustParseAddr("2001:db8::5"), HopLimit: 5, TrafficClass: 0x55, HopByHop: unhex(t, alertHeader),
	}
	if err := c.SetSticky(&sticky); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		cm      stack.ControlMessage
		src     string
		hops    byte
		tc      byte
		headers byte // of the packet
	}{
		{stack.ControlMessage{}, "2001:db8::5", 5, 0x55, 0},
		{stack.ControlMessage{HopLimit: 9}, "2001:db8::5", 9, 0x55, 0},
		{stack.ControlMessage{HopLimit: -1, TrafficClass: -1}, "2001:db8::5", 64, 0, 0},
		{stack.ControlMessage{TrafficClass: 0xff}, "2001:db8::5", 5, 0xff, 0},
		{stack.ControlMessage{Source: netip.MustParseAddr("2001:db8::6")}, "2001:db8::6", 5, 0x55, 0},
		{stack.ControlMessage{Interface: i.Index()}, "2001:db8::1", 5, 0x55, 0}, // packet information is one
		{stack.ControlMessage{HopByHop: []byte{}}, "2001:db8::5", 5, 0x55, 89},
		{stack.ControlMessage{HopByHop: []byte{}, DestinationOptions: unhex(t, pad1)}, "2001:db8::5", 5, 0x55, 60},
	} {
		if _, err := c.WriteMsg([]byte("x"), &tt.cm, netip.MustParseAddr("2001:db8::2")); err != nil {
			t.Fatal(err)
		}
		p := w.nextPacket()
		if src := netip.AddrFrom16([16]byte(p[8:24])).String(); src != tt.src || p[7] != tt.hops || p[0]<<4|p[1]>>4 != tt.tc || p[6] != tt.headers {
			t.Errorf("%+v: %x", tt.cm, p)
		}
	}
	// WriteTo of the other shape sends the sticky ones too.
	if _, err := c.WriteTo([]byte("x"), nil, ipTo("2001:db8::2")); err != nil {
		t.Fatal(err)
	}
	if p := w.nextPacket(); p[6] != 0 || p[40] != 89 || p[7] != 5 {
		t.Errorf("WriteTo: %x", p)
	}
}

// TestRawStickyHeaders: the setters of one header touch no other.
func TestRawStickyHeaders(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"))
	c := listenRaw(t, s, 58, "")
	send := func(golden string) {
		t.Helper()
		if _, err := c.WriteTo(unhex(t, echoOdd), nil, ipTo("2001:db8::2")); err != nil {
			t.Fatal(err)
		}
		if got, want := w.nextPacket(), unhex(t, golden); !bytes.Equal(got, want) {
			t.Errorf("%x, want\n%x", got, want)
		}
	}
	set := func(set func([]byte) error, header string) {
		t.Helper()
		b := unhex(t, header)
		if len(b) == 0 {
			b = nil
		}
		if err := set(b); err != nil {
			t.Fatal(err)
		}
		clear(b)
	}
	set(c.SetHopByHop, alertHeader)
	set(c.SetDestinationOptions, pad0)
	send(goldenOptions)
	set(c.SetHopByHop, "")
	set(c.SetDestinationOptions, pad1)
	set(c.SetDestinationFirst, pad0)
	set(c.SetRoutingHeader, segments)
	send(goldenSegments)
	if err := c.SetRoutingHeader(unhex(t, pad0)); !errors.Is(err, syscall.EOPNOTSUPP) {
		t.Errorf("type 1: %v", err)
	}
	send(goldenSegments) // an error changes nothing
	set(c.SetRoutingHeader, mobility)
	set(c.SetDestinationFirst, "")
	set(c.SetDestinationOptions, "")
	send(goldenMobility)
	set(c.SetRoutingHeader, "")
	send(goldenOdd)
}

func TestRawWriteMsgRefuses(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"))
	c := listenRaw(t, s, 89, "")
	dst := "2001:db8::2"
	hex := func(s string) []byte { return unhex(t, s) }
	for _, tt := range []struct {
		cm   stack.ControlMessage
		dst  string
		err  error
		text string
	}{
		{stack.ControlMessage{HopLimit: -2}, dst, syscall.EINVAL, "hop limit -2 is not between -1 and 255"},
		{stack.ControlMessage{HopLimit: 256}, dst, syscall.EINVAL, "hop limit 256"},
		{stack.ControlMessage{TrafficClass: 256}, dst, syscall.EINVAL, "traffic class 256"},
		{stack.ControlMessage{Interface: -1}, dst, syscall.EINVAL, "interface index -1"},
		{stack.ControlMessage{Interface: 7}, dst, syscall.ENODEV, "no interface with index 7"},
		{stack.ControlMessage{Source: netip.MustParseAddr("2001:db8::9")}, dst, syscall.EADDRNOTAVAIL, "2001:db8::9"},
		{stack.ControlMessage{Source: netip.MustParseAddr("192.0.2.1")}, dst, syscall.EAFNOSUPPORT, "192.0.2.1"},
		{stack.ControlMessage{HopByHop: hex("00")}, dst, syscall.EINVAL, "hop-by-hop options: a header of 1 bytes"},
		{stack.ControlMessage{HopByHop: hex("ff01050200000100")}, dst, syscall.EINVAL, "whose Hdr Ext Len says 16"},
		{stack.ControlMessage{HopByHop: hex("ff00050500000000")}, dst, syscall.EINVAL, "option 0x5 at offset 2 is longer than its header"},
		{stack.ControlMessage{DestinationOptions: hex("ff00000000000001")}, dst, syscall.EINVAL, "destination options: option 0x1 at offset 7"},
		{stack.ControlMessage{DestinationFirst: hex("ff0000")}, dst, syscall.EINVAL, "first destination options"},
		{stack.ControlMessage{Routing: hex("ff02000100000000 20010db800000000000000000000000a")}, dst, syscall.EINVAL, "type 0 is deprecated (RFC 5095)"},
		{stack.ControlMessage{Routing: hex("ff02030100000000 20010db800000000000000000000000a")}, dst, syscall.EOPNOTSUPP, "type 3"},
		{stack.ControlMessage{Routing: hex("ff02020200000000 20010db800000000000000000000000a")}, dst, syscall.EINVAL, "type 2 has one address"},
		{stack.ControlMessage{Routing: hex("ff02040001000000 20010db800000000000000000000000a")}, dst, syscall.EINVAL, "last entry 1, room for 1"},
		{stack.ControlMessage{Routing: hex("ff04040201000000 20010db800000000000000000000000a 20010db800000000000000000000000b")}, dst, syscall.EINVAL, "2 segments left, last entry 1"},
		{stack.ControlMessage{Routing: hex("ff02020100000000 ff020000000000000000000000000001")}, dst, syscall.EINVAL, "segment 0 is ff02::1"},
		{stack.ControlMessage{Routing: hex(mobility)}, "ff0e::1", syscall.EINVAL, "can't lead to the group ff0e::1"},
		{stack.ControlMessage{}, "192.0.2.1", syscall.EAFNOSUPPORT, "another family"},
		{stack.ControlMessage{}, "fe80::1", syscall.EINVAL, "needs the zone"},
	} {
		n, err := c.WriteMsg([]byte("x"), &tt.cm, netip.MustParseAddr(tt.dst))
		if n != 0 || !errors.Is(err, tt.err) || !strings.Contains(fmt.Sprint(err), tt.text) {
			t.Errorf("%+v: %d, %v; want %v with %q", tt.cm, n, err, tt.err, tt.text)
		}
	}
	if _, err := c.WriteMsg(nil, nil, netip.Addr{}); !errors.Is(err, syscall.EDESTADDRREQ) {
		t.Errorf("to nobody: %v", err)
	}
	if err := c.SetSticky(&stack.ControlMessage{HopLimit: 256}); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("sticky: %v", err)
	}
	// Headers count: a packet has room for 65535 bytes behind the IPv6 header.
	cm := &stack.ControlMessage{HopByHop: hex(alertHeader)}
	if _, err := c.WriteMsg(make([]byte, 65535-7), cm, netip.MustParseAddr(dst)); !errors.Is(err, syscall.EMSGSIZE) {
		t.Errorf("too long by a byte: %v", err)
	}
	if _, err := c.WriteMsg([]byte("the first"), nil, netip.MustParseAddr(dst)); err != nil {
		t.Error(err)
	}
	if p := w.nextPacket(); string(p[40:]) != "the first" {
		t.Errorf("what was refused was sent: %x", p)
	}
	if _, err := c.WriteMsg(make([]byte, 65535-8), cm, netip.MustParseAddr(dst)); err != nil {
		t.Error(err)
	}
	w.nextPacket()
}

func TestRawReadMsg(t *testing.T) {
	s, i, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"))
	const src, dst = "2001:db8::9", "2001:db8::1"
	alert, dest0, dest1 := "3c00050200000100", "2b00010400000000", "%02x00010401010101"
	arrived := "3c02040000000000 20010db8000000000000000000000001" // no segment is left
	for _, proto := range []uint8{58, 89, 253} {
		c := listenRaw(t, s, proto, "")
		payload := sealed(src, dst, 58, 2, []byte{200, 0, 0, 0, 1, 2, 3})
		last := fmt.Sprintf(dest1, proto)
		p := ip6(src, dst, 0, 33, append(unhex(t, alert+dest0+arrived+last), payload...))
		p[0], p[1] = 0x6a, 0xb0 // traffic class 0xab
		w.send(p)
		var cm stack.ControlMessage
		b := make([]byte, 4)
		n, from, err := c.ReadMsg(b, &cm)
		want := stack.ControlMessage{
			Source: netip.MustParseAddr(src), Destination: netip.MustParseAddr(dst), Interface: i.Index(),
			HopLimit: 33, TrafficClass: 0xab, Length: len(payload),
			HopByHop: unhex(t, alert), DestinationFirst: unhex(t, dest0), Routing: unhex(t, arrived), DestinationOptions: unhex(t, last),
		}
		if n != 4 || !bytes.Equal(b, payload[:4]) || from.String() != src || err != nil || !reflect.DeepEqual(cm, want) {
			t.Errorf("protocol %d: %x from %v, %v\n%+v, want\n%+v", proto, b[:n], from, err, cm, want)
		}
		w.send(ip6(src, dst, proto, 1, payload))
		n, _, err = c.ReadMsg(make([]byte, 64), &cm) // nothing stays of the one before
		want = stack.ControlMessage{Source: want.Source, Destination: want.Destination, Interface: i.Index(), HopLimit: 1, Length: len(payload)}
		if n != len(payload) || err != nil || !reflect.DeepEqual(cm, want) {
			t.Errorf("protocol %d, bare: %d, %v, %+v", proto, n, err, cm)
		}
		w.send(ip6(src, dst, proto, 1, payload))
		if n, _, err := c.ReadMsg(b, nil); n != 4 || err != nil {
			t.Errorf("without a control message: %d, %v", n, err)
		}
		c.Close()
		if _, _, err := c.ReadMsg(b, &cm); !strings.Contains(fmt.Sprint(err), "closed") {
			t.Errorf("closed: %v", err)
		}
	}
}

// TestRawMsgRoundTrip: headers cross the wire between two hosts, in fragments too.
func TestRawMsgRoundTrip(t *testing.T) {
	a, b, _, _ := pair(t)
	from, to := listenRaw(t, a, 58, ""), listenRaw(t, b, 58, "")
	for _, size := range []int{8, 1400, 1500, 4000, 65000} {
		msg := append([]byte{200, 1}, bytes.Repeat([]byte{7}, size-2)...)
		out := stack.ControlMessage{HopByHop: unhex(t, alertHeader), DestinationOptions: unhex(t, pad1), HopLimit: 9}
		if _, err := from.WriteMsg(msg, &out, netip.MustParseAddr("2001:db8::2")); err != nil {
			t.Fatal(err)
		}
		var in stack.ControlMessage
		got := make([]byte, 65536)
		n, _, err := to.ReadMsg(got, &in)
		if err != nil || n != size || !bytes.Equal(got[4:n], msg[4:]) {
			t.Fatal(size, n, err)
		}
		if !bytes.Equal(in.HopByHop[1:], out.HopByHop[1:]) || !bytes.Equal(in.DestinationOptions[1:], out.DestinationOptions[1:]) || in.HopLimit != 9 || in.Routing != nil {
			t.Errorf("%d bytes: %+v", size, in)
		}
	}
}
