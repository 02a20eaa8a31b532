package stack_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"testing"

	"github.com/hextet/hextet/icmp6"
	"github.com/hextet/hextet/stack"
)

// fuzzedHost is a router with an Ethernet and a bare link, sockets of every kind and an address that is
// to keep quiet, on stopped time.
func fuzzedHost(f *testing.F) (eth, bare *fedLink) {
	s := newStack(f, stack.Config{Clock: newSteppedClock()})
	eth, bare = newFedLink(net.HardwareAddr{2, 0, 0, 0, 0, 1}), newFedLink(nil)
	for _, side := range []struct {
		name  string
		l     *fedLink
		addrs []stack.Address
	}{
		{"eth0", eth, []stack.Address{plain("2001:db8::1/64"), skip("2001:db8::5/64"), plain("192.0.2.1/24"), skip("192.0.2.5/24")}},
		{"bare", bare, []stack.Address{plain("2001:db8:b::1/64"), plain("198.51.100.1/24")}},
	} {
		i, err := s.Attach(stack.InterfaceConfig{Name: side.name, Link: side.l, Forward: true})
		if err != nil {
			f.Fatal(err)
		}
		if err := i.AddAddresses(side.addrs); err != nil {
			f.Fatal(err)
		}
	}
	for _, proto := range []uint8{58, 89, 253} {
		listenRaw(f, s, proto, "")
	}
	if _, err := s.Listen(f.Context(), "tcp", ":80"); err != nil {
		f.Fatal(err)
	}
	if _, err := s.ListenPacket(f.Context(), "udp", ":7"); err != nil {
		f.Fatal(err)
	}
	return eth, bare
}

// FuzzFrames brings a frame by Ethernet, and its payload by a bare link. Whatever it is, the host goes on,
// and what it sends is whole: right lengths, right checksums, and no source that must keep quiet.
func FuzzFrames(f *testing.F) {
	eth, bare := fuzzedHost(f)
	var bad error
	for _, l := range []*fedLink{eth, bare} {
		l.sent = func(b []byte) {
			if err := checkSent(b, l.hw != nil); err != nil && bad == nil {
				bad = fmt.Errorf("%w: %x", err, b)
			}
		}
	}
	for _, p := range frameSeeds() {
		typ := []byte{8, 0}
		if p[0]>>4 == 6 {
			typ = []byte{0x86, 0xdd}
		}
		if p[0] == 0 {
			typ = []byte{8, 6}
		}
		f.Add(append(append([]byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9}, typ...), p...))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		frame = frame[:min(len(frame), 1514)]
		eth.feed(frame)
		if len(frame) > 14 {
			bare.feed(frame[14:])
		}
		if bad != nil {
			t.Fatal(bad)
		}
	})
}

