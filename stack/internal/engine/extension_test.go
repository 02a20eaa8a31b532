package engine

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
)

// slowWalk finds where the extension headers of a packet end by recursion, for packets without
// fragments. It returns 0 for those that have no upper layer.
func slowWalk(next uint8, b []byte, at int, first bool) int {
	rest := b[at:]
	switch next {
	case 0, 60:
		if next == 0 && !first || len(rest) < 8 || len(rest) < 8*(1+int(rest[1])) {
			return 0
		}
		for i := 2; i < 8*(1+int(rest[1])); {
			switch end := 8 * (1 + int(rest[1])); {
			case rest[i] == 0:
				i++
			case rest[i] >= 64 || i+1 >= end || i+2+int(rest[i+1]) > end:
				return 0
			default:
				i += 2 + int(rest[i+1])
			}
		}
		return slowWalk(rest[0], b, at+8*(1+int(rest[1])), false)
	case 43:
		if len(rest) < 8 || len(rest) < 8*(1+int(rest[1])) || rest[3] != 0 {
			return 0
		}
		return slowWalk(rest[0], b, at+8*(1+int(rest[1])), false)
	case 44:
		if len(rest) < 8 {
			return 0
		}
		return slowWalk(rest[0], b, at+8, false)
	case 59:
		return 0
	}
	return at
}

func FuzzWalk(f *testing.F) {
	f.Add(uint8(0), []byte{60, 0, 5, 2, 0, 0, 1, 0, 58, 0, 1, 4, 0, 0, 0, 0, 128, 0})
	f.Add(uint8(43), []byte{58, 0, 0, 0, 0, 0, 0, 0, 128, 0})
	f.Add(uint8(44), []byte{58, 0, 0, 1, 0, 0, 0, 9, 128, 0})
	f.Add(uint8(44), []byte{58, 0, 0, 6, 0, 0, 0, 9, 128, 0})
	f.Add(uint8(60), []byte{60, 1, 0xc2, 4, 0, 0, 0, 0, 58, 0})
	f.Add(uint8(253), []byte{})
	f.Fuzz(func(t *testing.T, next uint8, rest []byte) {
		b := append(make([]byte, 40), rest...)
		b[6] = next
		end, ok := walk(b)
		if !ok {
			end = headerEnd{}
		}
		if end.fragment {
			if end.offset < 48 || end.offset > len(b) || b[end.named] != end.next || end.named != end.offset-8 || end.at%8 != 0 || end.at == 0 && !end.more {
				t.Errorf("%+v in %x", end, rest)
			}
			return
		}
		if want := slowWalk(next, b, 40, true); end.offset != want || b[end.named] != end.next {
			t.Errorf("%+v, want offset %d in %x", end, want, rest)
		}
	})
}

func TestWalkFindsFragment(t *testing.T) {
	b := slices.Concat(make([]byte, 40), []byte{44, 0, 1, 4, 0, 0, 0, 0}, []byte{58, 0, 0x05, 0xa9, 1, 2, 3, 4}, []byte("data"))
	b[6] = 60
	want := headerEnd{next: 58, offset: 56, named: 48, fragment: true, id: 0x01020304, at: 0x5a8, more: true}
	if end, ok := walk(b); !ok || end != want {
		t.Errorf("%+v, %v, want %+v", end, ok, want)
	}
	binary.BigEndian.PutUint16(b[50:], 0) // an atomic fragment
	if end, ok := walk(b); !ok || end.fragment || !bytes.Equal(b[end.offset:], []byte("data")) || end.next != 58 {
		t.Errorf("atomic: %+v, %v", end, ok)
	}
}
