package stack

import (
	"net/netip"
	"testing"
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
		if d := q.pop(); d == nil || d.hops != want {
			t.Fatalf("packet %v, want %d", d, want)
		}
	}
	if d := q.pop(); d != nil {
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
			if d := q.pop(); d.hops != (n-10)%7 {
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
	if q.push(queued(1)) || q.pop() != nil {
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
	if c.cache.route == nil {
		t.Error("the route is not kept")
	}
	c.Close()
	if c.cache.route != nil {
		t.Error("the route is kept after Close")
	}
	if s.raw.open(89) {
		t.Error("the socket is still found after Close")
	}
}
