package icmp6_test

import (
	"bytes"
	"errors"
	"net/netip"
	"testing"

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
