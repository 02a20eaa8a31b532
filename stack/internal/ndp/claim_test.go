package ndp

import (
	"bytes"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/hextet/hextet/icmp6"
)

// From scapy 2.5.0:
//
//	IPv6(src="::",dst="ff02::1:ff00:1",hlim=255)/ICMPv6ND_NS(tgt="2001:db8:1::ff:fe00:1")/ICMPv6NDOptUnknown(type=14,len=1,data=bytes.fromhex("a1a2a3a4a5a6"))
//	IPv6(src="2001:db8:1::ff:fe00:1",dst="fe80::2",hlim=255)/ICMPv6ND_NA(tgt="2001:db8:1::ff:fe00:1",R=0,S=1,O=0)/ICMPv6NDOptDstLLAddr(lladdr="02:00:00:00:00:01")
var (
	goldenProbe = unhex("6000000000203aff 00000000000000000000000000000000 ff0200000000000000000001ff000001" +
		"870054f500000000 20010db800010000000000fffe000001 0e01a1a2a3a4a5a6")
	goldenAnswer = unhex("6000000000203aff 20010db800010000000000fffe000001 fe800000000000000000000000000002" +
		"8800dba940000000 20010db800010000000000fffe000001 0201020000000001")

	target = addr("2001:db8:1::ff:fe00:1")
	nonce  = []byte{0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6}
)

func TestProbe(t *testing.T) {
	if got := Probe(target, [6]byte(nonce)); !bytes.Equal(got, goldenProbe) {
		t.Errorf("%x", got)
	}
}

func TestParseClaim(t *testing.T) {
	for _, c := range []struct {
		pkt  []byte
		want Claim
	}{{goldenProbe, Claim{target, nonce}}, {goldenAnswer, Claim{target, nil}}} {
		src, dst := netip.AddrFrom16([16]byte(c.pkt[8:])), netip.AddrFrom16([16]byte(c.pkt[24:]))
		if got, err := ParseClaim(src, dst, int(c.pkt[7]), c.pkt[40:]); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%x: %+v, %v", c.pkt, got, err)
		}
	}
}

// RFC 4861 sections 7.1.1 and 7.1.2, each check alone.
func TestParseClaimRefuses(t *testing.T) {
	group := SolicitedNode(target).String()
	probe := func(options string) []byte {
		return append(bytes.Clone(goldenProbe[40:64]), unhex(options)...)
	}
	answer := func(options string) []byte {
		return append(bytes.Clone(goldenAnswer[40:64]), unhex(options)...)
	}
	set := func(msg []byte, at int, b byte) []byte { msg[at] = b; return msg }
	for _, c := range []struct {
		name, src, dst string
		hops           int
		msg            []byte
		want           string
	}{
		{"probe", "::", group, 255, probe(""), ""},
		{"answer", "fe80::1", "ff02::1", 255, set(answer(""), 4, 0x20), ""},
		{"probe with a nonce of another length", "::", group, 255, probe("0e02 0000000000000000000000000000"), ""},
		{"forwarded", "::", group, 254, probe(""), "hop limit"},
		{"short", "::", group, 255, probe("")[:23], "23 bytes"},
		{"empty", "::", group, 255, nil, "0 bytes"},
		{"code", "::", group, 255, set(probe(""), 1, 1), "code 1"},
		{"type", "::", group, 255, set(probe(""), 0, 134), "type 134"},
		{"target", "::", "ff02::1:ff00:1", 255, set(probe(""), 8, 0xff), "a group"},
		{"resolution", "fe80::1", group, 255, probe(""), "no probe"},
		{"another group", "::", "ff02::1:ff00:2", 255, probe(""), "solicited-node"},
		{"to one", "::", target.String(), 255, probe(""), "solicited-node"},
		{"source link-layer address", "::", group, 255, probe("0101020000000001"), "source link-layer"},
		{"solicited and to all", "fe80::1", "ff02::1", 255, answer(""), "solicited"},
		{"option of length 0", "::", group, 255, probe("0e00020000000001"), "no length"},
		{"option past the end", "fe80::1", "fe80::2", 255, answer("0202020000000001"), "longer"},
	} {
		src, dst := addr(c.src), addr(c.dst)
		icmp6.SetChecksum(src, dst, c.msg)
		_, err := ParseClaim(src, dst, c.hops, c.msg)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if _, err := ParseClaim(addr("::"), addr(group), 255, set(probe(""), 3, 0)); err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("checksum: %v", err)
	}
}
