package checksum_test

import (
	"fmt"
	"net/netip"

	"github.com/hextet/hextet/icmp6/checksum"
)

func ExampleSum() {
	src, dst := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
	echo := []byte{128, 0, 0, 0, 0x12, 0x34, 0, 1, 'h', 'i', '!'} // the checksum field holds 0

	s := checksum.PseudoHeader(src, dst, 58, uint32(len(echo)))
	field := ^checksum.Sum(echo, s)
	fmt.Printf("checksum %#04x\n", field)

	echo[2], echo[3] = byte(field>>8), byte(field)
	fmt.Printf("received %#04x\n", checksum.Sum(echo, s))
	// Output:
	// checksum 0x88a6
	// received 0xffff
}

func ExampleAccumulator() {
	// A UDP datagram over IPv4: the header is never stored, and the payload comes
	// in pieces, one of them odd.
	var a checksum.Accumulator
	a.AddAddr(netip.MustParseAddr("192.0.2.1"))
	a.AddAddr(netip.MustParseAddr("192.0.2.2"))
	a.Add16(17) // protocol
	a.Add16(14) // length in the pseudo-header
	a.Add16(5353)
	a.Add16(53)
	a.Add16(14)
	a.Write([]byte("hex"))
	a.Write([]byte("tet"))

	field := ^a.Sum16()
	if field == 0 {
		field = 0xffff // 0 would mean that there is no checksum
	}
	fmt.Printf("%#04x\n", field)
	// Output: 0x2062
}

func ExampleCopy() {
	packet := make([]byte, 1280)
	s := checksum.Copy(packet[40:], []byte("payload"), 0)
	fmt.Printf("%q %#04x\n", packet[40:47], s)
	// Output: "payload" 0xbd2f
}

func ExampleUpdate() {
	// A router lowers the time to live of an IPv4 header: the word it shares with
	// the protocol changes from 0x4011 to 0x3f11.
	fmt.Printf("%#04x\n", checksum.Update(0xb861, 0x4011, 0x3f11))
	// Output: 0xb961
}
