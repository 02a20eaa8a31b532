package stack_test

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"testing"

	"github.com/hextet/hextet/icmp6"
	"github.com/hextet/hextet/stack"
)

// router is a stack that forwards between two wires: "a" with 2001:db8:a::/64 and 192.0.2.0/24, "b" with
// 2001:db8:b::/64 and 198.51.100.0/24. It is the .254 and ::fe of each.
type router struct {
	*stack.Stack
	a, b   *stack.Interface
	wa, wb *rawWire
}

func newRouter(t *testing.T, mtuB int) *router {
	r := &router{Stack: newStack(t, stack.Config{})}
	for _, side := range []struct {
		name  string
		mtu   int
		i     **stack.Interface
		w     **rawWire
		addrs []stack.Address
	}{
		{"a", 1500, &r.a, &r.wa, []stack.Address{plain("2001:db8:a::fe/64"), plain("192.0.2.254/24"), plain("fe80::fe/64")}},
		{"b", mtuB, &r.b, &r.wb, []stack.Address{plain("2001:db8:b::fe/64"), plain("198.51.100.254/24")}},
	} {
		near, far := stack.Pipe(side.mtu)
		i, err := r.Attach(stack.InterfaceConfig{Name: side.name, Link: near, Forward: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := i.AddAddresses(side.addrs); err != nil {
			t.Fatal(err)
		}
		*side.i, *side.w = i, newRawWire(t, far)
	}
	return r
}

// counted waits until the counters are as they should be: a packet may be on the wire before it is counted.
func (r *router) counted(t *testing.T, as func(c stack.ForwardCounters) bool) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Log(r.Counters().Forward)
		}
	}()
	eventually(t, func() bool { return as(r.Counters().Forward) })
}

// ip4 makes an IPv4 packet; flags are the word with the fragment offset.
func ip4(src, dst string, proto, ttl uint8, flags uint16, options, payload []byte) []byte {
	p := make([]byte, 20, 20+len(options)+len(payload))
	p[0], p[8], p[9] = 0x45+byte(len(options)/4), ttl, proto
	binary.BigEndian.PutUint16(p[2:], uint16(20+len(options)+len(payload)))
	binary.BigEndian.PutUint16(p[4:], 0x1234)
	binary.BigEndian.PutUint16(p[6:], flags)
	s, d := netip.MustParseAddr(src).As4(), netip.MustParseAddr(dst).As4()
	copy(p[12:], s[:])
	copy(p[16:], d[:])
	p = append(p, options...)
	binary.BigEndian.PutUint16(p[10:], ^slowSum4(p))
	return append(p, payload...)
}

