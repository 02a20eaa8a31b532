package lab

import (
	"encoding/hex"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// frameOf makes an Ethernet frame of layers, with lengths and checksums.
func frameOf(t testing.TB, next ...gopacket.SerializableLayer) []byte {
	t.Helper()
	eth := &layers.Ethernet{SrcMAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}, DstMAC: net.HardwareAddr{2, 0, 0, 0, 0, 2}}
	for _, l := range next {
		switch l := l.(type) {
		case *layers.IPv4:
			eth.EthernetType = layers.EthernetTypeIPv4
		case *layers.IPv6:
			eth.EthernetType = layers.EthernetTypeIPv6
			if l.DstIP[0] == 0xff {
				eth.DstMAC = net.HardwareAddr{0x33, 0x33, 0, 0, 0, 1}
			}
		case *layers.ARP:
			eth.EthernetType = layers.EthernetTypeARP
		}
	}
	buf := gopacket.NewSerializeBuffer()
	opts := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if err := gopacket.SerializeLayers(buf, opts, append([]gopacket.SerializableLayer{eth}, next...)...); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func ip6(src, dst string, next layers.IPProtocol) *layers.IPv6 {
	return &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: next, SrcIP: net.ParseIP(src), DstIP: net.ParseIP(dst)}
}

func ip4(src, dst string, next layers.IPProtocol) *layers.IPv4 {
	return &layers.IPv4{Version: 4, TTL: 64, Protocol: next, SrcIP: net.ParseIP(src).To4(), DstIP: net.ParseIP(dst).To4()}
}

func tcp6(t testing.TB, src, dst string, tcp layers.TCP, n int) []byte {
	ip := ip6(src, dst, layers.IPProtocolTCP)
	tcp.SetNetworkLayerForChecksum(ip)
	return frameOf(t, ip, &tcp, gopacket.Payload(make([]byte, n)))
}

func udp4(t testing.TB, src, dst string, udp layers.UDP, n int) []byte {
	ip := ip4(src, dst, layers.IPProtocolUDP)
	udp.SetNetworkLayerForChecksum(ip)
	return frameOf(t, ip, &udp, gopacket.Payload(make([]byte, n)))
}

func icmp6of(t testing.TB, src, dst string, kind, code uint8, body []byte) []byte {
	ip := ip6(src, dst, layers.IPProtocolICMPv6)
	icmp := &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(kind, code)}
	icmp.SetNetworkLayerForChecksum(ip)
	return frameOf(t, ip, icmp, gopacket.Payload(body))
}

// samples are packets of one kind each, by name.
func samples(t testing.TB) map[string]Packet {
	web, dns := &port{name: "web/eth0"}, &port{name: "dns/eth0"}
	arp := &layers.ARP{AddrType: layers.LinkTypeEthernet, Protocol: layers.EthernetTypeIPv4, HwAddressSize: 6, ProtAddressSize: 4, Operation: 1,
		SourceHwAddress: make([]byte, 6), SourceProtAddress: []byte{10, 0, 0, 1}, DstHwAddress: make([]byte, 6), DstProtAddress: []byte{10, 0, 0, 2}}
	bad := udp4(t, "10.0.0.1", "10.0.0.2", layers.UDP{SrcPort: 9, DstPort: 10}, 3)
	bad[14+20+8] ^= 1 // behind the 3 bytes there is padding
	fragment := ip4("10.0.0.1", "10.0.0.2", layers.IPProtocolUDP)
	fragment.FragOffset = 100
	all := map[string]Packet{
		"syn":      {From: "client/eth0", Segment: "lan1", Data: tcp6(t, "2001:db8::1", "2001:db8::2", layers.TCP{SrcPort: 5000, DstPort: 80, SYN: true}, 0), fates: []fates{{to: []*port{web}}}},
		"synack":   {From: "web/eth0", Segment: "lan1", Data: tcp6(t, "2001:db8::2", "2001:db8::1", layers.TCP{SrcPort: 80, DstPort: 5000, SYN: true, ACK: true}, 0)},
		"bulk":     {From: "web/eth0", Segment: "lan2", Data: tcp6(t, "2001:db8::2", "2001:db8::1", layers.TCP{SrcPort: 80, DstPort: 5000, ACK: true}, 1400)},
		"query":    {From: "client/eth1", Segment: "lan1", Data: udp4(t, "10.0.0.1", "10.0.0.2", layers.UDP{SrcPort: 4000, DstPort: 53}, 20), fates: []fates{{to: []*port{dns}, outcome: Lost}}},
		"bad":      {From: "client/eth0", Segment: "lan1", Data: bad, fates: []fates{{to: []*port{dns}, marks: corrupted | duplicate}}},
		"ns":       {From: "web/eth0", Segment: "lan1", Data: icmp6of(t, "fe80::1", "ff02::1:ff00:2", 135, 0, make([]byte, 20))},
		"toobig":   {From: "r/eth0", Segment: "lan2", Data: icmp6of(t, "fe80::9", "2001:db8::2", 2, 0, make([]byte, 60))},
		"arp":      {From: "client/eth0", Segment: "lan1", Data: frameOf(t, arp)},
		"fragment": {From: "client/eth0", Segment: "lan1", Data: frameOf(t, fragment, gopacket.Payload(make([]byte, 16)))},
		"nothing":  {From: "client/eth0", Segment: "lan3", Data: []byte{1, 2, 3}},
	}
	return all
}

