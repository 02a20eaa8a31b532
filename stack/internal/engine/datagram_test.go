package engine

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"testing"
)

// Made by scapy 2.5.0:
//
//	bytes(IPv6(src='2001:db8::2',dst='2001:db8::1',tc=8,hlim=7)/UDP(sport=4000,dport=9)/b'hello').hex()
//	bytes(IP(src='192.0.2.2',dst='192.0.2.1',tos=8,ttl=7,id=1)/UDP(sport=4000,dport=9)/b'hello').hex()
var plainPackets = []string{
	"60800000000d110720010db800000000000000000000000220010db80000000000000000000000010fa00009000d50e468656c6c6f",
	"450800210001000007112fc0c0000202c00002010fa00009000d285568656c6c6f",
}

func TestPlainDatagrams(t *testing.T) {
	for n, s := range plainPackets {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		want := Datagram{HopLimit: 7, TrafficClass: 8, Payload: []byte("hello")}
		want.Src, want.Dst = netip.MustParseAddrPort("[2001:db8::2]:4000"), netip.MustParseAddrPort("[2001:db8::1]:9")
		if n == 1 {
			want.Src, want.Dst = netip.MustParseAddrPort("192.0.2.2:4000"), netip.MustParseAddrPort("192.0.2.1:9")
		}
		for _, padding := range []int{0, 1, 20} {
			var d Datagram
			if !(d.plain6(append(b, make([]byte, padding)...)) || d.plain4(append(b, make([]byte, padding)...))) ||
				!bytes.Equal(d.Payload, want.Payload) || d.Src != want.Src || d.Dst != want.Dst || d.HopLimit != 7 || d.TrafficClass != 8 {
				t.Errorf("%+v, want %+v", d, want)
			}
		}
		// Every bit that matters: all but version-independent ones of the headers that carry no check.
		for bit := range 8 * len(b) {
			spoilt := bytes.Clone(b)
			spoilt[bit/8] ^= 1 << (bit % 8)
			var d Datagram
			if taken := d.plain6(spoilt) || d.plain4(spoilt); taken && n == 1 {
				t.Errorf("IPv4 with bit %d of byte %d flipped was taken", bit%8, bit/8)
			} else if unchecked := bit/8 < 4 && bit/8 >= 1 || bit < 4 || bit/8 == 7; taken != unchecked && n == 0 {
				t.Errorf("IPv6 with bit %d of byte %d flipped: taken %v", bit%8, bit/8, taken)
			}
		}
	}
}

// Sources that gVisor drops, or that only it can judge, are not for the short cut.
func TestPlainDatagramSources(t *testing.T) {
	dst6, dst4 := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("192.0.2.1")
	for src, want := range map[string]bool{
		"2001:db8::2": true, "fe80::2": true, "192.0.2.2": true,
		"::": false, "::1": false, "ff02::1": false, "2001:db8::1": false, "::ffff:192.0.2.2": false, "::ffff:255.255.255.255": false,
		"0.0.0.0": false, "127.0.0.1": false, "224.0.0.1": false, "255.255.255.255": false, "192.0.2.1": false,
	} {
		from, to := netip.MustParseAddr(src), dst6
		if from.Is4() {
			to = dst4
		}
		if got := ordinary(from, to); got != want {
			t.Errorf("from %s to %v: %v, want %v", src, to, got, want)
		}
	}
}

// FuzzPlainDatagram: whatever is taken is inside the packet, and says what its bytes say.
func FuzzPlainDatagram(f *testing.F) {
	for _, s := range plainPackets {
		b, _ := hex.DecodeString(s)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var d Datagram
		if !d.plain6(b) && !d.plain4(b) {
			return
		}
		at := 40
		if b[0]>>4 == 4 {
			at = 20
		}
		length := int(b[at+4])<<8 | int(b[at+5])
		if at+length > len(b) || !bytes.Equal(d.Payload, b[at+8:at+length]) ||
			d.Src.Port() != uint16(b[at])<<8|uint16(b[at+1]) || d.Dst.Port() != uint16(b[at+2])<<8|uint16(b[at+3]) ||
			d.Src.Addr().Is4() != (at == 20) || d.Dst.Addr().IsMulticast() {
			t.Errorf("%+v of %x", d, b)
		}
	})
}
