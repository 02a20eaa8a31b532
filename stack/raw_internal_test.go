package stack

import (
	"net/netip"
	"testing"
	"time"
)

func queued(n int) *rawDatagram { return &rawDatagram{payload: make([]byte, n), hops: n} }

// TestRawQueueWakesEachReader: the token of two packets that came at once passes from the first
// reader to the second.
func TestRawQueueWakesEachReader(t *testing.T) {
	var q rawQueue
	q.init()
	q.push(queued(1))
	q.push(queued(2))
	for want := 1; want <= 2; want++ {
		select {
		case <-q.ready:
		default:
			t.Fatalf("nobody is woken for packet %d", want)
		}
		if d := q.pop(new(errorQueue)); d == nil || d.hops != want {
			t.Fatalf("packet %v, want %d", d, want)
		}
	}
	if d := q.pop(new(errorQueue)); d != nil {
		t.Errorf("a third packet: %v", d)
	}
}

// TestRawQueueStaysSmall: a queue that never runs empty does not remember what has passed.
func TestRawQueueStaysSmall(t *testing.T) {
	var q rawQueue
	q.init()
	for n := range 10000 {
		if !q.push(queued(n % 7)) {
			t.Fatal("full")
		}
		if n >= 10 {
			if d := q.pop(new(errorQueue)); d.hops != (n-10)%7 {
				t.Fatalf("packet %d came out of order", n)
			}
		}
	}
	if cap(q.list) > 100 {
		t.Errorf("room for %d packets, 10 are there", cap(q.list))
	}
	if q.bytes == 0 || q.bytes > 10*(rawOverhead+7) {
		t.Errorf("%d bytes, by the books", q.bytes)
	}
	q.close()
	if q.push(queued(1)) || q.pop(new(errorQueue)) != nil {
		t.Error("a closed queue holds something")
	}
}

// TestRawCloseDropsRoute: a kept route would hold on to its address.
func TestRawCloseDropsRoute(t *testing.T) {
	s, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	near, _ := Pipe(1500)
	i, err := s.Attach(InterfaceConfig{Link: near})
	if err != nil {
		t.Fatal(err)
	}
	if err := i.AddAddress(Address{Prefix: netip.MustParsePrefix("2001:db8::1/64")}); err != nil {
		t.Fatal(err)
	}
	c, err := s.ListenRaw(89, netip.Addr{})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Connect(netip.MustParseAddr("2001:db8::2")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := c.WriteTo([]byte("x"), nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.flows.flows) != 1 || c.flows.last.Load() == nil {
		t.Error("the route is not kept")
	}
	f := c.flows.last.Load()
	c.Close()
	if len(c.flows.flows) != 0 || c.flows.last.Load() != nil || f.refs.Load() != 0 {
		t.Error("the route is kept after Close")
	}
	if s.raw.open(89) {
		t.Error("the socket is still found after Close")
	}
}

// TestRawFlowsAreBounded: a scan of many destinations is forgotten, and nothing of it held.
func TestRawFlowsAreBounded(t *testing.T) {
	s, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	near, _ := Pipe(1500)
	i, err := s.Attach(InterfaceConfig{Link: near})
	if err != nil {
		t.Fatal(err)
	}
	if err := i.AddAddress(Address{Prefix: netip.MustParsePrefix("2001:db8::1/64")}); err != nil {
		t.Fatal(err)
	}
	c, err := s.ListenRaw(89, netip.Addr{})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[*flow]bool{}
	dst := netip.MustParseAddr("2001:db8::2")
	for range 3 * maxFlows {
		if _, err := c.WriteMsg([]byte("x"), nil, dst); err != nil {
			t.Fatal(err)
		}
		seen[c.flows.last.Load()] = true
		dst = dst.Next()
	}
	if len(c.flows.flows) != maxFlows || len(seen) != 3*maxFlows {
		t.Errorf("%d flows are kept, of %d", len(c.flows.flows), len(seen))
	}
	c.Close()
	for f := range seen {
		if n := f.refs.Load(); n != 0 {
			t.Fatalf("%d references to %v are left", n, f.dst)
		}
	}
}

// TestPathMTUsAreBounded: the oldest is forgotten first.
func TestPathMTUsAreBounded(t *testing.T) {
	var p pathMTUs
	now := time.Unix(0, 0)
	first := netip.MustParseAddr("2001:db8::")
	dst := first
	for range maxPathMTUs + 1 {
		if !p.lower(now, dst, 1, 1400) {
			t.Fatal("no news")
		}
		now, dst = now.Add(time.Millisecond), dst.Next()
	}
	clock := func() time.Time { return now }
	if len(p.entries) != maxPathMTUs || p.lookup(clock, first, 1).bytes != 0 || p.lookup(clock, first.Next(), 7).bytes != 1400 {
		t.Errorf("%d entries, %v, %v", len(p.entries), p.lookup(clock, first, 1), p.lookup(clock, first.Next(), 7))
	}
	local := netip.MustParseAddr("fe80::1")
	p.lower(now, local, 1, 1300)
	if p.lookup(clock, local, 1).bytes != 1300 || p.lookup(clock, local, 2).bytes != 0 {
		t.Error("links are mixed up")
	}
	now = now.Add(pathMTUTime)
	if p.lookup(clock, local, 1).bytes != 0 || p.lower(now, dst, 1, 1450) != true {
		t.Error("what is old counts")
	}
}
