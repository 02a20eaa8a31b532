package engine

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
)

// reassembly drives a reassembler as a dispatcher does, on a clock that stands still.
type reassembly struct {
	*reassembler
	t       *testing.T
	elapsed time.Duration
}

func newReassembly(t *testing.T) *reassembly {
	r := &reassembly{t: t}
	r.reassembler = newReassembler(func() tcpip.MonotonicTime { return tcpip.MonotonicTime{}.Add(r.elapsed) })
	return r
}

// fragment adds one and returns the payload of the packet that it completed, or nil.
func (r *reassembly) fragment(id uint32, next uint8, at int, more bool, data []byte) []byte {
	r.t.Helper()
	rp := RawPacket{Src: netip.MustParseAddr("2001:db8::2"), Dst: netip.MustParseAddr("2001:db8::1"), HopLimit: at}
	whole, ok := r.add(rp, headerEnd{next: next, fragment: true, id: id, at: at, more: more}, bytes.Clone(data))
	cost := 0
	for _, p := range r.packets {
		cost += p.cost()
	}
	if cost != r.cost {
		r.t.Fatalf("the packets cost %d, the books say %d", cost, r.cost)
	}
	if !ok {
		return nil
	}
	if whole.HopLimit != 0 {
		r.t.Errorf("the header of the fragment at %d counts", whole.HopLimit)
	}
	return whole.AppendPayload([]byte{})
}

func letters(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8)
	}
	return b
}

func TestReassembleAnyOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	r := newReassembly(t)
	for id := range uint32(500) {
		want := letters(1 + rng.IntN(3000))
		var cuts [][2]int // from, to
		for at := 0; at < len(want); at = cuts[len(cuts)-1][1] {
			cuts = append(cuts, [2]int{at, min(at+8*(1+rng.IntN(30)), len(want))})
		}
		missing := len(cuts)
		for range rng.IntN(3) {
			cuts = append(cuts, cuts[rng.IntN(len(cuts))]) // duplicates
		}
		rng.Shuffle(len(cuts), func(i, j int) { cuts[i], cuts[j] = cuts[j], cuts[i] })
		seen := make(map[int]bool)
		for _, c := range cuts {
			if !seen[c[0]] {
				seen[c[0]] = true
				missing--
			}
			got := r.fragment(id, 58, c[0], c[1] < len(want), want[c[0]:c[1]])
			if (missing == 0) != (got != nil) || got != nil && !bytes.Equal(got, want) {
				t.Fatalf("packet %d of %d bytes: %d pieces missing, got %d bytes", id, len(want), missing, len(got))
			}
			if got != nil {
				break
			}
		}
	}
}

func TestReassembleRefuses(t *testing.T) {
	type fragment struct {
		next uint8
		at   int
		more bool
		size int
	}
	for _, tt := range []struct {
		name  string
		parts []fragment
	}{
		{"overlap", []fragment{{58, 0, true, 16}, {58, 8, true, 16}, {58, 24, false, 8}}},
		{"overlap in front", []fragment{{58, 8, true, 16}, {58, 0, true, 16}, {58, 24, false, 8}}},
		{"same place, other length", []fragment{{58, 0, true, 8}, {58, 0, true, 16}, {58, 8, false, 8}}},
		{"past the end", []fragment{{58, 8, false, 8}, {58, 16, true, 8}, {58, 0, true, 8}}},
		{"end before the end", []fragment{{58, 24, true, 8}, {58, 16, false, 8}, {58, 0, true, 16}}},
		{"two ends", []fragment{{58, 16, false, 8}, {58, 8, false, 8}, {58, 0, true, 8}}},
		{"no multiple of 8", []fragment{{58, 0, true, 9}, {58, 9, false, 8}}},
		{"too long", []fragment{{58, 0, true, 8}, {58, 65528, false, 8}}},
		{"empty", []fragment{{58, 0, true, 8}, {58, 8, false, 0}}},
		{"another protocol", []fragment{{17, 0, true, 8}, {17, 8, false, 8}}},
		{"a fragment in a fragment", []fragment{{44, 0, true, 8}, {44, 8, false, 8}}},
		{"an extension header that is cut", []fragment{{60, 0, true, 8}, {60, 8, false, 8}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newReassembly(t)
			for _, f := range tt.parts {
				data := make([]byte, f.size)
				if f.next != 58 && f.size > 0 {
					data[0], data[1], data[3] = 58, 1, 1
				}
				if got := r.fragment(1, f.next, f.at, f.more, data); got != nil {
					t.Errorf("completed: %d bytes", len(got))
				}
			}
		})
	}
}

// TestReassemblyKeepsNothingUnwanted: fragments of what gVisor reassembles are not held twice.
func TestReassemblyKeepsNothingUnwanted(t *testing.T) {
	r := newReassembly(t)
	r.fragment(1, 17, 8, true, letters(8))
	r.fragment(1, 17, 0, true, letters(8))
	r.fragment(1, 17, 16, true, letters(8))
	if r.cost != 0 || len(r.packets) != 1 {
		t.Errorf("%d bytes of %d packets are kept", r.cost, len(r.packets))
	}
}

func TestReassemblyEnds(t *testing.T) {
	r := newReassembly(t)
	r.fragment(1, 58, 0, true, letters(8))
	r.elapsed = 61 * time.Second
	if got := r.fragment(1, 58, 8, false, letters(8)); got != nil {
		t.Error("completed after 61 seconds")
	}
	r.elapsed += 59 * time.Second
	if got := r.fragment(1, 58, 0, true, letters(8)); len(got) != 16 {
		t.Errorf("not completed within 59 seconds: %x", got)
	}
}

func TestReassemblyIsBounded(t *testing.T) {
	r := newReassembly(t)
	most, count := 0, 0
	flood := func(id uint32, at, size int) {
		r.elapsed++
		r.fragment(id, 58, at, true, letters(size))
		most, count = max(most, r.cost), max(count, len(r.packets))
	}
	for id := range uint32(1000) { // many packets
		flood(id, 8, 1448)
	}
	for at := 8; at < 60000; at += 8 { // one of very many pieces
		flood(5000, at, 8)
	}
	for id := range uint32(20) { // large ones
		for at := 8; at < 60000; at += 1448 {
			flood(6000+id, at, 1448)
		}
	}
	if limit := reassemblyCost + maxPayload + pieceCost; most > limit || count > reassemblyPackets {
		t.Errorf("%d bytes in up to %d packets, limits are %d and %d", most, count, limit, reassemblyPackets)
	}
	r.fragment(1<<31, 58, 0, true, letters(8))
	if got := r.fragment(1<<31, 58, 8, false, letters(8)); got == nil {
		t.Error("after the flood nothing is reassembled any more")
	}
}
