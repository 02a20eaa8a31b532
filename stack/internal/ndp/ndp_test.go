package ndp

import (
	"encoding/hex"
	"net"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

func addr(s string) netip.Addr     { return netip.MustParseAddr(s) }
func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

// goldenAdvertisement is from scapy 2.5.0:
//
//	IPv6(src="fe80::1",dst="ff02::1",hlim=255)/ICMPv6ND_RA(chlim=64,M=1,O=1,prf=1,routerlifetime=1800,
//	reachabletime=30000,retranstimer=1000)/ICMPv6NDOptSrcLLAddr(lladdr="02:00:00:00:00:01")/
//	ICMPv6NDOptMTU(mtu=1400)/
//	ICMPv6NDOptPrefixInfo(prefix="2001:db8:1::",prefixlen=64,L=1,A=1,validlifetime=86400,preferredlifetime=14400)/
//	ICMPv6NDOptPrefixInfo(prefix="2001:db8:2::",prefixlen=64,L=0,A=1,validlifetime=0xffffffff,preferredlifetime=0xffffffff)/
//	ICMPv6NDOptRouteInfo(prefix="2001:db8:ff00::",plen=40,prf=3,rtlifetime=600)/
//	ICMPv6NDOptRDNSS(dns=["2001:db8::53","fe80::53"],lifetime=1200)/
//	ICMPv6NDOptDNSSL(searchlist=["example.org","lab.example.com"],lifetime=1200)
var goldenAdvertisement = unhex(
	"6000000000c83aff fe800000000000000000000000000001 ff020000000000000000000000000001" +
		"860058b8 40 c8 0708 00007530 000003e8" +
		"0101 020000000001" +
		"0501 0000 00000578" +
		"0304 40c0 00015180 00003840 00000000 20010db8000100000000000000000000" +
		"0304 4040 ffffffff ffffffff 00000000 20010db8000200000000000000000000" +
		"1803 2818 00000258 20010db8ff000000 0000000000000000" +
		"1905 0000 000004b0 20010db8000000000000000000000053 fe800000000000000000000000000053" +
		"1f05 0000 000004b0 07 6578616d706c65 03 6f7267 00 03 6c6162 07 6578616d706c65 03 636f6d 00 0000")

// what says what is in it.
var what = Advertisement{
	Router: addr("fe80::1"), LinkAddr: net.HardwareAddr{2, 0, 0, 0, 0, 1}, HopLimit: 64, Managed: true, Other: true, Preference: High,
	Lifetime: 30 * time.Minute, Reachable: 30 * time.Second, Retrans: time.Second, MTU: 1400,
	Prefixes: []Prefix{
		{prefix("2001:db8:1::/64"), true, true, 24 * time.Hour, 4 * time.Hour},
		{prefix("2001:db8:2::/64"), false, true, Forever, Forever},
	},
	Routes:  []Route{{prefix("2001:db8:ff00::/40"), Low, 10 * time.Minute}},
	Servers: []Server{{addr("2001:db8::53"), 20 * time.Minute}, {addr("fe80::53"), 20 * time.Minute}},
	Search:  []Domain{{"example.org", 20 * time.Minute}, {"lab.example.com", 20 * time.Minute}},
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// parse takes an IPv6 packet apart and parses it.
func parse(pkt []byte) (*Advertisement, error) {
	src, dst := netip.AddrFrom16([16]byte(pkt[8:])), netip.AddrFrom16([16]byte(pkt[24:]))
	return ParseAdvertisement(src, dst, int(pkt[7]), pkt[40:])
}

func TestParseGolden(t *testing.T) {
	got, err := parse(goldenAdvertisement)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(*got, what) {
		t.Errorf("got  %+v\nwant %+v", *got, what)
	}
}

// What the encoder writes differs from scapy's only in that every server and name has an option.
func TestPacket(t *testing.T) {
	one := what
	one.Servers, one.Search = one.Servers[:1], nil
	// ICMPv6NDOptRDNSS(dns=["2001:db8::53"],lifetime=1200), and no DNSSL
	want := unhex("6000000000903aff fe800000000000000000000000000001 ff020000000000000000000000000001" + "8600")
	got := one.Packet(AllNodes, net.HardwareAddr{2, 0, 0, 0, 0, 1})
	if !reflect.DeepEqual(got[:len(want)], want) || !reflect.DeepEqual(got[44:160], goldenAdvertisement[44:160]) {
		t.Errorf("got\n%x", got)
	}
	for _, ra := range []Advertisement{one, what, {Router: addr("fe80::2"), Lifetime: time.Second, Preference: Low}, {Router: addr("fe80::3")}} {
		if back, err := parse(ra.Packet(AllNodes, ra.LinkAddr)); err != nil || !reflect.DeepEqual(*back, ra) {
			t.Errorf("%+v came back as %+v, %v", ra, back, err)
		}
	}
}

func TestSolicitation(t *testing.T) {
	hw := net.HardwareAddr{2, 0, 0, 0, 0, 2}
	// IPv6(src=...,dst="ff02::2",hlim=255)/ICMPv6ND_RS()/ICMPv6NDOptSrcLLAddr(lladdr="02:00:00:00:00:02")
	for _, c := range []struct {
		src  string
		hw   net.HardwareAddr
		want string
	}{
		{"fe80::ff:fe00:2", hw, "6000000000103aff fe8000000000000000000 0fffe000002 ff020000000000000000000000000002 85007b2a00000000 0101020000000002"},
		{"::", hw, "6000000000083aff 00000000000000000000000000000000 ff020000000000000000000000000002 85007bb800000000"},
		{"::", nil, "6000000000083aff 00000000000000000000000000000000 ff020000000000000000000000000002 85007bb800000000"},
	} {
		if got := Solicitation(addr(c.src), c.hw); !reflect.DeepEqual(got, unhex(c.want)) {
			t.Errorf("from %s: %x", c.src, got)
		}
	}
}