// slowSum4 is RFC 1071 over b alone.
func slowSum4(b []byte) uint16 {
	var sum uint64
	for i := 0; i+1 < len(b); i += 2 {
		sum += uint64(b[i])<<8 | uint64(b[i+1])
	}
	if len(b)%2 == 1 {
		sum += uint64(b[len(b)-1]) << 8
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return uint16(sum)
}

// data returns the next packet of an unreserved protocol, or the next ICMP error; group reports are not
// looked at.
func (w *rawWire) data() []byte {
	w.t.Helper()
	for {
		p := w.next()
		if p[0]>>4 == 4 && p[9] == 2 || p[0]>>4 == 6 && p[6] == 58 && p[40] >= 133 {
			continue
		}
		return p
	}
}

// A packet in transit changes in its hop limit, or time to live, and nothing else.
func TestForwardChangesNothingElse(t *testing.T) {
	r := newRouter(t, 1500)
	for _, payload := range [][]byte{nil, []byte("x"), bytes.Repeat([]byte("y"), 1460)} {
		for _, p := range [][]byte{
			ip6("2001:db8:a::1", "2001:db8:b::1", 254, 64, payload),
			ip6("2001:db8:a::1", "2001:db8:b::1", 0, 2, append(destOptions(254), payload...)[:min(8+len(payload), 1460)]),
			ip6("2001:db8:b::9", "2001:db8:b::1", 17, 255, payload), // an odd source is no matter of routing
			ip4("192.0.2.1", "198.51.100.1", 254, 2, 0, nil, payload),
			ip4("192.0.2.1", "198.51.100.1", 254, 255, 0x4000, []byte{7, 4, 4, 0}, payload[:min(len(payload), 1400)]),
			ip4("192.0.2.1", "198.51.100.1", 254, 64, 0x2064, nil, payload[:len(payload)&^7]),
		} {
			r.wa.send(append(bytes.Clone(p), 0, 0)[:min(len(p)+2, 1500)]) // with padding, which does not travel
			want := bytes.Clone(p)
			if want[0]>>4 == 6 {
				want[7]--
			} else {
				want[8]--
				want[10], want[11] = 0, 0
				binary.BigEndian.PutUint16(want[10:], ^slowSum4(want[:int(want[0]&15)*4]))
			}
			var got []byte
			if p[0]>>4 == 6 && p[6] == 0 {
				for got = <-r.wb.packets; got[40] != 254; got = <-r.wb.packets { // next skips hop-by-hop headers
				}
			} else {
				got = r.wb.data()
			}
			if !bytes.Equal(got, want) {
				t.Errorf("got %x\nwant %x", got, want)
			}
		}
	}
	r.counted(t, func(c stack.ForwardCounters) bool { return c == stack.ForwardCounters{Sent: 18} })
}

// An IPv4 packet that may be cut is.
func TestForwardFragments(t *testing.T) {
	r := newRouter(t, 1280)
	payload := bytes.Repeat([]byte("0123456789abcde"), 98)[:1460]
	r.wa.send(ip4("192.0.2.1", "198.51.100.1", 254, 64, 0, []byte{7, 4, 4, 0, 0x94, 4, 0, 0}, payload)) // Record Route stays in the first
	first := ip4("192.0.2.1", "198.51.100.1", 254, 63, 0x2000, []byte{7, 4, 4, 0, 0x94, 4, 0, 0}, payload[:1248])
	second := ip4("192.0.2.1", "198.51.100.1", 254, 63, 1248/8, []byte{0x94, 4, 0, 0}, payload[1248:])
	for _, want := range [][]byte{first, second} {
		if got := r.wb.data(); !bytes.Equal(got, want) {
			t.Errorf("got %x\nwant %x", got, want)
		}
	}
}

// wantError reads an ICMP error and checks it to the last byte.
func wantError(t *testing.T, w *rawWire, src string, typ, code byte, word uint32, about []byte) {
	t.Helper()
	p := w.data()
	from := netip.MustParseAddr(src)
	var got, wantMsg []byte
	wantMsg = append([]byte{typ, code, 0, 0}, binary.BigEndian.AppendUint32(nil, word)...)
	if from.Is4() {
		got = p[20:]
		wantMsg = append(wantMsg, about[:min(len(about), 548)]...)
		binary.BigEndian.PutUint16(wantMsg[2:], ^slowSum4(wantMsg))
		if p[9] != 1 || netip.AddrFrom4([4]byte(p[12:16])) != from {
			t.Errorf("protocol %d from %v", p[9], p[12:16])
		}
	} else {
		got = p[40:]
		wantMsg = append(wantMsg, about[:min(len(about), 1232)]...)
		wantMsg = sealed(src, netip.AddrFrom16([16]byte(p[24:40])).String(), 58, 2, wantMsg)
		if a := netip.AddrFrom16([16]byte(p[8:24])); p[6] != 58 || a != from {
			t.Errorf("next header %d from %v, want ICMPv6 from %v", p[6], a, from)
		}
	}
	if !bytes.Equal(got, wantMsg) {
		t.Errorf("got %x\nwant %x", got, wantMsg)
	}
}

// What a router answers: RFC 4443 sections 3.1 to 3.3, RFC 792, RFC 1191.
func TestForwardErrors(t *testing.T) {
	r := newRouter(t, 1400)
	side, err := r.Attach(stack.InterfaceConfig{Name: "c", Link: voidLink{make(chan struct{})}})
	if err != nil {
		t.Fatal(err)
	}
	if err := side.AddAddresses([]stack.Address{plain("2001:db8:c::fe/64"), plain("203.0.113.254/24")}); err != nil {
		t.Fatal(err)
	}
	long := make([]byte, 1401)
	for _, tt := range []struct {
		name      string
		packet    []byte
		src       string
		typ, code byte
		word      uint32
	}{
		{"hop limit 1", ip6("2001:db8:a::1", "2001:db8:b::1", 254, 1, []byte("x")), "2001:db8:a::fe", 3, 0, 0},
		{"hop limit 0", ip6("2001:db8:a::1", "2001:db8:b::1", 254, 0, []byte("x")), "2001:db8:a::fe", 3, 0, 0},
		{"time to live 1", ip4("192.0.2.1", "198.51.100.1", 254, 1, 0, nil, long[:600]), "192.0.2.254", 11, 0, 0},
		{"too big", ip6("2001:db8:a::1", "2001:db8:b::1", 254, 64, long[:1361]), "2001:db8:a::fe", 2, 0, 1400},
		{"do not fragment", ip4("192.0.2.1", "198.51.100.1", 254, 64, 0x4000, nil, long[:1381]), "192.0.2.254", 3, 4, 1400},
		{"no route", ip6("2001:db8:a::1", "2001:db8:d::1", 254, 64, nil), "2001:db8:a::fe", 1, 0, 0},
		{"no route, IPv4", ip4("192.0.2.1", "8.8.8.8", 254, 64, 0, nil, nil), "192.0.2.254", 3, 0, 0},
		{"to an interface that does not forward", ip6("2001:db8:a::1", "2001:db8:c::1", 254, 64, nil), "2001:db8:a::fe", 1, 1, 0},
		{"its own address", ip6("2001:db8:a::1", "2001:db8:c::fe", 254, 64, nil), "2001:db8:a::fe", 1, 1, 0},
		{"the same, IPv4", ip4("192.0.2.1", "203.0.113.254", 254, 64, 0, nil, nil), "192.0.2.254", 3, 13, 0},
		{"back on a wire of two ends", ip6("2001:db8:a::1", "2001:db8:a::77", 254, 64, nil), "2001:db8:a::fe", 1, 3, 0},
		{"the same, IPv4", ip4("192.0.2.1", "192.0.2.77", 254, 64, 0, nil, nil), "192.0.2.254", 3, 1, 0},
		{"link-local source", ip6("fe80::1", "2001:db8:b::1", 254, 64, nil), "fe80::fe", 1, 2, 0},
		{"an echo request is no error", echoFrom("2001:db8:a::1", "2001:db8:d::1", 128, "x"), "2001:db8:a::fe", 1, 0, 0},
		{"echo request, IPv4", ip4("192.0.2.1", "8.8.8.8", 1, 64, 0, nil, []byte{8, 0, 0, 0, 0, 0, 0, 0}), "192.0.2.254", 3, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r.wa.t = t
			r.wa.send(tt.packet)
			wantError(t, r.wa, tt.src, tt.typ, tt.code, tt.word, tt.packet)
		})
	}
	r.counted(t, func(c stack.ForwardCounters) bool {
		return c == stack.ForwardCounters{Expired: 3, TooBig: 2, NoRoute: 4, Prohibited: 3, Refused: 1, NoNeighbor: 2, ErrorsSent: 15}
	})
}

