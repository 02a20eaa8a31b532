package conformance

import (
	"encoding/hex"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/hextet/hextet/icmp6"
)

// The packets that Scapy 2.5.0 makes of
//
//	b = IPv6(src="2001:db8::1", dst="2001:db8::2", hlim=64)
//	b/ICMPv6EchoRequest(id=0x1234, seq=1, data=b"hextet!")
//	b/ICMPv6EchoRequest(id=0x1234, seq=2, data=b"hextet")
//	b/ICMPv6Unknown(type=200, code=1, msgbody=b"")
var golden = []string{
	`60000000 000f3a40 20010db8000000000000000000000001 20010db8000000000000000000000002
		8000aabd 12340001 68657874657421`,
	`60000000 000e3a40 20010db8000000000000000000000001 20010db8000000000000000000000002
		8000cbbd 12340002 686578746574`,
	`60000000 00043a40 20010db8000000000000000000000001 20010db8000000000000000000000002
		c801dc4a`,
}

// The judge is judged by Scapy, and by the package whose users it judges.
func TestSum(t *testing.T) {
	for _, text := range golden {
		b, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
		if err != nil {
			t.Fatal(err)
		}
		p, err := parse(b)
		if err != nil || p.src != Host || p.dst != Peer || p.next != icmpv6 {
			t.Fatal(p, err)
		}
		if s := sum(p.src, p.dst, p.next, p.payload); s != 0xffff {
			t.Errorf("%x: the sum is %04x", b, s)
		}
	}
	r := rand.New(rand.NewPCG(3542, 4443))
	for n := 2; n < 1500; n++ {
		msg := make([]byte, n)
		for i := range msg {
			msg[i] = byte(r.Uint32())
		}
		src, dst := netip.AddrFrom16([16]byte(text16(r))), netip.AddrFrom16([16]byte(text16(r)))
		proto, offset := uint8(r.Uint32()), r.IntN(n/2)*2
		if proto == icmpv6 {
			proto = 89
		}
		got := sealed(src, dst, proto, offset, msg)
		if err := icmp6.Offset(offset).Verify(src, dst, proto, got); err != nil {
			t.Fatalf("%d bytes, protocol %d, offset %d: %v", n, proto, offset, err)
		}
	}
}

func text16(r *rand.Rand) []byte {
	b := make([]byte, 16)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	b[0] = 0x20 // no IPv4 within IPv6
	return b
}

// Fragments are put together as they were cut, in any order, and not if they do not fit.
func TestReassemble(t *testing.T) {
	payload := text(3001)
	parts := behindAll(t, fragments(1200)(89, payload))
	for _, order := range [][]int{{0, 1, 2}, {2, 0, 1}, {1, 2, 0}} {
		var ps []packet
		for _, i := range order {
			ps = append(ps, parts[i])
		}
		got, err := reassemble(ps)
		if err != nil || len(got) != 1 || string(got[0].payload) != string(payload) || got[0].fragments != 3 || got[0].largest != 1248 {
			t.Errorf("order %v: %d packets, %v", order, len(got), err)
		}
	}
	for _, bad := range [][]packet{parts[:2], parts[1:], {parts[0], parts[0]}} {
		if _, err := reassemble(bad); err == nil {
			t.Error("fragments that do not fit are one packet")
		}
	}
}

func behindAll(t *testing.T, parts []part) (ps []packet) {
	for _, p := range parts {
		got, err := parse(ip6(Host, Peer, p.next, 64, 0, p.payload))
		if err != nil {
			t.Fatal(err)
		}
		ps = append(ps, got)
	}
	return ps
}

// What is cut is an error, at each length.
func TestParseCut(t *testing.T) {
	whole := behind(routerAlert, padding)(icmpv6, text(8))[0]
	b := ip6(Host, Peer, whole.next, 64, 0x28, whole.payload)
	if p, err := parse(b); err != nil || len(p.headers) != 2 || len(p.payload) != 8 || p.class != 0x28 {
		t.Fatal(p, err)
	}
	for n := range len(b) {
		if _, err := parse(b[:n]); err == nil {
			t.Errorf("%d of %d bytes are a packet", n, len(b))
		}
		if n >= headerLen && n < len(b)-8 { // with a Payload Length that fits
			if _, err := parse(ip6(Host, Peer, whole.next, 64, 0, whole.payload[:n-headerLen])); err == nil {
				t.Errorf("%d bytes with a header that is cut are a packet", n)
			}
		}
	}
}

// Whatever a host puts on the wire, looking at it does not panic.
func FuzzParse(f *testing.F) {
	f.Add(ip6(Host, Peer, icmpv6, 64, 0, text(8)))
	for _, p := range fragments(16)(icmpv6, text(40)) {
		f.Add(ip6(Host, Peer, p.next, 64, 0, p.payload))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parse(b)
		if err != nil {
			return
		}
		n := len(p.payload)
		for _, h := range p.headers {
			n += len(h.bytes)
		}
		if p.fragment {
			n += 8
		}
		if n != len(b)-headerLen {
			t.Errorf("%d of %d bytes behind the header", n, len(b)-headerLen)
		}
		_ = p.noise(true)
		_ = p.String()
		if _, err := reassemble([]packet{p, p}); err == nil && p.fragment && n > 8 {
			t.Error("a fragment that came twice is a packet")
		}
	})
}
