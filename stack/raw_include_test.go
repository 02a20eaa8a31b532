package stack_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/hextet/hextet/stack"
)

func TestRawHeaderIncluded(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"))
	c := listenRaw(t, s, 255, "")
	if c.HeaderIncluded() {
		t.Error("on, on a new socket")
	}
	if err := c.SetHeaderIncluded(true); err != nil || !c.HeaderIncluded() {
		t.Fatal(err)
	}
	// As written, wrong checksum, foreign source, hop limit, flow label and extension headers included.
	for _, golden := range []string{goldenOdd, goldenOptions, goldenSegments,
		"6ab12345 00084011 20010db8000000000000000000000077 20010db8000000000000000000000002 00070007 0008dead",
		"60000000 00003bff 00000000000000000000000000000000 20010db8000000000000000000000002",
	} {
		want := unhex(t, golden)
		if n, err := c.WriteTo(want, nil, ipTo("2001:db8::2")); n != len(want) || err != nil {
			t.Fatal(n, err)
		}
		if got := w.nextPacket(); !bytes.Equal(got, want) {
			t.Errorf("on the wire\n%x, want\n%x", got, want)
		}
	}
	for _, tt := range []struct {
		packet []byte
		err    error
		text   string
	}{
		{make([]byte, 39), syscall.EINVAL, "39 bytes are no IPv6 header"},
		{nil, syscall.EINVAL, "0 bytes"},
		{ip4("192.0.2.1", "192.0.2.2", 89, 64, 0, nil, make([]byte, 20)), syscall.EINVAL, "version is 4, not 6"},
		{unhex(t, goldenOdd)[:50], syscall.EINVAL, "Payload Length is 15, of 10 bytes"},
		{ip6("2001:db8::1", "2001:db8::2", 89, 64, make([]byte, 1461)), syscall.EMSGSIZE, "1501 bytes"},
		{make([]byte, 65576), syscall.EMSGSIZE, "65576"},
	} {
		if _, err := c.WriteTo(tt.packet, nil, ipTo("2001:db8::2")); !errors.Is(err, tt.err) || !strings.Contains(fmt.Sprint(err), tt.text) {
			t.Errorf("%d bytes: %v, want %q", len(tt.packet), err, tt.text)
		}
	}
	if err := c.SetHeaderIncluded(false); err != nil {
		t.Fatal(err)
	}
	if _, err := c.WriteTo([]byte("payload"), nil, ipTo("2001:db8::2")); err != nil {
		t.Fatal(err)
	}
	if p := w.nextPacket(); p[6] != 255 || string(p[40:]) != "payload" {
		t.Errorf("switched off: %x", p)
	}
}

// TestRawHeaderIncludedToItself: what is addressed to this host arrives here, as it is.
func TestRawHeaderIncludedToItself(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"))
	c, in := listenRaw(t, s, 255, ""), listenRaw(t, s, 89, "")
	c.SetHeaderIncluded(true)
	to := ip6("2001:db8::77", "2001:db8::1", 89, 3, []byte("from elsewhere, says who"))
	if _, err := c.WriteTo(to, nil, ipTo("2001:db8::1")); err != nil {
		t.Fatal(err)
	}
	var cm stack.ControlMessage
	b := make([]byte, 100)
	if n, src, err := in.ReadMsg(b, &cm); err != nil || src.String() != "2001:db8::77" || cm.HopLimit != 3 || string(b[:n]) != "from elsewhere, says who" {
		t.Errorf("%q from %v, %v", b[:n], src, err)
	}
	if _, err := c.WriteTo(unhex(t, goldenOdd), nil, ipTo("2001:db8::1")); !errors.Is(err, syscall.EINVAL) || !strings.Contains(err.Error(), "delivered here") {
		t.Errorf("to another host by way of this one: %v", err)
	}
	// A group's members here get it, and the link.
	if err := in.JoinGroup(nil, ipTo("ff0e::42")); err != nil {
		t.Fatal(err)
	}
	group := ip6("2001:db8::1", "ff0e::42", 89, 1, []byte("members"))
	if _, err := c.WriteTo(group, nil, ipTo("ff0e::42")); err != nil {
		t.Fatal(err)
	}
	if got, _ := mustRead(t, in); got != "members" {
		t.Errorf("%q", got)
	}
	if got := w.nextPacket(); !bytes.Equal(got, group) {
		t.Errorf("%x", got)
	}
	for hops := range 2 { // with 0 it stays here
		group[7] = byte(hops)
		if _, err := c.WriteTo(group, nil, ipTo("ff0e::42")); err != nil {
			t.Fatal(err)
		}
		if got, _ := mustRead(t, in); got != "members" {
			t.Errorf("%q", got)
		}
	}
	if got := w.nextPacket(); !bytes.Equal(got, group) {
		t.Errorf("%x", got)
	}
}

