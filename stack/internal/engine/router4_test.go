package engine

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// sum4 is RFC 1071 as a schoolbook has it.
func sum4(b []byte) (sum uint32) {
	for i := 0; i < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
		sum = sum>>16 + sum&0xffff
	}
	return sum
}

// packet4 makes a packet with a payload of n bytes that differ.
func packet4(options []byte, flags uint16, n int) []byte {
	b := append([]byte{byte(0x45 + len(options)/4), 0, 0, 0, 0x12, 0x34, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 198, 51, 100, 1}, options...)
	head := len(b)
	for i := range n {
		b = append(b, byte(i/8), byte(i))[:head+i+1]
	}
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	binary.BigEndian.PutUint16(b[6:], flags)
	binary.BigEndian.PutUint16(b[10:], ^uint16(sum4(b[:head])))
	return b
}

// Fragments of any packet, put together by hand, are that packet.
func TestFragments4(t *testing.T) {
	options := [][]byte{nil, {7, 4, 4, 0}, {0x94, 4, 0, 0}, {7, 4, 4, 0, 0x94, 4, 0, 0}, append([]byte{7, 39, 4}, make([]byte, 37)...)}
	later := [][]byte{nil, nil, {0x94, 4, 0, 0}, {0x94, 4, 0, 0}, nil} // RFC 791: those with the copied flag
	for k, opts := range options {
		for _, mtu := range []int{68, 69, 75, 76, 576, 577, 1280, 1499} {
			for _, flags := range []uint16{0, moreFragments, moreFragments | 100, 185, 0x8000} {
				for _, n := range []int{8 + rand.IntN(3000)&^7, 1501, 1600} {
					if flags&moreFragments != 0 {
						n &^= 7
					}
					checkFragments(t, packet4(opts, flags, n), later[k], mtu)
				}
			}
		}
	}
}

func checkFragments(t *testing.T, whole, later []byte, mtu int) {
	t.Helper()
	head := int(whole[0]&15) * 4
	word := binary.BigEndian.Uint16(whole[6:])
	at, last := 0, false
	for part, h := range fragments4(whole, head, mtu) {
		w := binary.BigEndian.Uint16(part[6:])
		want := whole[20:head]
		if at > 0 {
			want = later
		}
		switch {
		case last:
			t.Fatalf("a fragment behind the last")
		case len(part) > mtu || int(binary.BigEndian.Uint16(part[2:])) != len(part) || h != int(part[0]&15)*4 || sum4(part[:h]) != 0xffff:
			t.Fatalf("mtu %d: length or header checksum: %x", mtu, part)
		case !bytes.Equal(part[4:6], whole[4:6]) || !bytes.Equal(part[8:10], whole[8:10]) || !bytes.Equal(part[12:20], whole[12:20]) || w&0xc000 != word&0xc000:
			t.Fatalf("mtu %d: header fields: %x", mtu, part[:h])
		case !bytes.Equal(part[20:h], want):
			t.Fatalf("mtu %d: options %x, want %x", mtu, part[20:h], want)
		case int(w&offsetMask) != int(word&offsetMask)+at/8 || at%8 != 0:
			t.Fatalf("mtu %d: offset %d, want that of byte %d", mtu, w&offsetMask, at)
		case head+at+len(part)-h > len(whole) || !bytes.Equal(part[h:], whole[head+at:][:len(part)-h]):
			t.Fatalf("mtu %d: data at %d", mtu, at)
		}
		at += len(part) - h
		if last = at == len(whole)-head; last != (w&moreFragments == 0) && word&moreFragments == 0 {
			t.Fatalf("mtu %d: the flag for more at byte %d", mtu, at)
		}
		if word&moreFragments != 0 && w&moreFragments == 0 {
			t.Fatalf("mtu %d: the packet is a fragment that is not the last, and so are its own", mtu)
		}
	}
	if !last {
		t.Fatalf("mtu %d: %d of %d bytes", mtu, at, len(whole)-head)
	}
}

// Every time to live, with every checksum that a neighbour's bytes can make of it.
func TestLessTTL(t *testing.T) {
	for ttl := 1; ttl < 256; ttl++ {
		for id := 0; id < 1<<16; id += 251 {
			b := packet4(nil, uint16(id), 8)
			b[8] = byte(ttl)
			b[10], b[11] = 0, 0
			binary.BigEndian.PutUint16(b[10:], ^uint16(sum4(b[:20])))
			lessTTL(b)
			if sum4(b[:20]) != 0xffff || b[8] != byte(ttl-1) {
				t.Fatalf("%x", b)
			}
		}
	}
}

// FuzzParseTransit: nothing that a link brings makes a router read where nothing is, and what is parsed
// can be cut and answered.
func FuzzParseTransit(f *testing.F) {
	f.Add(packet4(nil, 0, 600))
	f.Add(packet4([]byte{0x94, 4, 0, 0}, moreFragments, 600))
	f.Add(packet4(nil, offsetMask, 600))
	f.Add(append([]byte{0x60, 0, 0, 0, 0, 16, 0, 64}, make([]byte, 48)...))
	f.Add(append([]byte{0x60, 0, 0, 0, 0, 24, 44, 64}, make([]byte, 56)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, ok := parse4(b); ok {
			answerable(p)
			sourceRouted(p)
			start, total := int(binary.BigEndian.Uint16(p.b[6:])&offsetMask)*8, 0
			for part, h := range fragments4(bytes.Clone(p.b), p.header, 576) {
				if at := int(binary.BigEndian.Uint16(part[6:])&offsetMask) * 8; at != start+total {
					t.Fatalf("a fragment at %d, want %d", at, start+total)
				}
				total += len(part) - h
				if _, ok := parse4(part); !ok {
					t.Fatalf("a fragment that no router takes: %x", part)
				}
			}
			if total != len(p.b)-p.header {
				t.Fatalf("%d of %d bytes", total, len(p.b)-p.header)
			}
		}
		if p, ok := parse6(b); ok {
			answerable(p)
		}
	})
}