// Nothing of these travels, and nothing is said about them.
func TestForwardIsSilentAbout(t *testing.T) {
	r := newRouter(t, 1400)
	r.AddRoute(stack.Route{Destination: netip.MustParsePrefix("::/0"), Interface: "b"}) // so that all could travel
	r.AddRoute(stack.Route{Destination: netip.MustParsePrefix("0.0.0.0/0"), Interface: "b"})
	expired6 := func(next byte, payload []byte) []byte {
		return ip6("2001:db8:a::1", "2001:db8:b::1", next, 1, payload)
	}
	expired4 := func(flags uint16, payload []byte) []byte {
		return ip4("192.0.2.1", "198.51.100.1", 1, 1, flags, nil, payload)
	}
	icmpError := []byte{1, 0, 0, 0, 0, 0, 0, 0}
	for name, p := range map[string][]byte{
		"link-local destination":          ip6("2001:db8:a::1", "fe80::1", 254, 64, nil),
		"multicast":                       ip6("2001:db8:a::1", "ff0e::1", 254, 64, nil),
		"unspecified source":              ip6("::", "2001:db8:b::1", 254, 64, nil),
		"loopback source":                 ip6("::1", "2001:db8:b::1", 254, 64, nil),
		"loopback":                        ip6("2001:db8:a::1", "::1", 254, 64, nil),
		"multicast source":                ip6("ff0e::1", "2001:db8:b::1", 254, 64, nil),
		"IPv4-mapped":                     ip6("2001:db8:a::1", "::ffff:8.8.8.8", 254, 64, nil),
		"short":                           ip6("2001:db8:a::1", "2001:db8:b::1", 254, 64, []byte("xx"))[:41],
		"about an ICMPv6 error":           expired6(58, icmpError),
		"about one behind options":        expired6(0, append([]byte{58, 0, 0xc2, 4, 0, 0, 0, 0}, icmpError...)), // of a kind that hosts refuse
		"about one in a first fragment":   expired6(44, append([]byte{58, 0, 0, 1, 0, 0, 0, 1}, icmpError...)),
		"about one behind authentication": expired6(51, append([]byte{58, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1}, icmpError...)),
		"about a short ICMPv6 error":      expired6(58, icmpError[:4]),
		"about a redirect":                expired6(58, []byte{137, 0, 0, 0, 0, 0, 0, 0}),
		"IPv4 multicast":                  ip4("192.0.2.1", "224.1.2.3", 254, 64, 0, nil, nil),
		"IPv4 link-local":                 ip4("192.0.2.1", "169.254.1.2", 254, 64, 0, nil, nil),
		"IPv4 link-local source":          ip4("169.254.1.2", "198.51.100.1", 254, 64, 0, nil, nil),
		"directed broadcast":              ip4("192.0.2.1", "198.51.100.255", 254, 64, 0, nil, nil),
		"limited broadcast":               ip4("192.0.2.1", "255.255.255.255", 254, 64, 0, nil, nil),
		"this network":                    ip4("192.0.2.1", "0.1.2.3", 254, 64, 0, nil, nil),
		"martian source":                  ip4("127.0.0.1", "198.51.100.1", 254, 64, 0, nil, nil),
		"class E":                         ip4("192.0.2.1", "240.0.0.1", 254, 64, 0, nil, nil),
		"source route":                    ip4("192.0.2.1", "198.51.100.1", 254, 64, 0, []byte{1, 131, 7, 4, 8, 8, 8, 8}, nil),
		"wrong header checksum":           append(ip4("192.0.2.1", "198.51.100.1", 254, 64, 0, nil, nil)[:10], 0, 0, 192, 0, 2, 1, 198, 51, 100, 1),
		"to a directed broadcast":         ip4("192.0.2.255", "198.51.100.1", 254, 1, 0, nil, nil),
		"beyond 65535 bytes":              ip4("192.0.2.1", "198.51.100.1", 254, 64, 0x1fff, nil, make([]byte, 1400)),
		"about an ICMP error":             expired4(0, []byte{3, 0, 0, 0, 0, 0, 0, 0}),
		"about a later fragment":          expired4(1, make([]byte, 8)),
	} {
		t.Run(name, func(t *testing.T) {
			r.wa.t, r.wb.t = t, t
			r.wa.send(p, ip6("2001:db8:a::1", "2001:db8:b::1", 254, 64, []byte(name)), ip6("2001:db8:a::1", "2001:db8:b::1", 254, 1, []byte(name)))
			if p := r.wb.data(); !bytes.HasSuffix(p, []byte(name)) {
				t.Errorf("forwarded: %x", p)
			}
			if p := r.wa.data(); !bytes.HasSuffix(p, []byte(name)) {
				t.Errorf("answered: %x", p)
			}
		})
	}
}