// frameSeeds has a packet of every kind that a host reads.
func frameSeeds() [][]byte {
	icmp := func(src, dst string, hops uint8, msg string) []byte {
		return ip6(src, dst, 58, hops, sealed(src, dst, 58, 2, []byte(msg)))
	}
	zeros := func(n int) string { return string(make([]byte, n)) }
	own := netip.MustParseAddr("2001:db8::1").As16()
	seeds := [][]byte{
		append([]byte{0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 9, 192, 0, 2, 9, 0, 0, 0, 0, 0, 0}, 192, 0, 2, 1),
		append([]byte{0, 1, 8, 0, 6, 4, 0, 2, 2, 0, 0, 0, 0, 9, 192, 0, 2, 9, 2, 0, 0, 0, 0, 1}, 192, 0, 2, 1),
		ip4("192.0.2.9", "192.0.2.1", 1, 64, 0, nil, []byte{8, 0, 0xf7, 0xff, 0, 0, 0, 0}),
		ip4("192.0.2.9", "192.0.2.5", 17, 64, 0x2000, []byte{7, 7, 4, 0, 0, 0, 0, 0}, make([]byte, 64)),
		ip4("192.0.2.9", "198.51.100.9", 17, 1, 0, nil, make([]byte, 8)),
		ip4("192.0.2.9", "192.0.2.1", 6, 64, 0, nil, []byte{9, 9, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0xff, 0xff, 0, 0, 0, 0}),
		igmpPacket("192.0.2.9", "224.0.0.1", []byte{0x11, 100, 0xee, 0x9b, 0, 0, 0, 0}),
		ip6("2001:db8::9", "2001:db8::1", 6, 64, sealed("2001:db8::9", "2001:db8::1", 6, 16, []byte{9, 9, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0xff, 0xff, 0, 0, 0, 0})),
		ip6("2001:db8::9", "2001:db8::5", 17, 64, sealed("2001:db8::9", "2001:db8::5", 17, 6, []byte{9, 9, 0, 9, 0, 8, 0, 0})),
		ip6("2001:db8::9", "2001:db8:b::9", 254, 1, []byte("x")),
		ip6("2001:db8::9", "2001:db8::1", 0, 64, append(routerAlert(60), append(destOptions(43), 58, 2, 0, 1, 0, 0, 0, 0)...)),
		ip6("2001:db8::9", "2001:db8::1", 60, 64, []byte{200, 0, 0xc2, 4, 0, 0, 0, 0}),
		ip6("2001:db8::9", "2001:db8::1", 253, 64, []byte("experiment")),
		icmp("2001:db8::9", "2001:db8::5", 64, "\x80\x00\x00\x00\x00\x01\x00\x01data"),
		icmp("2001:db8::9", "2001:db8::1", 255, "\x87\x00\x00\x00\x00\x00\x00\x00"+string(own[:])+"\x01\x01\x02\x00\x00\x00\x00\x09"),
		icmp("2001:db8::9", "ff02::1", 255, "\x88\x00\x00\x00\x20\x00\x00\x00"+string(own[:])+"\x02\x01\x02\x00\x00\x00\x00\x09"),
		icmp("fe80::9", "ff02::1", 255, "\x86\x00\x00\x00\x40\x00\x07\x08"+zeros(8)+"\x03\x04\x40\xc0\x00\x00\xff\xff\x00\x00\xff\xff\x00\x00\x00\x00"+string(own[:])),
		icmp("fe80::9", "ff02::2", 255, "\x85\x00\x00\x00\x00\x00\x00\x00"),
		icmp("fe80::9", "ff02::1", 1, "\x82\x00\x00\x00\x27\x10\x00\x00"+zeros(20)),
		icmp("2001:db8::9", "2001:db8::1", 64, "\x02\x00\x00\x00\x00\x00\x05\x00"+string(ip6("2001:db8::1", "2001:db8::9", 17, 64, make([]byte, 8)))),
	}
	return append(seeds, inFragments(58, 7, icmpIn(128, zeros(64)))...)
}

// checkSent checks what the host of FuzzFrames sends.
func checkSent(b []byte, ethernet bool) error {
	if ethernet {
		if len(b) < 14 {
			return fmt.Errorf("a short frame")
		}
		typ := binary.BigEndian.Uint16(b[12:])
		if b = b[14:]; typ == 0x0806 {
			return nil
		}
	}
	switch {
	case len(b) > 1500 || len(b) < 20:
		return fmt.Errorf("a packet of %d bytes", len(b))
	case b[0]>>4 == 4:
		if int(binary.BigEndian.Uint16(b[2:])) != len(b) || slowSum4(b[:int(b[0]&15)*4]) != 0xffff {
			return fmt.Errorf("the IPv4 header is wrong")
		}
		return nil
	case b[0]>>4 != 6 || len(b) < 40 || int(binary.BigEndian.Uint16(b[4:])) != len(b)-40:
		return fmt.Errorf("the IPv6 header is wrong")
	}
	src, dst := netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40]))
	if src.IsMulticast() || src.IsLoopback() {
		return fmt.Errorf("from %v", src)
	}
	// What is forwarded keeps the checksum that it came with.
	if own := bytes.HasPrefix(b[8:24], []byte{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}) && (b[23] == 1 || b[23] == 5); own && b[6] == 58 && !icmp6.Valid(src, dst, b[40:]) {
		return fmt.Errorf("the ICMPv6 checksum is wrong")
	}
	return nil
}
