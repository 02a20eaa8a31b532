package offload

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestSinglePackets(t *testing.T) {
	udp := append(make([]byte, 40), 0x30, 0x39, 0, 53, 0, 9, 0xff, 0xf0, 'x')
	partial := Info{Checksum: Partial, ChecksumStart: 40, ChecksumOffset: 6}
	sum := ^slowSum(udp[40:])
	for _, tt := range []struct {
		name  string
		info  Info
		check [2]byte // of the result
	}{
		{"complete", Info{}, [2]byte{0xff, 0xf0}},
		{"verified", Info{Checksum: Verified}, [2]byte{0xff, 0xf0}},
		{"partial", partial, [2]byte{byte(sum >> 8), byte(sum)}},
	} {
		s, err := Packet{tt.info, [][]byte{udp[:48], udp[48:]}}.Segments()
		if err != nil || s.Len() != 1 || s.Headers() != 0 || s.Bytes() != 49 || s.Largest() != 49 || s.BytesOf(0) != 0 {
			t.Errorf("%s: %+v, %v", tt.name, s, err)
			continue
		}
		got := s.Append(nil, 0)
		want := bytes.Clone(udp)
		copy(want[46:], tt.check[:])
		if !bytes.Equal(got, want) {
			t.Errorf("%s:\n got % x\nwant % x", tt.name, got, want)
		}
		if run, info := s.AppendRun(nil, 0, 1); !bytes.Equal(run, udp) || info != tt.info {
			t.Errorf("%s: the run is % x, %+v", tt.name, run, info)
		}
	}
	if s, err := (Packet{}).Segments(); err != nil || s.Len() != 1 || s.Bytes() != 0 {
		t.Errorf("nothing: %+v, %v", s, err)
	}
}

// A UDP checksum of 0 means that there is none, so a computed 0 is sent as 0xffff; a TCP one stays.
func TestFinishZero(t *testing.T) {
	for _, tt := range []struct{ offset, want int }{{6, 0xffff}, {16, 0}} {
		b := make([]byte, 60)
		b[40], b[41] = 0xff, 0xff
		Finish(b, Info{Checksum: Partial, ChecksumStart: 40, ChecksumOffset: tt.offset})
		if got := int(b[40+tt.offset])<<8 | int(b[41+tt.offset]); got != tt.want {
			t.Errorf("checksum at offset %d: %#04x, want %#04x", tt.offset, got, tt.want)
		}
	}
}