// The longest prefix decides, then the metric, then the age; a route's MTU is the path's.
func TestForwardByRoutes(t *testing.T) {
	r := newRouter(t, 1500)
	via := func(dst, hop string, metric, mtu int) stack.Route {
		return stack.Route{Destination: netip.MustParsePrefix(dst), NextHop: netip.MustParseAddr(hop), Metric: metric, MTU: mtu}
	}
	for _, route := range []stack.Route{
		via("::/0", "2001:db8:a::9", 0, 0),
		via("2001:db8:1::/48", "2001:db8:b::9", 7, 0),
		via("2001:db8:1:1::/64", "2001:db8:a::9", 99, 0),
		via("2001:db8:2::/48", "2001:db8:a::9", 7, 0), via("2001:db8:2::/48", "2001:db8:b::9", 6, 0),
		via("2001:db8:3::/48", "2001:db8:b::9", 6, 1300),
	} {
		if err := r.AddRoute(route); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		dst string
		to  *rawWire
	}{
		{"2001:db8:1::1", r.wb}, {"2001:db8:1:1::1", r.wa}, {"2001:db8:2::1", r.wb}, {"2001:db8:ffff::1", r.wa},
	} {
		r.wb.send(ip6("2001:db8:b::1", tt.dst, 254, 64, []byte(tt.dst)))
		if p := tt.to.data(); !bytes.HasSuffix(p, []byte(tt.dst)) {
			t.Errorf("to %s: %x", tt.dst, p)
		}
	}
	big := ip6("2001:db8:a::1", "2001:db8:3::1", 254, 64, make([]byte, 1261))
	r.wa.send(big)
	wantError(t, r.wa, "2001:db8:a::fe", 2, 0, 1300, big)
}

