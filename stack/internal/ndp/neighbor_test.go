package ndp

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/hextet/hextet/icmp6"
)

// Each check of RFC 4861 section 6.1.1 alone.
func TestParseRouterSolicitation(t *testing.T) {
	hw := net.HardwareAddr{2, 0, 0, 0, 0, 2}
	rs := func(src string, change func([]byte)) []byte {
		msg := Solicitation(addr(src), hw)[40:]
		if change != nil {
			change(msg)
			icmp6.SetChecksum(addr(src), AllRouters, msg)
		}
		return msg
	}
	// Of scapy 2.5.0: IPv6(src="::",dst="ff02::2",hlim=255)/ICMPv6ND_RS()/ICMPv6NDOptSrcLLAddr(lladdr="02:00:00:00:00:02")
	forbidden := []byte{133, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 0, 0, 0, 0, 2}
	icmp6.SetChecksum(addr("::"), AllRouters, forbidden)
	bad := rs("fe80::2", nil)
	bad[2] ^= 1
	for _, tt := range []struct {
		name, src string
		hops      int
		msg       []byte
		want      string
	}{
		{"good", "fe80::2", 255, rs("fe80::2", nil), ""},
		{"without a source", "::", 255, rs("::", nil), ""},
		{"forwarded", "fe80::2", 254, rs("fe80::2", nil), "hop limit"},
		{"short", "fe80::2", 255, rs("fe80::2", nil)[:7], "7 bytes"},
		{"code", "fe80::2", 255, rs("fe80::2", func(b []byte) { b[1] = 1 }), "code 1"},
		{"another type", "fe80::2", 255, rs("fe80::2", func(b []byte) { b[0] = 135 }), "type 135"},
		{"checksum", "fe80::2", 255, bad, "checksum"},
		{"an option without length", "fe80::2", 255, rs("fe80::2", func(b []byte) { b[9] = 0 }), "no length"},
		{"a hardware address of nobody", "::", 255, forbidden, "without a source"},
	} {
		err := ParseRouterSolicitation(addr(tt.src), AllRouters, tt.hops, tt.msg)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// The probe of duplicate address detection, of scapy 2.5.0:
//
//	IPv6(src="::",dst="ff02::1:ff00:1",hlim=255)/ICMPv6ND_NS(tgt="2001:db8::1")
func TestParseNeighborSolicitation(t *testing.T) {
	group := addr("ff02::1:ff00:1")
	ns := unhex("8700 4ced 00000000 20010db8000000000000000000000001")
	if target, err := ParseNeighborSolicitation(addr("::"), group, 255, ns); err != nil || target != addr("2001:db8::1") {
		t.Errorf("%v, %v", target, err)
	}
	if _, err := ParseNeighborSolicitation(addr("::"), group, 64, ns); err == nil {
		t.Error("a forwarded one")
	}
	icmp6.SetChecksum(addr("::"), addr("2001:db8::1"), ns)
	if _, err := ParseNeighborSolicitation(addr("::"), addr("2001:db8::1"), 255, ns); err == nil {
		t.Error("a probe to a unicast address")
	}
	ns[8] = 0xff
	icmp6.SetChecksum(addr("::"), group, ns)
	if _, err := ParseNeighborSolicitation(addr("::"), group, 255, ns); err == nil {
		t.Error("a multicast target")
	}
}

// Of scapy 2.5.0:
//
//	IPv6(src="2001:db8::1",dst="ff02::1",hlim=255)/ICMPv6ND_NA(tgt="2001:db8::1",R=0,S=0,O=1)/
//	ICMPv6NDOptDstLLAddr(lladdr="02:00:00:00:00:02")
func TestNeighborAdvertisement(t *testing.T) {
	want := unhex("6000000000203aff 20010db8000000000000000000000001 ff020000000000000000000000000001" +
		"8800 f929 20000000 20010db8000000000000000000000001 0201 020000000002")
	got := NeighborAdvertisement(addr("2001:db8::1"), AllNodes, net.HardwareAddr{2, 0, 0, 0, 0, 2})
	if !bytes.Equal(got, want) {
		t.Errorf("got\n%x, want\n%x", got, want)
	}
}

// Of scapy 2.5.0:
//
//	IPv6(src="fe80::1",dst="2001:db8::5",hlim=255)/ICMPv6ND_Redirect(tgt="fe80::2",dst="2001:db8:9::1")/
//	ICMPv6NDOptDstLLAddr(lladdr="02:00:00:00:00:02")/
//	ICMPv6NDOptRedirectedHdr(pkt=IPv6(src="2001:db8::5",dst="2001:db8:9::1",nh=59))
func TestRedirect(t *testing.T) {
	router, dst, target, far := addr("fe80::1"), addr("2001:db8::5"), addr("fe80::2"), addr("2001:db8:9::1")
	golden := unhex("6000000000603aff fe800000000000000000000000000001 20010db8000000000000000000000005" +
		"8900 1f14 00000000 fe800000000000000000000000000002 20010db8000900000000000000000001" +
		"0201 020000000002 0406 0000 00000000" +
		"6000000000003b40 20010db8000000000000000000000005 20010db8000900000000000000000001")
	if got := Redirect(router, dst, target, far, net.HardwareAddr{2, 0, 0, 0, 0, 2}, golden[len(golden)-40:]); !bytes.Equal(got, golden) {
		t.Errorf("got\n%x, want\n%x", got, golden)
	}
	for _, size := range []int{48, 55, 1400} {
		about := bytes.Repeat([]byte{0xa5}, size)
		pkt := Redirect(router, dst, target, far, net.HardwareAddr{2, 0, 0, 0, 0, 2}, about)
		msg := pkt[40:]
		if len(pkt) > 1280 || pkt[7] != 255 || !icmp6.Valid(router, dst, msg) || int(binary.BigEndian.Uint16(pkt[4:])) != len(msg) {
			t.Errorf("%d bytes: % x", size, pkt)
		}
		if msg[0] != 137 || netip.AddrFrom16([16]byte(msg[8:])) != target || netip.AddrFrom16([16]byte(msg[24:])) != far {
			t.Errorf("% x", msg[:40])
		}
		quoted := msg[56:]
		if msg[48] != 4 || int(msg[49])*8 != 8+len(quoted) || !bytes.Equal(quoted, about[:len(quoted)]) || len(quoted) < min(size&^7, 1176) {
			t.Errorf("%d bytes: quotes %d", size, len(quoted))
		}
	}
}
