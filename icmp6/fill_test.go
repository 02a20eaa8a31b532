package icmp6_test

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/hextet/hextet/icmp6"
)

func TestFillEveryLengthAndOffset(t *testing.T) {
	for _, proto := range []uint8{17, 58, 89, 135, 253} {
		for n := 2; n <= 140; n++ {
			payload := make([]byte, n)
			random(payload, uint64(n))
			for o := 0; o+2 <= n; o += 2 {
				if proto == icmp6.Protocol && o != icmp6.ChecksumOffset {
					continue
				}
				checkFill(t, icmp6.Offset(o), host1, host2, proto, payload)
			}
		}
	}
}

func TestFillLongest(t *testing.T) {
	payload := make([]byte, 65535)
	random(payload, 1)
	for _, o := range []icmp6.Offset{0, 2, 6, 32766, 65532} {
		checkFill(t, o, host1, host2, 253, payload)
	}
}

// checkFill fills payload and compares with the twin; all other bytes must stay.
func checkFill(t *testing.T, o icmp6.Offset, src, dst netip.Addr, proto uint8, payload []byte) {
	t.Helper()
	got := bytes.Clone(payload)
	if err := o.Fill(src, dst, proto, got); err != nil {
		t.Fatalf("protocol %d, %d bytes, offset %d: %v", proto, len(payload), o, err)
	}
	want := slowChecksum(src, dst, proto, payload, int(o))
	if fieldOf(got, int(o)) != want {
		t.Fatalf("protocol %d, %d bytes, offset %d: got %#04x, want %#04x", proto, len(payload), o, fieldOf(got, int(o)), want)
	}
	copy(got[o:], payload[o:o+2])
	if !bytes.Equal(got, payload) {
		t.Fatalf("protocol %d, %d bytes, offset %d: Fill changed more than the field", proto, len(payload), o)
	}
}

// Whatever stale value the field holds, the result is the same, for every value.
func TestFillEveryStaleValue(t *testing.T) {
	msg := []byte{128, 0, 0, 0, 0x12, 0x34, 0, 1, 0xff, 0xff, 7}
	want := slowChecksum(host1, host2, icmp6.Protocol, msg, 2)
	for stale := range 1 << 16 {
		msg[2], msg[3] = byte(stale>>8), byte(stale)
		if err := icmp6.SetChecksum(host1, host2, msg); err != nil {
			t.Fatal(err)
		}
		if got := fieldOf(msg, 2); got != want {
			t.Fatalf("stale %#04x: got %#04x, want %#04x", stale, got, want)
		}
	}
}

// A computed 0 is sent as 0xffff by UDP only, whatever was there.
func TestFillComputedZero(t *testing.T) {
	for _, tt := range []struct {
		proto  uint8
		offset icmp6.Offset
		want   uint16
	}{{17, 6, 0xffff}, {58, 2, 0}, {89, 12, 0}, {253, 0, 0}} {
		for _, stale := range []uint16{0, 0xffff, 0x1234} {
			payload := make([]byte, 24)
			// The last word makes up for the rest: its value is the checksum
			// that the packet would have without it.
			c := slowChecksum(host1, host2, tt.proto, payload, int(tt.offset))
			payload[22], payload[23] = byte(c>>8), byte(c)
			payload[tt.offset], payload[tt.offset+1] = byte(stale>>8), byte(stale)
			if err := tt.offset.Fill(host1, host2, tt.proto, payload); err != nil {
				t.Fatal(err)
			}
			if got := fieldOf(payload, int(tt.offset)); got != tt.want {
				t.Errorf("protocol %d, stale %#04x: got %#04x, want %#04x", tt.proto, stale, got, tt.want)
			}
			if err := tt.offset.Verify(host1, host2, tt.proto, payload); err != nil {
				t.Errorf("protocol %d: %v", tt.proto, err)
			}
		}
	}
}

func TestFillDisabled(t *testing.T) {
	for _, o := range []icmp6.Offset{icmp6.Disabled, -2, -3} {
		for _, proto := range []uint8{0, 1, 17, 57, 59, 89, 255} {
			payload := []byte("unchanged")
			if err := o.Fill(host1, host2, proto, payload); err != nil {
				t.Errorf("Fill: %v", err)
			}
			if err := o.FillBuffers(host1, host2, proto, [][]byte{payload}); err != nil {
				t.Errorf("FillBuffers: %v", err)
			}
			if err := o.Verify(host1, netip.Addr{}, proto, payload[:1]); err != nil {
				t.Errorf("Verify: %v", err)
			}
			if string(payload) != "unchanged" {
				t.Errorf("offset %d, protocol %d: the payload is now %x", o, proto, payload)
			}
		}
	}
}