// The router's errors leave from an address that may speak, if need be another interface's; a packet in
// transit needs none.
func TestForwardErrorsAvoidSkipped(t *testing.T) {
	r := newRouter(t, 1500)
	flag := func(i *stack.Interface, addr string) {
		t.Helper()
		if err := i.SetSkipAsSource(netip.MustParseAddr(addr), true); err != nil {
			t.Fatal(err)
		}
	}
	expired := ip6("2001:db8:a::1", "2001:db8:b::1", 254, 1, []byte("x"))
	expired4 := ip4("192.0.2.1", "198.51.100.1", 254, 1, 0, nil, []byte("x"))
	if err := r.a.AddAddress(plain("2001:db8:a::fd/64")); err != nil {
		t.Fatal(err)
	}
	flag(r.a, "2001:db8:a::fe")
	r.wa.send(expired)
	wantError(t, r.wa, "2001:db8:a::fd", 3, 0, 0, expired)

	flag(r.a, "2001:db8:a::fd")
	flag(r.a, "fe80::fe")
	flag(r.a, "192.0.2.254")
	r.wa.send(expired)
	wantError(t, r.wa, "2001:db8:b::fe", 3, 0, 0, expired)
	r.wa.send(expired4)
	wantError(t, r.wa, "198.51.100.254", 11, 0, 0, expired4)

	flag(r.b, "2001:db8:b::fe")
	flag(r.b, "198.51.100.254")
	r.wa.send(expired, expired4, ip6("2001:db8:a::1", "2001:db8:b::1", 254, 64, nil), ip4("192.0.2.1", "198.51.100.1", 254, 64, 0, nil, nil))
	r.wb.data() // what needs no address of the router's still goes through
	r.wb.data()
	r.counted(t, func(c stack.ForwardCounters) bool {
		return c.ErrorsNoWay == 2 && c.ErrorsSent == 3 && c.Sent == 2
	})
}

