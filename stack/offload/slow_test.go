package offload

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
)

// plan is what a TCP segment, of whatever size, is made from. Its packet method knows nothing of
// cutting: a segment of a plan is the packet of another plan.
type plan struct {
	link    []byte // header
	v4      bool
	id      uint16
	ipopts  []byte // IPv4 options or IPv6 extension headers
	first   byte   // the IPv6 header's Next Header
	seq     uint32
	flags   byte
	urgent  uint16
	opts    []byte // TCP's
	payload []byte
}

// slowSum is RFC 1071's, not complemented, one byte at a time.
func slowSum(pieces ...[]byte) uint16 {
	var s uint32
	for _, p := range pieces {
		for i, b := range p {
			s += uint32(b) << (8 * (1 - i%2))
			s = s&0xffff + s>>16
		}
	}
	return uint16(s)
}

var (
	src6 = []byte{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}
	dst6 = []byte{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe, 0xfd, 2}
	src4 = []byte{192, 0, 2, 1}
	dst4 = []byte{192, 0, 2, 2}
)

// packet returns the packet with its checksum, or with the sum of the pseudo-header only.
func (p plan) packet(partial bool) []byte {
	be := binary.BigEndian
	t := append([]byte{0x30, 0x39, 0, 80}, be.AppendUint32(nil, p.seq)...)
	t = append(t, 1, 2, 3, 4, byte(5+len(p.opts)/4)<<4, p.flags, 0x20, 0, 0, 0)
	t = append(be.AppendUint16(t, p.urgent), p.opts...)
	t = append(t, p.payload...)
	pseudo := append(slices.Concat(src4, dst4), 0, 6)
	var ip []byte
	if p.v4 {
		n := 20 + len(p.ipopts)
		ip = append([]byte{0x40 | byte(n/4), 0x02}, be.AppendUint16(nil, uint16(n+len(t)))...)
		ip = append(be.AppendUint16(ip, p.id), 0x40, 0, 64, 6, 0, 0)
		ip = slices.Concat(ip, src4, dst4, p.ipopts)
		be.PutUint16(ip[10:], ^slowSum(ip))
	} else {
		pseudo = append(slices.Concat(src6, dst6), 0, 6)
		ip = append([]byte{0x60, 0x21, 0x43, 0x65}, be.AppendUint16(nil, uint16(len(p.ipopts)+len(t)))...)
		ip = slices.Concat(append(ip, p.first, 64), src6, dst6, p.ipopts)
	}
	pseudo = be.AppendUint16(pseudo, uint16(len(t)))
	sum := slowSum(pseudo)
	if !partial {
		sum = ^slowSum(pseudo, t)
	}
	be.PutUint16(t[16:], sum)
	return slices.Concat(p.link, ip, t)
}

func (p plan) info(mss int) Info {
	n := len(p.link)
	i := Info{Type: TCP6, SegmentSize: mss, Network: n, Checksum: Partial, ChecksumStart: n + 40 + len(p.ipopts), ChecksumOffset: 16}
	if p.v4 {
		i.Type, i.ChecksumStart = TCP4, n+20+len(p.ipopts)
	}
	return i
}

// segments is the slow twin: every segment is planned and made by itself.
func (p plan) segments(mss int) (all []plan) {
	for from := 0; from == 0 || from < len(p.payload); from += mss {
		q := p
		q.payload = p.payload[from:min(from+mss, len(p.payload))]
		q.seq += uint32(from)
		q.id += uint16(len(all))
		if from+mss < len(p.payload) {
			q.flags &^= 0x01 | 0x08 // FIN, PSH
		}
		if from > 0 {
			q.flags &^= 0x80 // CWR
			if q.flags&0x20 != 0 {
				if int(p.urgent) > from {
					q.urgent = p.urgent - uint16(from)
				} else {
					q.flags, q.urgent = q.flags&^0x20, 0
				}
			}
		}
		all = append(all, q)
	}
	return all
}

