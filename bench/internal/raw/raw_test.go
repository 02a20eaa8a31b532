package raw

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hextet/hextet/bench/internal/measure"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a host with one sender of two destinations, whose packets go through change
// first; an empty one is lost.
func fake(change func([]byte) []byte) *host {
	k := &sink{}
	to := destinations(2)
	return &host{took: k.took, capture: k.capture, close: func() {}, senders: []*sender{{name: "fake", to: to, send: func(i int) error {
		if b := change(packet(to[i])); len(b) > 0 {
			_, err := link{sink: k}.WritePackets([][]byte{b})
			return err
		}
		return nil
	}}}}
}

func set(at int, v byte) func([]byte) []byte {
	return func(b []byte) []byte { b[at] = v; return b }
}

func TestCheckNotices(t *testing.T) {
	same := func(b []byte) []byte { return b }
	calls := 0
	for _, tt := range []struct {
		what   string
		change func([]byte) []byte
		ok     bool
	}{
		{"the packet that it should be", same, true},
		{"another flow label", set(3, 7), true},
		{"another traffic class", set(0, 0x61), false},
		{"another hop limit", set(7, 63), false},
		{"another source", set(23, 2), false},
		{"another destination", set(39, 99), false},
		{"a checksum left as it was", set(42, 0xde), false},
		{"other data", set(103, 1), false},
		{"a packet cut short", func(b []byte) []byte { return b[:100] }, false},
		{"no echo request", set(40, 129), false},
		{"no second packet", func(b []byte) []byte {
			if calls++; calls == 2 {
				return nil
			}
			return b
		}, false},
	} {
		if err := fake(tt.change).check(); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.what, err)
		}
	}
}

func TestLost(t *testing.T) {
	n := 0
	lossy := func(b []byte) []byte {
		if n++; n%10 == 0 {
			return nil
		}
		return b
	}
	sound := func() *host { return fake(func(b []byte) []byte { return b }) }
	// 300 packets that were there before don't make up for any.
	run := func(h *host) *host {
		h.senders[0].run(300)
		if err := h.check(); err != nil {
			t.Fatal(err)
		}
		n = 0
		h.senders[0].run(100)
		return h
	}

	if got, err := newGroup([]*host{run(sound()), run(fake(lossy))}, run(sound())).lost(); got != 10 || err != nil {
		t.Errorf("ours lost %v, %v; want 10", got, err)
	}
	if _, err := newGroup([]*host{run(sound())}, run(fake(lossy))).lost(); err == nil || !strings.Contains(err.Error(), "fake lost 10 packets") {
		t.Errorf("a peer that loses: %v", err)
	}
	broken := errors.New("broken")
	failing := sound()
	failing.senders[0].send = func(int) error { return broken }
	failing.senders[0].run(1)
	for _, g := range []*group{newGroup([]*host{failing}, run(sound())), newGroup([]*host{run(sound())}, failing)} {
		if _, err := g.lost(); !errors.Is(err, broken) {
			t.Errorf("a send that fails: %v", err)
		}
	}
}

func TestAddresses(t *testing.T) {
	for _, n := range []int{few, many} {
		different := map[netip.Prefix]bool{}
		for _, a := range addresses(n) {
			different[a] = true
		}
		if len(different) != n || !different[netip.PrefixFrom(source, 64)] {
			t.Errorf("%d different addresses of %d", len(different), n)
		}
	}
}

// Nothing is lost where nothing is to be lost, and nothing allocated.
func TestGvisorBench(t *testing.T) {
	b, err := gvisorBench()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := b.Check(); err != nil {
		t.Fatal(err)
	}
	if _, err := measure.Run(t.Context(), measure.Config{Rounds: 2, Round: time.Microsecond}, b.Contenders...); err != nil {
		t.Fatal(err)
	}
	for _, c := range b.Counts {
		if v, err := c.Get(); err != nil || v > c.Goal.Value {
			t.Errorf("%s: %v, %v", c.Name, v, err)
		}
	}
}
