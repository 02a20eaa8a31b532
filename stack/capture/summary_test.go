package capture

import (
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// Packets made with scapy 2.5.0: bytes(<line in the comment>).hex(), where
// A, B = IPv6(src="2001:db8::1", dst="2001:db8::2"), IP(src="192.0.2.1", dst="192.0.2.2", id=1).
var summaries = []struct {
	linkType LinkType
	hex      string
	want     string
}{
	// A/ICMPv6EchoRequest(id=7, seq=1, data=b"12345678")
	{Raw, "6000000000103a4020010db800000000000000000000000120010db80000000000000000000000028000536300070001" +
		"3132333435363738", "2001:db8::1 > 2001:db8::2 ICMPv6 EchoRequest id 7 seq 1, 16 bytes"},
	// B/TCP(sport=49152, dport=80, seq=1, window=65535, flags="S")
	{Raw, "45000028000100004006f6cbc0000201c0000202c000005000000001000000005002ffff6b8d0000",
		"192.0.2.1:49152 > 192.0.2.2:80 TCP SYN seq 1 ack 0 win 65535, 0 bytes"},
	// A/UDP(sport=4000, dport=53)/DNS(id=9, rd=1, qd=DNSQR(qname="server.example", qtype="AAAA"))
	{Raw, "600000000028114020010db800000000000000000000000120010db80000000000000000000000020fa000350028a288" +
		"00090100000100000000000006736572766572076578616d706c6500001c0001",
		`[2001:db8::1]:4000 > [2001:db8::2]:53 UDP, 32 bytes: DNS Query id 9 "server.example" AAAA`},
	// B/UDP(sport=4000, dport=53)/DNS(id=9, opcode=5, rd=0, qd=DNSQR(qname="example", qtype="SOA"),
	// ns=DNSRR(rrname="a.example", type="A", rclass=255, ttl=0, rdlen=0, rdata="0.0.0.0"))
	{Raw, "4500004e000100004011f69ac0000201c00002020fa00035003ae49e000928000001000000010000076578616d706c65" +
		"00000600010161076578616d706c6500000100ff00000000000000000000",
		`192.0.2.1:4000 > 192.0.2.2:53 UDP, 50 bytes: DNS Update id 9 "example" SOA`},
	// B/ICMP(id=3, seq=4)
	{Raw, "4500001c000100004001f6dcc0000201c0000202" + "0800f7f800030004",
		"192.0.2.1 > 192.0.2.2 ICMP EchoRequest id 3 seq 4, 8 bytes"},
	// A/IPv6ExtHdrFragment(offset=181, id=5, nh=17)/(b"x"*8)
	{Raw, "6000000000102c4020010db800000000000000000000000120010db8000000000000000000000002110005a800000005" +
		"7878787878787878", "2001:db8::1 > 2001:db8::2 fragment id 5 at 1448, 8 bytes"},
	// A/IPv6ExtHdrHopByHop(options=[RouterAlert()])/ICMPv6EchoReply(id=7, seq=2)
	{Raw, "600000000010004020010db800000000000000000000000120010db80000000000000000000000023a00050200000100" +
		"8100233f00070002", "2001:db8::1 > 2001:db8::2 ICMPv6 EchoReply id 7 seq 2, 8 bytes"},
	// IPv6(src="fe80::1", dst="ff02::5", nh=89)/(b"x"*4)
	{Raw, "6000000000045940fe800000000000000000000000000001ff02000000000000000000000000000578787878",
		"fe80::1 > ff02::5 protocol 89, 4 bytes"},
	// Ether(src="02:00:00:00:00:01", dst="ff:ff:ff:ff:ff:ff")/
	// ARP(hwsrc="02:00:00:00:00:01", psrc="192.0.2.1", pdst="192.0.2.2")
	{Ethernet, "ffffffffffff02000000000108060001080006040001020000000001c0000201000000000000c0000202",
		"ARP who has 192.0.2.2? tell 192.0.2.1"},
	// Ether(src="02:00:00:00:00:01", dst="33:33:ff:00:00:02")/
	// IPv6(src="fe80::1", dst="ff02::1:ff00:2", hlim=255)/ICMPv6ND_NS(tgt="2001:db8::2")
	{Ethernet, "3333ff00000202000000000186dd6000000000183afffe800000000000000000000000000001ff020000000000000000" +
		"0001ff00000287004e690000000020010db8000000000000000000000002",
		"fe80::1 > ff02::1:ff00:2 ICMPv6 NeighborSolicitation 2001:db8::2, 24 bytes"},
	// By hand: an IPv6 header with No Next Header and nothing behind it.
	{Raw, "6000000000003b4020010db800000000000000000000000120010db8000000000000000000000002",
		"2001:db8::1 > 2001:db8::2 protocol 59, 0 bytes"},
	{Ethernet, "ffffffffffff02000000000188cc00", "02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff type 0x88cc, 1 bytes"},
	{Raw, "", "malformed, 0 bytes"},
	{Raw, "6000", "malformed, 2 bytes"},
	{Raw, "f0", "malformed, 1 bytes"},
	{Ethernet, "0102", "malformed, 2 bytes"},
	// The ARP packet above, cut before its last address, and with address
	// lengths of 255, which makes gopacket panic.
	{Ethernet, "ffffffffffff02000000000108060001080006040001020000000001c0000201000000000000", "malformed, 24 bytes"},
	{Ethernet, "ffffffffffff020000000001080600010800ffff0001020000000001c0000201000000000000c0000202", "malformed, 42 bytes"},
	// A DNS question cut inside its class, which makes gopacket panic.
	{Raw, "4500002c0001000040110000c0000201c0000202" + "0fa0003500180000" + "80466c7c000100009deccb5f00c70c23",
		"192.0.2.1:4000 > 192.0.2.2:53 UDP, 16 bytes: DNS malformed"},
	{147, "00", "link type 147, 1 bytes"},
}

func TestSummary(t *testing.T) {
	for _, c := range summaries {
		b, err := hex.DecodeString(c.hex)
		if err != nil {
			t.Fatal(err)
		}
		if got := Summary(Packet{LinkType: c.linkType, Data: b}); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

func TestPacketString(t *testing.T) {
	p := Packet{Time: time.Unix(3, 4), Interface: "a", Direction: Inbound, Data: []byte{0xf0}, Comment: "rule 8"}
	if got, want := p.String(), `00:00:03.000000004 a in malformed, 1 bytes # "rule 8"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	p.Direction, p.Comment = 3, ""
	if got, want := p.String(), "00:00:03.000000004 a ? malformed, 1 bytes"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func checkSummary(t *testing.T, lt LinkType, b []byte) {
	before := string(b)
	s := Summary(Packet{LinkType: lt, Data: b})
	if s == "" || strings.ContainsAny(s, "\n\r\x00") {
		t.Fatalf("link type %d, % x: %q is not one line", lt, b, s)
	}
	if string(b) != before {
		t.Fatalf("link type %d, % x: changed", lt, before)
	}
}

// Random bytes behind each header of the table, cut and changed everywhere.
func TestSummaryOfDamage(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, c := range summaries {
		whole, _ := hex.DecodeString(c.hex)
		for n := range whole {
			checkSummary(t, c.linkType, whole[:n])
			for range 20 {
				b := append([]byte(nil), whole...)
				for i := n; i < len(b); i++ {
					b[i] = byte(r.Uint32())
				}
				checkSummary(t, c.linkType, b)
			}
		}
	}
}

func FuzzSummary(f *testing.F) {
	for _, c := range summaries {
		b, _ := hex.DecodeString(c.hex)
		f.Add(uint16(c.linkType), b)
	}
	f.Fuzz(func(t *testing.T, lt uint16, b []byte) { checkSummary(t, LinkType(lt), b) })
}
