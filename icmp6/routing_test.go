package icmp6_test

import (
	"encoding/hex"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/hextet/hextet/icmp6"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The extension headers of packets from 2001:db8::1 that end at 2001:db8::2. If nothing else is said
// they are those of scapy 2.5.0, with the HEADERS named, in front of the echo request below:
// bytes(IPv6(src="2001:db8::1",dst=DST)/HEADERS/ICMPv6EchoRequest(id=0x1234,seq=1,data=b"hextet!"))[40:].hex()
var routed = []struct {
	name    string
	dst     string
	next    uint8
	headers string
}{
	{"no extension header", "2001:db8::2", 58, ""},
	// HEADERS: IPv6ExtHdrRouting(type=2,segleft=1,addresses=["2001:db8::2"])
	{"mobile IPv6", "2001:db8:5::9", 43, "3a020201 00000000 20010db8000000000000000000000002"},
	// By hand, since scapy has no type 3; accepted by
	// tshark 4.0 -n -r FILE -T fields -e ipv6.routing.rpl.full_address -e icmpv6.checksum.status:
	// "2001:db8::77,2001:db8::2 1"
	{"RPL", "2001:db8::9", 43, "3a020302 8f700000 0000000000000077 02 00000000000000"},
	// HEADERS: IPv6ExtHdrSegmentRouting(addresses=["2001:db8::2","2001:db8::98","2001:db8::99"],segleft=2)
	{"segment routing", "2001:db8::99", 43, "3a060402 02000000 20010db8000000000000000000000002" +
		"20010db8000000000000000000000098 20010db8000000000000000000000099"},
	// The same on its last leg.
	{"segment routing, arrived", "2001:db8::2", 43, "3a060400 02000000 20010db8000000000000000000000002" +
		"20010db8000000000000000000000098 20010db8000000000000000000000099"},
	// HEADERS: IPv6ExtHdrHopByHop()/IPv6ExtHdrDestOpt()/
	// IPv6ExtHdrSegmentRouting(addresses=["2001:db8::2","2001:db8::99"],segleft=1)/IPv6ExtHdrFragment(id=7)
	{"all kinds", "2001:db8::99", 0, "3c000104 00000000 2b000104 00000000" +
		"2c040401 01000000 20010db8000000000000000000000002 20010db8000000000000000000000099" +
		"3a000000 00000007"},
	// HEADERS: IPv6ExtHdrSegmentRouting(addresses=["2001:db8::98","2001:db8::99"],segleft=1)/
	// IPv6ExtHdrRouting(type=2,segleft=1,addresses=["2001:db8::2"]); scapy's checksum is for ::98
	{"segment routing, then mobile IPv6", "2001:db8::99", 43, "2b040401 01000000 20010db8000000000000000000000098" +
		"20010db8000000000000000000000099 3a020201 00000000 20010db8000000000000000000000002"},
	// HEADERS: AH(nh=43,payloadlen=4,icv=b"\0"*12)/IPv6ExtHdrRouting(type=2,segleft=1,addresses=["2001:db8::2"])
	{"authenticated", "2001:db8:5::9", 51, "2b040000 00000001 00000000 00000000 00000000 00000000" +
		"3a020201 00000000 20010db8000000000000000000000002"},
	// HEADERS: IPv6ExtHdrRouting(type=0,segleft=0,addresses=["2001:db8::77"])
	{"deprecated, but done with", "2001:db8::2", 43, "3a020000 00000000 20010db8000000000000000000000077"},
}

func TestFinalDestination(t *testing.T) {
	echo := unhex(t, "80 00 aabd 1234 0001 68657874657421")
	for _, tt := range routed {
		t.Run(tt.name, func(t *testing.T) {
			headers := unhex(t, tt.headers)
			for _, b := range [][]byte{headers, slices.Concat(headers, echo)} {
				dst, err := icmp6.FinalDestination(netip.MustParseAddr(tt.dst), tt.next, b)
				if err != nil {
					t.Fatal(err)
				}
				if dst != host2 || !icmp6.Valid(host1, dst, echo) {
					t.Errorf("%v, want %v, to which the checksum belongs", dst, host2)
				}
			}
			// Cut anywhere, it is no way to host2 any more.
			for n := range headers {
				_, err := icmp6.FinalDestination(netip.MustParseAddr(tt.dst), tt.next, headers[:n])
				checkError(t, err, icmp6.ErrHeader, "bytes, of at least")
			}
		})
	}
}

func TestFinalDestinationStops(t *testing.T) {
	dst := netip.MustParseAddr("fe80::7%eth0")
	away := "3a020201 00000000 20010db8000000000000000000000002"
	for _, tt := range []struct {
		name    string
		next    uint8
		headers string
	}{
		{"upper layer", 58, away},
		{"no next header", 59, away},
		{"encrypted", 50, away},
		{"mobility header", 135, away},
		{"a later fragment", 44, "2b000008 00000007" + away},
		{"the last fragment", 44, "2b00ff00 00000007" + away},
	} {
		if got, err := icmp6.FinalDestination(dst, tt.next, unhex(t, tt.headers)); got != dst || err != nil {
			t.Errorf("%s: %v, %v, want %v", tt.name, got, err, dst)
		}
	}
	first := unhex(t, "2b000001 00000007"+away)
	if got, err := icmp6.FinalDestination(dst, 44, first); got != host2 || err != nil {
		t.Errorf("the first fragment: %v, %v, want %v", got, err, host2)
	}
}

func TestFinalDestinationRefuses(t *testing.T) {
	const seg = "20010db8000000000000000000000002"
	for _, tt := range []struct {
		name    string
		headers string
		text    string
	}{
		{"type 0", "3a020001 00000000" + seg, "Routing header of type 0 with 1 segments left"},
		{"type 1", "3a02010f 00000000" + seg, "Routing header of type 1 with 15 segments left"},
		{"unknown type", "3a02fd01 00000000" + seg, "type 253 with 1"},
		{"type 2, two segments", "3a040201 00000000" + seg + seg, "type 2, 40 bytes"},
		{"type 2, none", "3a000201 00000000", "type 2, 8 bytes"},
		{"type 2, two left", "3a020202 00000000" + seg, "2 segments left"},
		{"type 2, multicast", "3a020201 00000000 ff020000000000000000000000000001", "no unicast address"},
		{"type 2, unspecified", "3a020201 00000000 00000000000000000000000000000000", "no unicast address"},
		{"type 3, no room", "3a010301 00000000 0000000000000002", "type 3, 16 bytes"},
		{"type 3, too much padding", "3a010301 88900000 0000000000000002", "type 3"},
		{"type 3, no whole address", "3a020301 77f00000" + seg, "type 3"},
		{"type 3, more left than listed", "3a020303 8f700000 0000000000000077 0200000000000000", "3 segments left"},
		{"type 3, multicast", "3a020301 00000000 ff020000000000000000000000000001", "no unicast address"},
		{"type 4, no room", "3a020401 01000000" + seg, "type 4, 24 bytes"},
		{"type 4, no segment at all", "3a000401 00000000", "type 4, 8 bytes"},
		{"type 4, unspecified", "3a020401 00000000 00000000000000000000000000000000", "no unicast address"},
		{"type 4, more left than listed", "3a020402 00000000" + seg, "2 segments left"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := icmp6.FinalDestination(host1, 43, unhex(t, tt.headers))
			checkError(t, err, icmp6.ErrHeader, tt.text)
			if got.IsValid() || !errors.Is(err, syscall.EINVAL) {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
	for _, dst := range []netip.Addr{{}, netip.MustParseAddr("192.0.2.1")} {
		_, err := icmp6.FinalDestination(dst, 58, nil)
		checkError(t, err, icmp6.ErrFamily, "destination "+dst.String())
	}
}

// A packet travels along each kind of route; wherever it is looked at, its final destination is the
// same.
func TestFinalDestinationAllTheWay(t *testing.T) {
	for _, tt := range []struct {
		dst, headers, want string
		hops               int
	}{
		{"2001:db8:5::9", routed[1].headers, "2001:db8::2", 1},
		{"2001:db8::9", routed[2].headers, "2001:db8::2", 2},
		{"2001:db8::99", routed[3].headers, "2001:db8::2", 2},
		// CmprI 8, CmprE 14: what the last address lacks is in the one before it.
		{"2001:db8::9", "3a020302 8e600000 0011223344556677 9999 000000000000", "2001:db8::11:2233:4455:9999", 2},
		// A reduced list: the first segment is only in the Destination Address.
		{"2001:db8::99", "3a020401 00000000 20010db8000000000000000000000002", "2001:db8::2", 1},
	} {
		p := traveller{netip.MustParseAddr(tt.dst), unhex(t, tt.headers)}
		for hop := 0; ; hop++ {
			got, err := icmp6.FinalDestination(p.dst, 43, p.header)
			if err != nil || got.String() != tt.want {
				t.Errorf("%s, hop %d at %v: %v, %v, want %s", tt.headers, hop, p.dst, got, err, tt.want)
			}
			if !p.forward() {
				if hop != tt.hops || p.dst.String() != tt.want {
					t.Errorf("%s: arrived at %v after %d hops", tt.headers, p.dst, hop)
				}
				break
			}
		}
	}
}

// A traveller is the twin of FinalDestination: a packet with a Routing header that each node on its
// way forwards as the RFCs tell it to.
type traveller struct {
	dst    netip.Addr
	header []byte
}

// forward takes one hop. It reports false once the packet has arrived.
func (p *traveller) forward() bool {
	left := int(p.header[3])
	if left == 0 {
		return false
	}
	p.header[3]--
	switch p.header[2] {
	case 2: // RFC 6275 section 6.4: the address in the header is swapped with the destination
		p.swap(8, 0)
	case 3: // RFC 6554 section 4.2: "swap the IPv6 Destination Address and Address[i]", i = n - Segments Left
		cmprI, cmprE := int(p.header[4]>>4), int(p.header[4]&15)
		n := (int(p.header[1])*8-int(p.header[5]>>4)-(16-cmprE))/(16-cmprI) + 1
		i := n - (left - 1) // Segments Left is decremented first
		at := 8 + (i-1)*(16-cmprI)
		if i == n {
			p.swap(at, cmprE)
		} else {
			p.swap(at, cmprI)
		}
	case 4: // RFC 8754 section 4.3.1.1: the destination becomes Segment List[Segments Left], nothing is swapped
		p.dst = netip.AddrFrom16([16]byte(p.header[8+16*(left-1):]))
	}
	return true
}

// swap exchanges the destination, but for its first elided bytes, with the header's bytes at an offset.
func (p *traveller) swap(at, elided int) {
	dst := p.dst.As16()
	for i := elided; i < 16; i++ {
		dst[i], p.header[at+i-elided] = p.header[at+i-elided], dst[i]
	}
	p.dst = netip.AddrFrom16(dst)
}

func TestFinalDestinationMakesNoGarbage(t *testing.T) {
	headers := unhex(t, routed[5].headers)
	dst := netip.MustParseAddr(routed[5].dst)
	if n := testing.AllocsPerRun(100, func() { _, _ = icmp6.FinalDestination(dst, 0, headers) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