// Both forms refuse the same packets with the same text, and change nothing.
func TestFillRefuses(t *testing.T) {
	v4 := netip.MustParseAddr("192.0.2.1")
	for _, tt := range []struct {
		name     string
		o        icmp6.Offset
		src, dst netip.Addr
		proto    uint8
		n        int
		err      error
		numbers  string
	}{
		{"empty", 2, host1, host2, 58, 0, icmp6.ErrShort, "0 bytes, field at offset 2"},
		{"field half there", 2, host1, host2, 58, 3, icmp6.ErrShort, "3 bytes, field at offset 2"},
		{"offset at the end", 8, host1, host2, 89, 8, icmp6.ErrShort, "8 bytes, field at offset 8"},
		{"offset beyond the end", 1000, host1, host2, 89, 8, icmp6.ErrShort, "8 bytes, field at offset 1000"},
		{"jumbo", 2, host1, host2, 58, 65536, icmp6.ErrJumbo, "65536 bytes"},
		{"IPv4 source", 2, v4, host2, 58, 8, icmp6.ErrFamily, "source 192.0.2.1, destination 2001:db8::2"},
		{"IPv4 destination", 2, host1, v4, 58, 8, icmp6.ErrFamily, "destination 192.0.2.1"},
		{"both IPv4", 6, v4, v4, 17, 8, icmp6.ErrFamily, "source 192.0.2.1"},
		{"no source", 2, netip.Addr{}, host2, 58, 8, icmp6.ErrFamily, "source invalid IP"},
		{"odd", 3, host1, host2, 89, 8, icmp6.ErrOddOffset, "3"},
		{"too large", 65534, host1, host2, 89, 8, icmp6.ErrLargeOffset, "65534"},
		{"moved", 4, host1, host2, 58, 8, icmp6.ErrMandatory, "offset 4 refused"},
		{"disabled", icmp6.Disabled, host1, host2, 58, 8, icmp6.ErrMandatory, "offset -1 refused"},
		{"disabled and too short", -7, host1, host2, 58, 1, icmp6.ErrMandatory, "offset -7 refused"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			payload := make([]byte, tt.n)
			random(payload, 2)
			before := bytes.Clone(payload)
			err := tt.o.Fill(tt.src, tt.dst, tt.proto, payload)
			checkError(t, err, tt.err, tt.numbers)

			half := tt.n / 2
			err2 := tt.o.FillBuffers(tt.src, tt.dst, tt.proto, [][]byte{payload[:half], payload[half:]})
			checkError(t, err2, tt.err, tt.numbers)
			checkError(t, tt.o.Verify(tt.src, tt.dst, tt.proto, payload), tt.err, tt.numbers)
			if err.Error() != err2.Error() {
				t.Errorf("Fill says %q, FillBuffers %q", err, err2)
			}
			if !bytes.Equal(payload, before) {
				t.Error("the payload has changed")
			}
		})
	}
	if err := icmp6.Offset(2).FillBuffers(host1, host2, 58, nil); err == nil {
		t.Error("FillBuffers of nothing: no error")
	}
}

func TestFillBuffersEveryCut(t *testing.T) {
	payload := make([]byte, 41)
	random(payload, 3)
	for o := icmp6.Offset(0); o <= 38; o += 2 {
		want := bytes.Clone(payload)
		if err := o.Fill(host1, host2, 253, want); err != nil {
			t.Fatal(err)
		}
		for i := range len(payload) + 1 {
			for j := i; j <= len(payload); j++ {
				got := bytes.Clone(payload)
				err := o.FillBuffers(host1, host2, 253, [][]byte{nil, got[:i], {}, got[i:j], got[j:], nil})
				if err != nil || !bytes.Equal(got, want) {
					t.Fatalf("offset %d, cut at %d and %d: %v\n got %x\nwant %x", o, i, j, err, got, want)
				}
			}
		}
	}
}

func TestFillBuffersRandomPieces(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 0))
	for range 3000 {
		payload := make([]byte, 2+r.IntN(3000))
		random(payload, r.Uint64())
		o := icmp6.Offset(r.IntN(len(payload)/2) * 2)
		proto := []uint8{17, 89, 253}[r.IntN(3)]
		want := slowChecksum(host1, host2, proto, payload, int(o))
		var pieces [][]byte
		for rest := payload; len(rest) > 0; {
			n := min(r.IntN(50), len(rest))
			pieces = append(pieces, rest[:n:n])
			rest = rest[n:]
		}
		if err := o.FillBuffers(host1, host2, proto, pieces); err != nil {
			t.Fatal(err)
		}
		if got := fieldOf(payload, int(o)); got != want {
			t.Fatalf("%d bytes in %d pieces, offset %d: got %#04x, want %#04x", len(payload), len(pieces), o, got, want)
		}
	}
}

// What counts is the total: 65535 bytes in odd pieces are a packet, one more would be a jumbogram.
func TestFillBuffersLongest(t *testing.T) {
	payload := make([]byte, 65536)
	random(payload, 6)
	cut := func(payload []byte) (pieces [][]byte) {
		for p := range slices.Chunk(payload, 1021) {
			pieces = append(pieces, p, nil)
		}
		return pieces
	}
	for _, o := range []icmp6.Offset{0, 1020, 65532} { // 1020 straddles two pieces
		want := slowChecksum(host1, host2, 253, payload[:65535], int(o))
		if err := o.FillBuffers(host1, host2, 253, cut(payload[:65535])); err != nil {
			t.Fatal(err)
		}
		if got := fieldOf(payload, int(o)); got != want {
			t.Errorf("offset %d: got %#04x, want %#04x", o, got, want)
		}
	}
	before := bytes.Clone(payload)
	checkError(t, icmp6.Offset(2).FillBuffers(host1, host2, 58, cut(payload)), icmp6.ErrJumbo, "65536 bytes")
	if !bytes.Equal(payload, before) {
		t.Error("the payload has changed")
	}
}