func TestRaw4HeaderIncluded(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, plain("192.0.2.1/24"))
	c := listenRaw4(t, s, 255, "0.0.0.0")
	if err := c.SetHeaderIncluded(true); err != nil {
		t.Fatal(err)
	}
	// Scapy 2.5.0: IP(src="192.0.2.1", dst="192.0.2.2", ttl=7, id=0x4242, flags="DF", tos=0xb8)/ICMP(id=0x1234, seq=1)/b"hextet!"
	golden := unhex(t, "45b80023 42424000 0701acdc c0000201 c0000202 08007e7c 12340001 68657874657421")
	send := func(p []byte) []byte {
		t.Helper()
		if n, err := c.WriteTo(p, nil, ipTo("192.0.2.2")); n != len(p) || err != nil {
			t.Fatal(n, err)
		}
		return w.next()
	}
	if got := send(golden); !bytes.Equal(got, golden) {
		t.Errorf("on the wire\n%x, want\n%x", got, golden)
	}
	// ip(7): the stack fills these in, always or when they are zero.
	p := bytes.Clone(golden)
	copy(p[2:], []byte{0, 0})          // Total Length
	copy(p[10:], []byte{0xde, 0xad})   // Header Checksum
	copy(p[12:16], []byte{0, 0, 0, 0}) // source
	before := bytes.Clone(p)
	if got := send(p); !bytes.Equal(got, golden) {
		t.Errorf("completed\n%x, want\n%x", got, golden)
	}
	if !bytes.Equal(p, before) {
		t.Error("WriteTo changed its argument")
	}
	copy(p[4:], []byte{0, 0})
	if got := send(p); binary.BigEndian.Uint16(got[4:]) == 0 || sum16(got[:20]) != 0xffff || got[6] != 0x40 {
		t.Errorf("without an identification: %x", got)
	}
	options := append([]byte{0x46, 0, 0, 0, 0, 9, 0, 0, 64, 89, 0, 0, 192, 0, 2, 77, 192, 0, 2, 9}, 1, 1, 1, 0, 'x')
	if got := send(options); sum16(got[:24]) != 0xffff || !bytes.Equal(got[12:], options[12:]) || got[3] != 25 {
		t.Errorf("with options, from and to elsewhere: %x", got)
	}
	for _, tt := range []struct {
		packet []byte
		err    error
		text   string
	}{
		{make([]byte, 19), syscall.EINVAL, "19 bytes are no IPv4 header"},
		{unhex(t, goldenOdd), syscall.EINVAL, "version is 6, not 4"},
		{append([]byte{0x44}, golden[1:]...), syscall.EINVAL, "header is 16 bytes long"},
		{append([]byte{0x4f}, golden[1:]...), syscall.EINVAL, "header is 60 bytes long, of 35"},
		{append(bytes.Clone(golden), make([]byte, 1500)...), syscall.EMSGSIZE, "1535 bytes"},
		{append(bytes.Clone(golden), make([]byte, 65501)...), syscall.EMSGSIZE, "65536 bytes"},
	} {
		if _, err := c.WriteTo(tt.packet, nil, ipTo("192.0.2.2")); !errors.Is(err, tt.err) || !strings.Contains(fmt.Sprint(err), tt.text) {
			t.Errorf("%d bytes: %v, want %q", len(tt.packet), err, tt.text)
		}
	}
}
