package icmp6_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/net/ipv6"

	"github.com/hextet/hextet/icmp6"
)

// FuzzFillBuffers takes payload apart at the lengths in cuts and compares with the
// twin, and with Fill for what is refused.
func FuzzFillBuffers(f *testing.F) {
	f.Add([]byte{128, 0, 0, 0, 0x12, 0x34, 0, 1, 'x'}, []byte{3, 0, 1}, uint8(58), 2)
	f.Add(bytes.Repeat([]byte{0xff}, 70), []byte{7, 7, 7}, uint8(17), 6)
	f.Add([]byte{1, 2, 3}, []byte{1}, uint8(89), 2)
	f.Fuzz(func(t *testing.T, payload, cuts []byte, proto uint8, offset int) {
		whole, gathered := bytes.Clone(payload), bytes.Clone(payload)
		var pieces [][]byte
		rest := gathered
		for _, cut := range cuts {
			n := min(int(cut), len(rest))
			pieces = append(pieces, rest[:n])
			rest = rest[n:]
		}
		pieces = append(pieces, rest)

		o := icmp6.Offset(offset)
		err := o.Fill(host1, host2, proto, whole)
		err2 := o.FillBuffers(host1, host2, proto, pieces)
		if proto == icmp6.Protocol && offset != icmp6.ChecksumOffset && !errors.Is(err, icmp6.ErrMandatory) {
			t.Errorf("ICMPv6, offset %d: %v", offset, err)
		}
		if (err == nil) != (err2 == nil) || !bytes.Equal(whole, gathered) {
			t.Fatalf("Fill: %v\n%x\nFillBuffers: %v\n%x", err, whole, err2, gathered)
		}
		switch {
		case err != nil || offset < 0:
			if !bytes.Equal(whole, payload) {
				t.Errorf("offset %d, %v: the payload has changed", offset, err)
			}
		default:
			if got, want := fieldOf(whole, offset), slowChecksum(host1, host2, proto, payload, offset); got != want {
				t.Errorf("got %#04x, want %#04x", got, want)
			}
		}
	})
}

// FuzzVerify feeds received packets of any shape. Verify must agree with the twin,
// and one that is refused must be accepted once filled.
func FuzzVerify(f *testing.F) {
	f.Add(host1.AsSlice(), host2.AsSlice(), uint8(58), 2, []byte{0x80, 0, 0, 0, 0x12, 0x34, 0, 1, 0x12, 0x11})
	f.Add(host1.AsSlice(), host2.AsSlice(), uint8(17), 6, []byte{0x14, 0xe9, 0x00, 0x35, 0x00, 0x0a, 0x00, 0x00, 0x8f, 0x47})
	f.Add([]byte{192, 0, 2, 1}, host2.AsSlice(), uint8(58), 2, []byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, from, to []byte, proto uint8, offset int, payload []byte) {
		src, _ := netip.AddrFromSlice(from)
		dst, _ := netip.AddrFromSlice(to)
		o := icmp6.Offset(offset)
		err := o.Verify(src, dst, proto, payload)
		if proto == icmp6.Protocol && offset == icmp6.ChecksumOffset {
			if icmp6.Valid(src, dst, payload) != (err == nil) {
				t.Errorf("Valid differs from Verify: %v", err)
			}
		}
		if offset < 0 || (err != nil && !errors.Is(err, icmp6.ErrChecksum)) {
			return // disabled, or no packet that could be right
		}
		due, found := slowChecksum(src, dst, proto, payload, offset), fieldOf(payload, offset)
		// In a field, 0 and 0xffff are the same number, except to UDP.
		same := found == due || (proto != 17 && (found == 0 || found == 0xffff) && (due == 0 || due == 0xffff))
		if same != (err == nil) {
			t.Errorf("found %#04x, due %#04x: %v", found, due, err)
		}
		if fillErr := o.Fill(src, dst, proto, payload); fillErr != nil {
			t.Errorf("Fill: %v", fillErr)
		}
		if err := o.Verify(src, dst, proto, payload); err != nil {
			t.Errorf("after Fill: %v", err)
		}
	})
}

// FuzzFinalDestination sends what is accepted on its way: it must arrive where it was said to.
func FuzzFinalDestination(f *testing.F) {
	for _, r := range routed {
		headers, _ := hex.DecodeString(strings.ReplaceAll(r.headers, " ", ""))
		f.Add(netip.MustParseAddr(r.dst).AsSlice(), r.next, headers)
	}
	f.Fuzz(func(t *testing.T, to []byte, next uint8, headers []byte) {
		dst, ok := netip.AddrFromSlice(to)
		before := bytes.Clone(headers)
		got, err := icmp6.FinalDestination(dst, next, headers)
		if !bytes.Equal(headers, before) {
			t.Fatal("the headers have changed")
		}
		switch {
		case err != nil:
			if got.IsValid() || !errors.Is(err, icmp6.ErrHeader) && (ok && dst.Is6() || !errors.Is(err, icmp6.ErrFamily)) {
				t.Fatalf("%v, %v", got, err)
			}
			return
		case next == 43:
			n := 8 + 8*int(headers[1])
			p := traveller{dst, headers[:n]}
			for p.forward() {
			}
			dst, next, headers = p.dst, headers[0], headers[n:]
			if dst, err = icmp6.FinalDestination(dst, next, headers); err != nil {
				t.Fatal(err)
			}
		}
		switch next {
		case 0, 43, 44, 51, 60: // another one
		default:
			if got != dst {
				t.Errorf("%v, but it arrived at %v", got, dst)
			}
		}
	})
}

// FuzzFillConnControl passes arbitrary bytes as control messages: what is sent has the checksum for the
// source that the host is told, and the rest is refused.
func FuzzFillConnControl(f *testing.F) {
	f.Add((&ipv6.ControlMessage{HopLimit: 7, TrafficClass: 1}).Marshal())
	f.Add((&ipv6.ControlMessage{Src: host2.AsSlice(), IfIndex: 3}).Marshal())
	f.Add((&ipv6.ControlMessage{IfIndex: 3}).Marshal())
	f.Add([]byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, oob []byte) {
		h := &deafHost{}
		c := icmp6.FillConn(h, icmp6.FillConfig{Source: func(netip.Addr) (netip.Addr, error) { return host1, nil }})
		ms := []ipv6.Message{{Buffers: [][]byte{{128, 0, 1, 2, 3}}, OOB: oob, Addr: to("2001:db8::2")}}
		n, err := c.WriteBatch(ms, 0)
		if n != len(h.sent) || (n == 1) != (err == nil) {
			t.Fatal(n, err, h.sent)
		}
		for _, p := range h.sent {
			src := host1
			if hasControl {
				src, _ = netip.AddrFromSlice(p.cm.Src)
			}
			if !icmp6.Valid(src, host2, p.payload) {
				t.Errorf("%x with %v", p.payload, p.cm)
			}
		}
	})
}
