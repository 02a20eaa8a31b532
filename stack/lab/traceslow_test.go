package lab

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net"
	"slices"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// slowSums is the twin of headers.checksums for packets without options and extension headers: it computes what the checksum
// should be, byte by byte, and compares.
func slowSums(frame []byte) error {
	b := frame[14:]
	var pseudo, upper []byte
	var proto byte
	if b[0]>>4 == 4 {
		head := slices.Clone(b[:20])
		head[10], head[11] = 0, 0
		if slowSum(head) != binary.BigEndian.Uint16(b[10:]) {
			return errors.New("IPv4")
		}
		upper, proto = b[20:binary.BigEndian.Uint16(b[2:])], b[9]
		pseudo = slices.Concat(b[12:20], []byte{0, proto, byte(len(upper) >> 8), byte(len(upper))})
	} else {
		upper, proto = b[40:40+int(binary.BigEndian.Uint16(b[4:]))], b[6]
		pseudo = slices.Concat(b[8:40], []byte{0, 0, byte(len(upper) >> 8), byte(len(upper)), 0, 0, 0, proto})
	}
	at := map[byte]int{1: 2, 6: 16, 17: 6, 58: 2}[proto]
	if proto == 1 {
		pseudo = nil
	}
	field := binary.BigEndian.Uint16(upper[at:])
	whole := slices.Concat(pseudo, upper)
	whole[len(pseudo)+at], whole[len(pseudo)+at+1] = 0, 0
	want := slowSum(whole)
	switch {
	case proto == 17 && field == 0 && b[0]>>4 == 4:
		return nil
	case proto == 17 && want == 0:
		want = 0xffff
	}
	if field != want {
		return errors.New("upper")
	}
	return nil
}

func slowSum(b []byte) uint16 {
	sum := 0
	for i, c := range b {
		if i%2 == 0 {
			sum += int(c) << 8
		} else {
			sum += int(c)
		}
	}
	for sum > 0xffff {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}

func TestChecksumsAgainstTwin(t *testing.T) {
	luck := rand.New(rand.NewPCG(1, 2))
	bad := 0
	for n := range 1500 {
		icmp4 := &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(8, 0), Id: 7, Seq: uint16(n)}
		body := make([]byte, n)
		for i := range body {
			body[i] = byte(luck.Uint32())
		}
		for kind, frame := range [][]byte{
			tcp6(t, "2001:db8::1", "2001:db8::2", layers.TCP{SrcPort: layers.TCPPort(n), DstPort: 80}, n),
			udp4(t, "10.0.0.1", "10.0.0.2", layers.UDP{SrcPort: layers.UDPPort(n), DstPort: 53}, n),
			icmp6of(t, "fe80::1", "ff02::1", 128, 0, slices.Concat(make([]byte, 4), body)),
			frameOf(t, ip4("10.0.0.1", "10.0.0.2", 1), icmp4),
		} {
			h := parse(frame)
			if err := h.checksums(); err != nil || slowSums(frame) != nil {
				t.Fatalf("%d, %d bytes: %v, %v", kind, n, err, slowSums(frame))
			}
			// Addresses, checksums and everything behind, but no length, version or protocol.
			where := 14 + 8 + luck.IntN(len(h.ip)-8)
			if h.version == 4 {
				where = 14 + 10 + luck.IntN(len(h.ip)-10)
			}
			frame[where] ^= 1 << luck.IntN(8)
			h = parse(frame)
			got, want := h.checksums(), slowSums(frame)
			if (got == nil) != (want == nil) {
				t.Fatalf("%d, %d bytes, byte %d: %v, %v", kind, n, where, got, want)
			}
			if got != nil {
				bad++
			}
		}
	}
	if bad < 5900 {
		t.Errorf("%d of 6000 inverted bits were noticed", bad)
	}
}

// What is not judged, and what is judged in a way of its own.
func TestChecksumsSpecial(t *testing.T) {
	zero := udp4(t, "10.0.0.1", "10.0.0.2", layers.UDP{SrcPort: 1, DstPort: 2}, 3)
	zero[14+20+6], zero[14+20+7] = 0, 0
	ip := ip6("2001:db8::1", "2001:db8::2", layers.IPProtocolUDP)
	udp := &layers.UDP{SrcPort: 1, DstPort: 2}
	udp.SetNetworkLayerForChecksum(ip)
	zero6 := frameOf(t, ip, udp)
	zero6[14+40+6], zero6[14+40+7] = 0, 0
	first := ip4("10.0.0.1", "10.0.0.2", layers.IPProtocolUDP)
	first.Flags = layers.IPv4MoreFragments
	piece := frameOf(t, first, gopacket.Payload{0, 1, 0, 2, 0, 100, 0, 7})
	// A type 4 routing header to 2001:db8::9, with one segment left: the sum is over that address.
	routed := routedPing(net.ParseIP("2001:db8::9").To16())
	wrong := routedPing(net.ParseIP("2001:db8::9").To16())
	wrong[14+40+24+7]++
	cut := routedPing(net.ParseIP("2001:db8::9").To16())[:14+40+20]
	for i, c := range []struct {
		frame []byte
		want  string
	}{
		{zero, ""},
		{zero6, "the UDP checksum is 0, which IPv6 does not allow (RFC 8200 section 8.1)"},
		{piece, ""},
		{routed, ""},
		{wrong, "the ICMPv6 checksum is wrong"},
		{cut, ""},
		{nil, ""},
	} {
		h := parse(c.frame)
		got := ""
		if err := h.checksums(); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%d: %q, not %q", i, got, c.want)
		}
	}
}

func routedPing(last net.IP) []byte {
	src, hop := net.ParseIP("2001:db8::1").To16(), net.ParseIP("2001:db8::5").To16()
	icmp := []byte{128, 0, 0, 0, 0, 7, 0, 1}
	sum := slowSum(slices.Concat(src, last, []byte{0, 0, 0, 8, 0, 0, 0, 58}, icmp))
	binary.BigEndian.PutUint16(icmp[2:], sum)
	routing := slices.Concat([]byte{58, 2, 4, 1, 0, 0, 0, 0}, last)
	head := slices.Concat([]byte{0x60, 0, 0, 0, 0, 32, 43, 64}, src, hop)
	return slices.Concat(make([]byte, 12), []byte{0x86, 0xdd}, head, routing, icmp)
}
