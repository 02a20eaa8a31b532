package icmp6_test

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"

	"golang.org/x/net/ipv6"

	"github.com/hextet/hextet/icmp6"
)

func ExampleSetChecksum() {
	src, dst := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")

	// An echo request of odd length, with a stale checksum.
	msg := append([]byte{128, 0, 0xde, 0xad, 0x12, 0x34, 0, 1}, "hextet!"...)
	if err := icmp6.SetChecksum(src, dst, msg); err != nil {
		fmt.Println(err)
	}
	fmt.Printf("checksum %x\n", msg[2:4])
	fmt.Println("valid:", icmp6.Valid(src, dst, msg))

	msg[10] ^= 1
	fmt.Println("valid with one bit flipped:", icmp6.Valid(src, dst, msg))
	// Output:
	// checksum aabd
	// valid: true
	// valid with one bit flipped: false
}

func ExampleOffset_Fill() {
	// A raw socket for OSPF (protocol 89) sets IPV6_CHECKSUM to 12.
	offset, err := icmp6.NewOffset(89, 12)
	if err != nil {
		fmt.Println(err)
		return
	}
	src, dst := netip.MustParseAddr("fe80::1"), netip.MustParseAddr("ff02::5")

	hello := make([]byte, 16)
	hello[0], hello[1], hello[3] = 3, 1, 16 // version, type, length
	fmt.Println(offset.Fill(src, dst, 89, hello))
	fmt.Printf("%x\n", hello)
	fmt.Println(offset.Verify(src, dst, 89, hello))

	hello[15] = 7
	fmt.Println(offset.Verify(src, dst, 89, hello))
	fmt.Println(offset.Fill(src, dst, 89, hello[:13]))
	// Output:
	// <nil>
	// 030100100000000000000000fefb0000
	// <nil>
	// icmp6: wrong checksum: protocol 89, 16 bytes, 0xfefb at offset 12, due 0xfef4
	// icmp6: packet too short for its checksum field: 13 bytes, field at offset 12
}

func ExampleNewOffset() {
	for _, try := range []struct {
		proto  uint8
		offset int
	}{{89, 12}, {89, -7}, {89, 5}, {89, 70000}, {icmp6.Protocol, 2}} {
		offset, err := icmp6.NewOffset(try.proto, try.offset)
		fmt.Println(offset, err, errors.Is(err, syscall.EINVAL))
	}
	// Output:
	// 12 <nil> false
	// -1 <nil> false
	// -1 icmp6: odd checksum offset: 5 true
	// -1 icmp6: checksum offset too large: 70000, at most 65532 true
	// 2 icmp6: the ICMPv6 checksum is mandatory at offset 2: offset 2 refused true
}

func ExampleFilter() {
	// A ping program wants echo replies and nothing else.
	var f icmp6.Filter
	f.BlockAll()
	f.Accept(ipv6.ICMPTypeEchoReply)
	fmt.Println("echo reply blocked:", f.WillBlock(ipv6.ICMPTypeEchoReply))
	fmt.Println("echo request blocked:", f.WillBlock(ipv6.ICMPTypeEchoRequest))
	// Output:
	// echo reply blocked: false
	// echo request blocked: true
}

func ExampleOffset_FillBuffers() {
	// Header and data in buffers of their own, as writev has them; the field
	// straddles the first two.
	src, dst := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
	pieces := [][]byte{{128, 0, 0}, {0, 0x12, 0x34, 0, 1}, []byte("hextet!")}
	if err := icmp6.DefaultOffset(icmp6.Protocol).FillBuffers(src, dst, icmp6.Protocol, pieces); err != nil {
		fmt.Println(err)
	}
	fmt.Printf("%x %x\n", pieces[0], pieces[1])
	// Output: 8000aa bd12340001
}

func ExampleDefaultOffset() {
	for _, proto := range []uint8{icmp6.Protocol, 17, 253} {
		fmt.Println(proto, icmp6.DefaultOffset(proto))
	}
	// Output:
	// 58 2
	// 17 -1
	// 253 -1
}

func ExampleFinalDestination() {
	// A packet is on its way to 2001:db8::99 and ends at 2001:db8::2, as the last
	// segment of its Segment Routing Header says: the first in the list.
	header := []byte{58, 4, 4, 1, 1, 0, 0, 0}
	for _, segment := range []string{"2001:db8::2", "2001:db8::99"} {
		header = append(header, netip.MustParseAddr(segment).AsSlice()...)
	}
	fmt.Println(icmp6.FinalDestination(netip.MustParseAddr("2001:db8::99"), 43, header))
	fmt.Println(icmp6.FinalDestination(netip.MustParseAddr("2001:db8::99"), 43, header[:24]))
	// Output:
	// 2001:db8::2 <nil>
	// invalid IP icmp6: bad extension header: type 43: 24 bytes, of at least 40
}

func ExampleFilterOf() {
	var x ipv6.ICMPFilter // of golang.org/x/net
	x.SetAll(true)
	x.Accept(ipv6.ICMPTypeEchoReply)

	f, err := icmp6.FilterOf(&x)
	if errors.Is(err, errors.ErrUnsupported) { // Windows, js and others, where x is empty
		f.BlockAll()
		f.Accept(ipv6.ICMPTypeEchoReply)
	}
	fmt.Println(f.WillBlock(ipv6.ICMPTypeEchoReply), f.WillBlock(ipv6.ICMPTypeRouterAdvertisement))
	// Output: false true
}