// Without Forward, nothing travels and nothing is said.
func TestForwardIsOff(t *testing.T) {
	r := newRouter(t, 1500)
	if err := r.a.SetForward(false); err != nil || r.a.Forwards() || !r.b.Forwards() {
		t.Fatal(err)
	}
	r.wa.send(ip6("2001:db8:a::1", "2001:db8:b::1", 254, 64, []byte("x")), ip4("192.0.2.1", "198.51.100.1", 254, 1, 0, nil, nil))
	r.wa.send(echoFrom("2001:db8:a::1", "2001:db8:b::fe", 128, "far"), echoFrom("2001:db8:a::1", "2001:db8:a::fe", 128, "near"))
	if p := r.wa.data(); !bytes.HasSuffix(p, []byte("near")) {
		t.Errorf("%x", p)
	}
	if c := r.Counters(); c.Forward != (stack.ForwardCounters{}) || c.IPOtherHost != 3 {
		t.Errorf("%v", c)
	}
	if err := r.a.SetForward(true); err != nil {
		t.Fatal(err)
	}
	r.wa.send(echoFrom("2001:db8:a::1", "2001:db8:b::fe", 128, "far")) // a router takes packets to any of its addresses
	p := r.wa.data()
	if !bytes.HasSuffix(p, []byte("far")) || p[40] != 129 || !icmp6.Valid(netip.AddrFrom16([16]byte(p[8:24])), netip.AddrFrom16([16]byte(p[24:40])), p[40:]) {
		t.Errorf("%x", p)
	}
	if a := netip.AddrFrom16([16]byte(p[8:24])); a != netip.MustParseAddr("2001:db8:b::fe") {
		t.Errorf("answered from %v", a)
	}
}

// A packet that claims to be the router's own gets no error: the router would tell its own sockets whatever
// the sender likes.
func TestForwardNoErrorToItself(t *testing.T) {
	r := newRouter(t, 1500)
	c := dialUDP(t, r.Stack, "[2001:db8:b::1]:9")
	local := c.LocalAddr().(*net.UDPAddr).AddrPort()
	udp := binary.BigEndian.AppendUint16(nil, local.Port())
	udp = append(udp, 0, 9, 0, 8, 0, 0)
	r.wa.send(ip6(local.Addr().String(), "2001:db8:b::1", 17, 1, udp), ip6("2001:db8:a::1", "2001:db8:b::1", 254, 1, []byte("x")))
	r.wa.data() // the second one's
	r.counted(t, func(c stack.ForwardCounters) bool {
		return c == stack.ForwardCounters{Expired: 2, ErrorsSent: 1, ErrorsNoWay: 1}
	})
	if _, err := c.Write([]byte("x")); err != nil {
		t.Error(err)
	}
}

// Where a route was configured, hosts on one wire reach each other by the router: the wire may be a hub of
// tunnels.
func TestForwardBackOnPurpose(t *testing.T) {
	r := newRouter(t, 1500)
	if err := r.AddRoute(stack.Route{Destination: netip.MustParsePrefix("2001:db8:a::77/128"), Interface: "a"}); err != nil {
		t.Fatal(err)
	}
	p := ip6("2001:db8:a::1", "2001:db8:a::77", 254, 64, []byte("x"))
	r.wa.send(p)
	p[7]--
	if got := r.wa.data(); !bytes.Equal(got, p) {
		t.Errorf("got %x\nwant %x", got, p)
	}
}