func TestFilter(t *testing.T) {
	names := []string{"syn", "synack", "bulk", "query", "bad", "ns", "toobig", "arp", "fragment", "nothing"}
	pkts := samples(t)
	for _, c := range []struct{ text, want string }{
		{"", "syn synack bulk query bad ns toobig arp fragment nothing"},
		{"ip", "query bad fragment"},
		{"ip6", "syn synack bulk ns toobig"},
		{"arp", "arp"},
		{"tcp", "syn synack bulk"},
		{"udp", "query bad fragment"},
		{"icmp", ""},
		{"icmp6", "ns toobig"},
		{"proto 58", "ns toobig"},
		{"igmp", ""},
		{"src 2001:db8::1", "syn"},
		{"dst 2001:db8::1", "synack bulk"},
		{"src host 2001:db8::1", "syn"},
		{"src net 2001:db8::/32", "syn synack bulk"},
		{"host 10.0.0.2", "query bad arp fragment"},
		{"net 2001:db8::/32", "syn synack bulk toobig"},
		{"net fe80::/10", "ns toobig"},
		{"host web", "syn synack bulk ns"},
		{"from web", "synack bulk ns"},
		{"to web", "syn"},
		{"to web/eth0", "syn"},
		{"from client/eth1", "query"},
		{"from cli", ""},
		{"on lan2", "bulk toobig"},
		{"port 80", "syn synack bulk"},
		{"src port 80", "synack bulk"},
		{"dst port 53", "query"},
		{"type 135", "ns"},
		{"type ns", "ns"},
		{"type too-big", "toobig"},
		{"type echo-request", ""},
		{"code 0", "ns toobig"},
		{"syn", "syn synack"},
		{"ack", "synack bulk"},
		{"rst or fin or psh", ""},
		{"len > 1000", "bulk"},
		{"len = 60", "syn synack"},
		{"len <= 48", "query bad fragment"},
		{"len != 60 and tcp", "bulk"},
		{"multicast", "ns nothing"},
		{"fragment", "fragment"},
		{"lost", "query"},
		{"corrupted", "bad"},
		{"duplicated", "bad"},
		{"badsum", "bad"},
		{"tcp port 80 and not host web", ""},
		{"tcp port 80, not from web", "syn"},
		{"not tcp and not udp and not icmp6", "arp nothing"},
		{"syn and ack or arp", "synack arp"},
		{"arp or syn and ack", "synack arp"},
		{"(arp or syn) and ack", "synack"},
		{"!(tcp||udp)&&ip6", "ns toobig"},
		{"not not arp", "arp"},
	} {
		f, err := ParseFilter(c.text)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		var got []string
		for _, name := range names {
			if f(pkts[name]) {
				got = append(got, name)
			}
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%q passes %q, not %q", c.text, s, c.want)
		}
	}
}

func TestFilterErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"tcp und port 80", `lab: filter "tcp und port 80": at 5, "und": "and", "or" or the end is expected`},
		{"src", `lab: filter "src": at its end, an address or a prefix is expected`},
		{"src web", `at 5, "web": an address or a prefix is expected`},
		{"src fe80::1%eth0", `at 5, "fe80::1%eth0": an address or a prefix is expected`},
		{"port 65536", `at 6, "65536": a number from 0 to 65535 is expected`},
		{"port http", `at 6, "http": a number from 0 to 65535 is expected`},
		{"type hello", `at 6, "hello": a number from 0 to 255 or a name, as in ns, is expected`},
		{"len 1000", `at 5, "1000": <, <=, >, >=, = or != is expected`},
		{"(tcp", `at its end, ")", "and" or "or" is expected`},
		{"tcp)", `at 4, ")": "and", "or" or the end is expected`},
		{"tcp and", `at its end, a condition, as in tcp, src 2001:db8::1 or not port 80, is expected`},
		{"from (", `at 6, "(": a host's name is expected`},
		{strings.Repeat("not ", 102) + "tcp", "nested more than 100 deep"},
		{strings.Repeat("x", 5000), "lab: filter of 5000 bytes, of which 4096 are allowed"},
	} {
		_, err := ParseFilter(c.text)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.20q: %v, not %s", c.text, err, c.want)
		}
	}
}

func TestMatchPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a wrong text is taken")
		}
	}()
	Match("nonsense")
}

func TestFilterCombinations(t *testing.T) {
	first, second := Packet{Number: 1}, Packet{Number: 2}
	after := After(first)
	yes, no := Match(""), Match("").Not()
	for i, c := range []struct{ got, want bool }{
		{after(first), false}, {after(second), true},
		{yes.And(no)(first), false}, {yes.Or(no)(first), true}, {no.Or(no)(first), false}, {no(first), false},
	} {
		if c.got != c.want {
			t.Errorf("%d: %v", i, c.got)
		}
	}
}

// No text and no frame make a filter panic, and what is no error is one no longer only by its words.
func FuzzFilter(f *testing.F) {
	f.Add("icmp6 and src 2001:db8::1", []byte{})
	f.Add("tcp and port 80 and not host web, len > 3", icmp6of(f, "fe80::1", "ff02::1", 135, 0, make([]byte, 20)))
	f.Add("!(on lan1||syn)", udp4(f, "10.0.0.1", "10.0.0.2", layers.UDP{SrcPort: 1, DstPort: 2}, 5))
	f.Fuzz(func(t *testing.T, text string, frame []byte) {
		filter, err := ParseFilter(text)
		if err != nil {
			if filter != nil || !strings.HasPrefix(err.Error(), "lab: filter ") {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		p := Packet{From: "web/eth0", Segment: "lan1", Data: frame}
		not, err := ParseFilter("not (" + text + ")") // an error if that is too long, too deep, or empty
		if err == nil && not(p) == filter(p) {
			t.Fatalf("%q is as its opposite", text)
		}
	})
}

func ExampleMatch() {
	request, _ := hex.DecodeString("3333000000010200000000018" + "6dd" + "6000000000083a4020010db8000000000000000000000001ff020000000000000000000000000001" + "8000000000070001")
	p := Packet{Segment: "lan1", From: "web/eth0", Time: time.Unix(0, 0), Data: request}
	for _, text := range []string{"icmp6 and src 2001:db8::1", "type echo-request, multicast", "tcp or not from web"} {
		fmt.Println(text+":", Match(text)(p))
	}
	_, err := ParseFilter("tcp und port 80")
	fmt.Println(err)
	// Output:
	// icmp6 and src 2001:db8::1: true
	// type echo-request, multicast: true
	// tcp or not from web: false
	// lab: filter "tcp und port 80": at 5, "und": "and", "or" or the end is expected
}
