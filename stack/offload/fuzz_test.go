package offload

import "testing"

// FuzzSegments: whatever a link says about whatever bytes, there is an error or there are segments that
// a receiver accepts.
func FuzzSegments(f *testing.F) {
	p6 := plan{payload: []byte("0123456789abcdef"), first: 6, flags: 0xff &^ 6, urgent: 7}
	p4 := plan{payload: []byte("0123456789abcdef"), v4: true, id: 9}
	for _, p := range []plan{p6, p4} {
		i := p.info(5)
		b := p.packet(true)
		f.Add(b, len(b)-3, byte(i.Type), i.SegmentSize, i.Network, byte(i.Checksum), i.ChecksumStart, i.ChecksumOffset)
		f.Add(b, len(b), byte(i.Type), i.SegmentSize, i.Network, byte(Verified), 0, 0)
	}
	f.Add(make([]byte, 60), 60, byte(0), 0, 0, byte(1), 40, 6)
	f.Fuzz(func(t *testing.T, b []byte, split int, typ byte, size, network int, sum byte, start, offset int) {
		info := Info{Type(typ), size, network, Checksum(sum), start, offset}
		split = min(max(split, 0), len(b))
		s, err := Packet{info, [][]byte{b[:split], b[split:]}}.Segments()
		if err != nil {
			return
		}
		total := 0
		for i := range min(s.Len(), 100) {
			p := s.Append(nil, i)
			if total += len(p); total != s.BytesOf(i+1) || len(p) > s.Largest() {
				t.Fatalf("segment %d has %d bytes, at most %d were said, %d in all", i, len(p), s.Largest(), s.BytesOf(i+1))
			}
			if info.Type != None {
				receive(t, p[network:], info)
			}
		}
		first, end := s.Len()/3, s.Len()/3+1+s.Len()/2
		run, left := s.AppendRun(nil, first, min(end, s.Len()))
		if again, err := (Packet{left, [][]byte{run}}).Segments(); err != nil || again.Len() != min(end, s.Len())-first {
			t.Fatalf("a run of %d segments became %d: %v", min(end, s.Len())-first, again.Len(), err)
		}
	})
}

// receive checks what a receiver would, slowly. The field of a Partial checksum was the fuzzer's, so the
// sum over everything may be any constant; lengths and IPv4's own checksum are ours.
func receive(t *testing.T, ip []byte, info Info) {
	n := int(ip[2])<<8 | int(ip[3])
	if info.Type == TCP6 {
		n = 40 + int(ip[4])<<8 + int(ip[5])
	} else if slowSum(ip[:int(ip[0]&15)*4]) != 0xffff {
		t.Fatalf("a wrong IPv4 header checksum: % x", ip)
	}
	if n != len(ip) {
		t.Fatalf("a length of %d in a packet of %d bytes", n, len(ip))
	}
	if info.Checksum != Verified {
		return
	}
	at, pseudo := int(ip[0]&15)*4, ip[12:20]
	if info.Type == TCP6 {
		at, pseudo = 40, ip[8:40]
		if ip[6] != 6 {
			return // the twin test has extension headers
		}
	}
	length := len(ip) - at
	if sum := slowSum(pseudo, []byte{0, 6, byte(length >> 8), byte(length)}, ip[at:]); sum != 0xffff {
		t.Fatalf("a wrong TCP checksum: sum %#04x of % x", sum, ip)
	}
}
