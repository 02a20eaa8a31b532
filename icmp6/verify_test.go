package icmp6_test

import (
	"bytes"
	"errors"
	"net/netip"
	"testing"

	"github.com/hextet/hextet/icmp6"
)

func TestVerifyEveryBitFlip(t *testing.T) {
	msg := make([]byte, 100)
	random(msg, 5)
	if err := icmp6.SetChecksum(host1, host2, msg); err != nil {
		t.Fatal(err)
	}
	for i := range 8 * len(msg) {
		msg[i/8] ^= 1 << (i % 8)
		if icmp6.Valid(host1, host2, msg) {
			t.Errorf("bit %d of byte %d flipped: Valid = true", i%8, i/8)
		}
		err := icmp6.Offset(icmp6.ChecksumOffset).Verify(host1, host2, icmp6.Protocol, msg)
		if !errors.Is(err, icmp6.ErrChecksum) {
			t.Errorf("bit %d of byte %d flipped: Verify = %v", i%8, i/8, err)
		}
		msg[i/8] ^= 1 << (i % 8)
	}
	if !icmp6.Valid(host1, host2, msg) {
		t.Error("unharmed message: Valid = false")
	}
}

// The pseudo-header counts: a message is valid for its addresses, its protocol and
// its length alone.
func TestVerifyCoversPseudoHeader(t *testing.T) {
	msg := []byte{128, 0, 0, 0, 0x12, 0x34, 0, 1, 0, 0}
	const o = icmp6.Offset(2)
	if err := icmp6.SetChecksum(host1, host2, msg); err != nil {
		t.Fatal(err)
	}
	other := netip.MustParseAddr("2001:db8::3")
	for name, err := range map[string]error{
		"source":      o.Verify(other, host2, 58, msg),
		"destination": o.Verify(host1, other, 58, msg),
		"protocol":    o.Verify(host1, host2, 59, msg),
		"length":      o.Verify(host1, host2, 58, msg[:8]),
	} {
		checkError(t, err, icmp6.ErrChecksum, "at offset 2")
		if err == nil {
			t.Errorf("another %s is accepted", name)
		}
	}
}

func TestVerifySaysWhatWasDue(t *testing.T) {
	msg := []byte{128, 0, 0xde, 0xad, 0x12, 0x34, 0, 1, 'h', 'e', 'x', 't', 'e', 't', '!'}
	err := icmp6.Offset(2).Verify(host1, host2, 58, msg)
	checkError(t, err, icmp6.ErrChecksum, "protocol 58, 15 bytes, 0xdead at offset 2, due 0xaabd")
}

// RFC 8200 section 8.1: a UDP packet over IPv6 whose field is zero is discarded,
// even if the sum would come out right. Other protocols may have zeros.
func TestVerifyZeroField(t *testing.T) {
	udp := []byte{0x14, 0xe9, 0x00, 0x35, 0x00, 0x0a, 0x00, 0x00, 0x8f, 0x47} // computed checksum 0
	checkError(t, icmp6.Offset(6).Verify(host1, host2, 17, udp), icmp6.ErrChecksum, "0x0000 at offset 6, due 0xffff")

	echo := []byte{0x80, 0, 0, 0, 0x12, 0x34, 0, 1, 0x12, 0x11}
	if err := icmp6.Offset(2).Verify(host1, host2, 58, echo); err != nil {
		t.Error(err)
	}
	echo[2], echo[3] = 0xff, 0xff // the other zero is right as well
	if !icmp6.Valid(host1, host2, echo) {
		t.Error("checksum 0xffff for 0: Valid = false")
	}
}

// Valid says in every case what Verify says, also of packets that IPv6 can't have
// although their sums would be right.
func TestValidAgreesWithVerify(t *testing.T) {
	v4 := netip.MustParseAddr("192.0.2.1")
	mapped := netip.MustParseAddr("::ffff:192.0.2.1")
	for _, src := range []netip.Addr{host1, mapped, v4, {}} {
		for _, dst := range []netip.Addr{host2, mapped, v4, {}} {
			for _, n := range []int{0, 1, 2, 3, 4, 5, 8, 1232, 65535, 65536} {
				msg := make([]byte, n)
				random(msg, uint64(n))
				if at := min(n-2, 2) &^ 1; n >= 2 { // makes it add up, even without a field
					c := slowChecksum(src, dst, 58, msg, at)
					msg[at], msg[at+1] = byte(c>>8), byte(c)
				}
				want := src.Is6() && dst.Is6() && 4 <= n && n <= 65535
				err := icmp6.Offset(2).Verify(src, dst, 58, msg)
				if got := icmp6.Valid(src, dst, msg); got != want || (err == nil) != want {
					t.Errorf("%v > %v, %d bytes: want %t, Valid %t, Verify %v", src, dst, n, want, got, err)
				}
			}
		}
	}
}

func TestVerifyChangesNothing(t *testing.T) {
	msg := make([]byte, 99)
	random(msg, 6)
	before := bytes.Clone(msg)
	if err := icmp6.Offset(2).Verify(host1, host2, 58, msg); err == nil {
		t.Error("random message accepted")
	}
	if !bytes.Equal(msg, before) {
		t.Error("Verify has changed the message")
	}
}

func TestNoAllocations(t *testing.T) {
	msg := make([]byte, 101)
	pieces := [][]byte{msg[:3], msg[3:]}
	bad := bytes.Repeat([]byte{1}, 40)
	if err := icmp6.SetChecksum(host1, host2, msg); err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]func(){
		"Fill":        func() { _ = icmp6.Offset(2).Fill(host1, host2, 58, msg) },
		"FillBuffers": func() { _ = icmp6.Offset(2).FillBuffers(host1, host2, 58, pieces) },
		"Verify":      func() { _ = icmp6.Offset(2).Verify(host1, host2, 58, msg) },
		"SetChecksum": func() { _ = icmp6.SetChecksum(host1, host2, msg) },
		"Valid":       func() { _ = icmp6.Valid(host1, host2, msg) },
		"not Valid":   func() { _ = icmp6.Valid(host1, host2, bad) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations per call, want 0", name, n)
		}
	}
}