// randomPlan is any plan that may be a super-segment.
func randomPlan(r *rand.Rand) plan {
	p := plan{
		v4: r.IntN(2) == 0, id: uint16(r.Uint32()), seq: r.Uint32(), first: 6,
		flags:   byte(r.Uint32()) &^ (0x02 | 0x04), // SYN, RST
		opts:    make([]byte, 4*r.IntN(11)),
		payload: make([]byte, r.IntN(8000)),
	}
	if p.flags&0x20 != 0 {
		p.urgent = uint16(r.IntN(9000))
	}
	switch r.IntN(3) {
	case 0:
		p.link = []byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x86, 0xdd}
	case 1:
		if p.v4 {
			p.ipopts = []byte{1, 1, 1, 0}
		} else { // hop-by-hop options, then destination options
			p.first, p.ipopts = 0, append([]byte{60, 0, 1, 4, 0, 0, 0, 0}, 6, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
		}
	}
	for _, b := range [][]byte{p.opts, p.payload} {
		for i := range b {
			b[i] = byte(r.Uint32())
		}
	}
	return p
}

// pieces splits b behind its headers at random places.
func pieces(r *rand.Rand, b []byte, headers int) [][]byte {
	cut := headers + r.IntN(len(b)-headers+1)
	all := [][]byte{b[:cut]}
	for b = b[cut:]; len(b) > 0; {
		n := r.IntN(min(len(b), 3000) + 1)
		all, b = append(all, b[:n]), b[n:]
	}
	return all
}

// Every segment of every plan is what the slow twin makes, whatever the size of the segments, odd ones
// included, and whoever vouches for the checksum.
func TestAppendIsTheSlowTwin(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 3000 {
		p := randomPlan(r)
		mss := 1 + r.IntN(1500)
		if n%10 == 0 {
			mss = 1 + r.IntN(20)
		}
		info, whole := p.info(mss), p.packet(true)
		if r.IntN(2) == 0 { // the field means nothing then
			whole[info.ChecksumStart+16] ^= byte(r.Uint32())
			info.Checksum, info.ChecksumStart, info.ChecksumOffset = Verified, 0, 0
		}
		headers := len(whole) - len(p.payload)
		s, err := Packet{info, pieces(r, whole, headers)}.Segments()
		if err != nil {
			t.Fatalf("%+v: %v", info, err)
		}
		want := p.segments(mss)
		if s.Len() != len(want) || s.Headers() != headers {
			t.Fatalf("%d segments with headers of %d bytes, want %d of %d", s.Len(), s.Headers(), len(want), headers)
		}
		bytesWanted, largest := 0, 0
		for i, q := range want {
			w := q.packet(false)
			if got := s.Append([]byte("kept"), i); !bytes.Equal(got[4:], w) || string(got[:4]) != "kept" {
				t.Fatalf("%+v: segment %d of %d\n got % x\nwant % x", info, i, len(want), got[4:], w)
			}
			if s.BytesOf(i) != bytesWanted {
				t.Fatalf("the first %d segments have %d bytes, want %d", i, s.BytesOf(i), bytesWanted)
			}
			bytesWanted += len(w)
			largest = max(largest, len(w))
		}
		if s.Bytes() != bytesWanted || s.BytesOf(s.Len()) != bytesWanted || s.Largest() != largest {
			t.Fatalf("%d bytes, the largest %d; want %d, %d", s.Bytes(), s.Largest(), bytesWanted, largest)
		}
	}
}

// A run stands for just its segments, and runs may be cut again.
func TestRunsAreTheirSegments(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		p := randomPlan(r)
		mss := 1 + r.IntN(1500)
		whole := p.packet(true)
		s, err := Packet{p.info(mss), pieces(r, whole, len(whole)-len(p.payload))}.Segments()
		if err != nil {
			t.Fatal(err)
		}
		first := r.IntN(s.Len())
		end := first + 1 + r.IntN(s.Len()-first)
		b, info := s.AppendRun(nil, first, end)
		run, err := Packet{info, [][]byte{b}}.Segments()
		if err != nil {
			t.Fatalf("segments %d to %d of %d: %v", first, end, s.Len(), err)
		}
		if run.Len() != end-first {
			t.Fatalf("segments %d to %d became %d", first, end, run.Len())
		}
		for i := range run.Len() {
			if got, want := run.Append(nil, i), s.Append(nil, first+i); !bytes.Equal(got, want) {
				t.Fatalf("segment %d of the run %d to %d\n got % x\nwant % x", i, first, end, got, want)
			}
		}
	}
}
