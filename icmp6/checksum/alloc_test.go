package checksum_test

import (
	"net/netip"
	"testing"

	"github.com/hextet/hextet/icmp6/checksum"
)

func TestNoAllocations(t *testing.T) { eachTier(t, noAllocations) }

func noAllocations(t *testing.T) {
	src, dst := netip.MustParseAddr("fe80::1%eth0"), netip.MustParseAddr("ff02::1")
	to := make([]byte, 1500)
	for _, tt := range []struct {
		name string
		f    func() uint16
	}{
		// The data is on the stack: a function that let it escape would allocate.
		{"Sum", func() uint16 { var b [1500]byte; return checksum.Sum(b[:], 1) }},
		{"Copy short", func() uint16 { var b [100]byte; return checksum.Copy(to, b[:], 1) }},
		{"Copy", func() uint16 { var b [1500]byte; return checksum.Copy(to, b[:], 1) }},
		{"Update", func() uint16 { return checksum.Update(1, 2, 3) }},
		{"PseudoHeader", func() uint16 { return checksum.PseudoHeader(src, dst, 58, 1280) }},
		{"Accumulator", func() uint16 {
			var b [33]byte
			var a checksum.Accumulator
			a.Write(b[:])
			a.AddAddr(src)
			a.Add32(1)
			a.Add16(2)
			return a.Sum16()
		}},
	} {
		var sink uint16
		if n := testing.AllocsPerRun(100, func() { sink += tt.f() }); n != 0 {
			t.Errorf("%s: %v allocations per call, want 0", tt.name, n)
		}
	}
}
