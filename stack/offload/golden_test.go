package offload

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// golden are the segments of 11 bytes of "0123456789abcdefghijklmno" with FIN, PSH, CWR and ACK, as
// scapy 2.5 makes them one by one:
//
//	d = b'0123456789abcdefghijklmno'
//	for i, (o, f) in enumerate([(0, 'CA'), (11, 'A'), (22, 'FPA')]):
//	    t = dict(sport=12345, dport=80, seq=0xfffffff0+o & 0xffffffff, ack=7, window=512, flags=f)
//	    ts = [('Timestamp', (1, 2)), ('NOP', None), ('NOP', None)]
//	    print(raw(IPv6(src='2001:db8::1', dst='2001:db8::2')/TCP(**t, options=ts)/d[o:o+11]).hex())
//	    print(raw(IP(src='192.0.2.1', dst='192.0.2.2', id=0xffff+i & 0xffff, flags='DF')/TCP(**t)/d[o:o+11]).hex())
var golden = []struct {
	name     string
	info     Info
	headers  int
	segments []string
}{
	{"IPv6", Info{Type: TCP6, SegmentSize: 11, Checksum: Partial, ChecksumStart: 40, ChecksumOffset: 16}, 72, []string{
		"60000000002b064020010db800000000000000000000000120010db800000000000000000000000230390050fffffff00000000780900200822f0000080a000000010000000201013031323334353637383961",
		"60000000002b064020010db800000000000000000000000120010db800000000000000000000000230390050fffffffb00000007801002007ca90000080a0000000100000002010162636465666768696a6b6c",
		"600000000023064020010db800000000000000000000000120010db8000000000000000000000002303900500000000600000007801902000c350000080a000000010000000201016d6e6f",
	}},
	{"IPv4", Info{Type: TCP4, SegmentSize: 11, Checksum: Partial, ChecksumStart: 20, ChecksumOffset: 16}, 40, []string{
		"45000033ffff40004006b6c1c0000201c000020230390050fffffff0000000075090020092ba00003031323334353637383961",
		"45000033000040004006b6c1c0000201c000020230390050fffffffb00000007501002008d34000062636465666768696a6b6c",
		"4500002b000140004006b6c8c0000201c0000202303900500000000600000007501902001cc000006d6e6f",
	}},
}

func TestGolden(t *testing.T) {
	for _, g := range golden {
		var want [][]byte
		for _, s := range g.segments {
			b, err := hex.DecodeString(s)
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, b)
		}
		whole := super(want, g.headers)
		s, err := Packet{g.info, [][]byte{whole}}.Segments()
		if err != nil || s.Len() != len(want) {
			t.Fatalf("%s: %d segments, %v", g.name, s.Len(), err)
		}
		for i := range want {
			if got := s.Append(nil, i); !bytes.Equal(got, want[i]) {
				t.Errorf("%s, segment %d:\n got %x\nwant %x", g.name, i, got, want[i])
			}
		}
	}
}

// super joins segments: the first one's header, with the flags of all, the lengths and sums of the whole.
func super(segments [][]byte, headers int) []byte {
	b := bytes.Clone(segments[0][:headers])
	for _, s := range segments {
		b = append(b, s[headers:]...)
	}
	tcpAt := 40
	pseudo := append(bytes.Clone(b[8:40]), 0, 6, 0, 0)
	if b[0]>>4 == 4 {
		tcpAt = 20
		b[2], b[3], b[10], b[11] = 0, byte(len(b)), 0, 0
		sum := ^slowSum(b[:20])
		b[10], b[11] = byte(sum>>8), byte(sum)
		pseudo = append(bytes.Clone(b[12:20]), 0, 6, 0, 0)
	} else {
		b[4], b[5] = 0, byte(len(b)-40)
	}
	pseudo[len(pseudo)-1] = byte(len(b) - tcpAt)
	sum := slowSum(pseudo)
	b[tcpAt+16], b[tcpAt+17] = byte(sum>>8), byte(sum)
	b[tcpAt+13] |= segments[len(segments)-1][tcpAt+13]
	return b
}