func TestMalformed(t *testing.T) {
	p6 := plan{payload: make([]byte, 100), first: 6}
	p4 := plan{payload: make([]byte, 100), v4: true}
	edit := func(p plan, i int, v byte) func() ([]byte, Info) {
		return func() ([]byte, Info) { b := p.packet(true); b[i] = v; return b, p.info(10) }
	}
	with := func(p plan, change func(*Info)) func() ([]byte, Info) {
		return func() ([]byte, Info) { i := p.info(10); change(&i); return p.packet(true), i }
	}
	for _, tt := range []struct {
		name string
		make func() ([]byte, Info)
		want string
	}{
		{"unknown type", with(p6, func(i *Info) { i.Type = 7 }), "type 7"},
		{"unknown checksum state", with(p6, func(i *Info) { i.Checksum = 7 }), "checksum state 7"},
		{"nobody vouches", with(p6, func(i *Info) { i.Checksum = Complete }), "nobody vouches"},
		{"no size", with(p6, func(i *Info) { i.SegmentSize = 0 }), "segments of 0"},
		{"negative size", with(p6, func(i *Info) { i.SegmentSize = -1 }), "segments of -1"},
		{"size without a type", with(p6, func(i *Info) { i.Type = None }), "no type"},
		{"negative header", with(p6, func(i *Info) { i.Network = -1 }), "at byte -1"},
		{"IP header far out", with(p6, func(i *Info) { i.Network = 19 }), "at byte 19"},
		{"checksum elsewhere", with(p6, func(i *Info) { i.ChecksumStart = 44 }), "TCP header is at 40"},
		{"checksum of UDP", with(p6, func(i *Info) { i.ChecksumOffset = 6 }), "40+6"},
		{"other family", with(p6, func(i *Info) { i.Type = TCP4 }), "no IPv4 header"},
		{"other family", with(p4, func(i *Info) { i.Type = TCP6 }), "no IPv6 header"},
		{"UDP", edit(p6, 6, 17), "next header 17"},
		{"a fragment", edit(p6, 6, 44), "next header 44"},
		{"endless extension headers", edit(plan{first: 60, ipopts: []byte{60, 255, 0, 0, 0, 0, 0, 0}}, 0, 0x60), "extension headers of more"},
		{"long extension header", edit(plan{first: 60, ipopts: []byte{6, 255, 0, 0, 0, 0, 0, 0}}, 0, 0x60), "TCP header is at 2088"},
		{"payload length", edit(p6, 5, 119), "payload length of 119"},
		{"short TCP header", edit(p6, 52, 0x40), "TCP header of 16"},
		{"long TCP header", edit(plan{first: 6}, 52, 0xf0), "TCP header of 60"},
		{"SYN", edit(p6, 53, 2), "flags 0x02"},
		{"RST", edit(p6, 53, 4), "flags 0x04"},
		{"short IPv4 header", edit(p4, 0, 0x44), "header of 16"},
		{"total length", edit(p4, 3, 1), "total length of 1 "},
		{"protocol", edit(p4, 9, 17), "protocol 17"},
		{"IPv4 fragment", edit(p4, 7, 8), "a fragment"},
		{"IPv4 checksum", edit(p4, 10, 0xee), "wrong IPv4 header checksum"},
		{"too long", func() ([]byte, Info) { return make([]byte, 65536), Info{} }, "65536 bytes"},
		{"checksum beyond the packet", func() ([]byte, Info) {
			return make([]byte, 60), Info{Checksum: Partial, ChecksumStart: 40, ChecksumOffset: 19}
		}, "40+19 in 60"},
		{"checksum in the IP header", func() ([]byte, Info) {
			return make([]byte, 60), Info{Checksum: Partial, ChecksumStart: 10, ChecksumOffset: 6}
		}, "10+6 in 60"},
		{"routing header, verified", func() ([]byte, Info) {
			p := plan{first: 43, ipopts: []byte{6, 0, 4, 0, 0, 0, 0, 0}, payload: make([]byte, 50)}
			i := p.info(10)
			i.Checksum = Verified
			return p.packet(true), i
		}, "routing header"},
	} {
		b, info := tt.make()
		if _, err := (Packet{info, [][]byte{b}}).Segments(); !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want ErrMalformed with %q", tt.name, err, tt.want)
		}
	}
	whole := p6.packet(true)
	for n := range 60 { // the headers must be in the first piece
		if _, err := (Packet{p6.info(10), [][]byte{whole[:n], whole[n:]}}).Segments(); !errors.Is(err, ErrMalformed) {
			t.Errorf("a first piece of %d bytes: %v", n, err)
		}
	}
}

func TestNoSuchRun(t *testing.T) {
	p := plan{payload: make([]byte, 30), first: 6}
	s, err := Packet{p.info(10), [][]byte{p.packet(true)}}.Segments()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range [][2]int{{-1, 1}, {0, 4}, {1, 1}, {2, 1}, {3, 4}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("segments %d to %d of 3: no panic", r[0], r[1])
				}
			}()
			s.AppendRun(nil, r[0], r[1])
		}()
	}
}

// Behind a routing header the pseudo-header has another destination than the IPv6 header: what the
// sender put into the field stays right.
func TestRoutingHeader(t *testing.T) {
	p := plan{first: 43, ipopts: []byte{6, 0, 4, 0, 0, 0, 0, 0}, payload: make([]byte, 25), flags: 0x10}
	b := p.packet(true)
	final := bytes.Clone(src6)
	sum := slowSum(src6, final, []byte{0, 6, 0, 45})
	b[48+16], b[48+17] = byte(sum>>8), byte(sum)
	s, err := Packet{p.info(10), [][]byte{b}}.Segments()
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range []byte{30, 30, 25} {
		got := s.Append(nil, i)
		if sum := slowSum(src6, final, []byte{0, 6, 0, n}, got[48:]); sum != 0xffff {
			t.Errorf("segment %d: the sum with the final destination is %#04x", i, sum)
		}
	}
}

func TestAllocations(t *testing.T) {
	p := plan{payload: make([]byte, 60000), first: 6}
	pkt := Packet{p.info(1448), [][]byte{p.packet(true)}}
	buf := make([]byte, 0, 1600)
	if n := testing.AllocsPerRun(10, func() {
		s, err := pkt.Segments()
		if err != nil {
			t.Fatal(err)
		}
		for i := range s.Len() {
			buf = s.Append(buf[:0], i)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
