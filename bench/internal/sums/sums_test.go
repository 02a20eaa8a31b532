package sums

import (
	"math/rand/v2"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/icmp6/checksum"
)

// Every peer sums as ours does, at every length; a private function of a peer that
// changes its meaning is noticed here and by every run.
func TestPeersAgree(t *testing.T) {
	b := payload(65535)
	for n := 1; n <= len(b); n += 1 + n/1600*97 {
		if err := agree(b[:n]); err != nil {
			t.Fatal(err)
		}
	}
}

// A tier is what sums while it is forced, and not after.
func TestTiers(t *testing.T) {
	before := checksum.Implementation()
	if tierNames[tier] != before {
		t.Fatalf("the tier is %s, Sum's %s", tierNames[tier], before)
	}
	for i := range bestTier + 1 {
		b := tierBench(i)
		c := b.Contenders[0]
		c.Before(1)
		during := checksum.Implementation()
		c.Run(1)
		c.After(1)
		if after := checksum.Implementation(); during != tierNames[i] || after != before {
			t.Errorf("%s: %s during, %s after", tierNames[i], during, after)
		}
		if err := b.Check(); err != nil || checksum.Implementation() != before {
			t.Errorf("%s: %v", tierNames[i], err)
		}
		if len(b.Rows) < len(gvisorGoals[tierNames[i]]) || len(b.Contenders) != 2*len(b.Rows) {
			t.Errorf("%s: %d rows, %d contenders", tierNames[i], len(b.Rows), len(b.Contenders))
		}
	}
}

func TestAgreeNotices(t *testing.T) {
	saved := peers
	defer func() { peers = saved }()
	peers = append(peers[:len(peers):len(peers)], peer{name: "blind", once: func(b []byte) uint16 { return checksum.Sum(b[:len(b)-1], 0) }})
	if err := agree(payload(40)); err == nil || !strings.Contains(err.Error(), "blind") {
		t.Errorf("got %v", err)
	}
}

func TestAgreeOnAllNotices(t *testing.T) {
	beginning := peer{once: func(b []byte) uint16 { return ours.once(b[:min(len(b), 4000)]) }}
	if err := agreeOnAll(beginning); err == nil || !strings.Contains(err.Error(), "sums: 40") {
		t.Errorf("got %v", err)
	}
}

// eight does what once does, eight times: for those whose result isn't complemented or
// swapped, it is eight times the sum.
func TestEight(t *testing.T) {
	b := payload(100)
	for _, p := range append(peers[:3:3], ours, pureGo) {
		if got, want := p.eight(b), 8*p.once(b); got != want {
			t.Errorf("%s: %#04x, want %#04x", p.name, got, want)
		}
	}
}

func TestHeaders(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	addr := func() netip.Addr {
		var b [16]byte
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		return netip.AddrFrom16(b)
	}
	for _, h := range headers {
		b := make([]byte, h.size)
		for range 1000 {
			f := &fields{addr(), addr(), uint16(rng.Uint32()), uint16(rng.Uint32()), uint16(rng.Uint32()), uint16(rng.Uint32()), rng.Uint32(), rng.Uint32()}
			if got, want := h.accumulate(f), h.write(b, f); got != want {
				t.Fatalf("%s, %+v: accumulator %#04x, gVisor %#04x", h.what, f, got, want)
			}
		}
	}
}

// The accumulator is fed from registers: nothing is allocated on either side.
func TestHeadersDontAllocate(t *testing.T) {
	f := newFields()
	for _, h := range headers {
		b := make([]byte, h.size)
		if n := testing.AllocsPerRun(100, func() { h.accumulate(f); h.write(b, f) }); n != 0 {
			t.Errorf("%s: %v allocations", h.what, n)
		}
	}
}

func TestPayload(t *testing.T) {
	for _, n := range []int{1, 64, 1 << 20} {
		if b := payload(n); len(b) != n || pageOffset(b, os.Getpagesize()) != 0 {
			t.Errorf("%d bytes: %d bytes, %d before a page", n, len(b), pageOffset(b, os.Getpagesize()))
		}
	}
}

// Goals exist for the tiers that exist, and for sizes that are measured.
func TestGoals(t *testing.T) {
	measured := map[int]bool{}
	for _, n := range append(append([]int{63}, sizes...), limitSizes...) {
		measured[n] = true
	}
	for _, table := range []map[string]map[int]float64{gvisorGoals, loadsGoals, randomGoals} {
		for tier, goals := range table {
			if !strings.Contains(" avx512 avx2 generic neon ", " "+tier+" ") {
				t.Errorf("no tier is called %q", tier)
			}
			for n, g := range goals {
				if !measured[n] || g <= 0 {
					t.Errorf("%s: goal %v at %d bytes, which nobody measures", tier, g, n)
				}
			}
		}
	}
	for _, tt := range []struct {
		peer string
		size int
		want report.Kind
	}{{"tailscale", 8, report.Within}, {"tailscale", 20, report.NotSlower}, {"gopacket", 65535, report.NotSlower}} {
		if got := peerGoal(tt.peer, tt.size); got.Kind != tt.want {
			t.Errorf("%s at %d: %+v, want %s", tt.peer, tt.size, got, tt.want)
		}
	}
}
