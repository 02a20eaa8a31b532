package vxlan

import (
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"
)

func TestStationsAge(t *testing.T) {
	now := time.Unix(1e9, 0)
	table := stations{limit: 2, age: time.Minute}
	a, b, c := station(stationA), station(stationB), station{2, 0, 0, 0, 0, 0xc}
	learn := func(s station, want bool) {
		t.Helper()
		if got := table.learn(s, peerA, now); got != want {
			t.Errorf("learn %v: %v, want %v", s, got, want)
		}
	}
	learn(a, true)
	now = now.Add(30 * time.Second)
	learn(b, true)
	learn(c, false) // full
	learn(a, true)  // but known
	now = now.Add(59 * time.Second)
	if _, ok := table.find(b, now); !ok {
		t.Error("forgotten too early")
	}
	now = now.Add(time.Second)
	if _, ok := table.find(b, now); ok {
		t.Error("not forgotten")
	}
	learn(c, true) // in the place of one that is of age
	now = now.Add(-time.Hour)
	learn(c, true) // a clock that is set back harms nothing
	now = now.Add(2 * time.Hour)
	learn(a, true)
	if list := table.list(now); len(list) != 1 || list[0].HardwareAddr.String() != stationA.String() || !list[0].Seen.Equal(now) {
		t.Errorf("%v", list)
	}
}

func TestStaticStations(t *testing.T) {
	_, e, l := open(t, Segment{Peers: []netip.AddrPort{peerA, peerB}, MaxStations: 1, HardwareAddr: net.HardwareAddr{2, 0, 0, 0, 0, 1}})
	if err := l.AddStation(stationB, netip.AddrPortFrom(peerB.Addr(), 0)); err != nil {
		t.Fatal(err)
	}
	e.deliver(encapsulated(0, frame(broadcast, stationB, 46)), peerA)
	e.deliver(encapsulated(0, frame(broadcast, stationA, 46)), peerA) // static ones take no room
	if l.Counters().NotLearned != 0 || !l.RemoveStation(stationA) {
		t.Errorf("not learned beside a static station: %v", l.Stations())
	}
	if got := l.Stations(); len(got) != 1 || got[0].Peer != peerB || !got[0].Static || !got[0].Seen.IsZero() {
		t.Errorf("%v, want it behind %v for good", got, peerB)
	}
	for _, hw := range []net.HardwareAddr{nil, broadcast, stationA[:5]} {
		if err := l.AddStation(hw, peerA); err == nil {
			t.Errorf("AddStation(%s) succeeded", hw)
		}
	}
	if err := l.AddStation(stationA, netip.AddrPort{}); err == nil {
		t.Error("AddStation behind no peer succeeded")
	}
	if !l.RemoveStation(stationB) || l.RemoveStation(stationB) || len(l.Stations()) != 0 {
		t.Errorf("%v after a removal", l.Stations())
	}
}

func TestNoLearning(t *testing.T) {
	_, e, l := open(t, Segment{NoLearning: true})
	e.deliver(encapsulated(0, frame(broadcast, stationB, 46)), peerA)
	if got := l.Stations(); len(got) != 0 || l.Counters().PacketsRead != 1 {
		t.Errorf("%v, %+v", got, l.Counters())
	}
}

// The table against a plain list that forgets what is of age at each step.
func TestStationsAgainstList(t *testing.T) {
	type row struct {
		s      station
		peer   netip.AddrPort
		static bool
		seen   time.Time
	}
	r := rand.New(rand.NewPCG(7348, 1))
	table := stations{limit: 5, age: 10 * time.Second}
	now := time.Unix(1e9, 0)
	var list []row
	learned := func() (n int) {
		for _, e := range list {
			if !e.static {
				n++
			}
		}
		return n
	}
	refused := 0
	for step := range 20_000 {
		now = now.Add(time.Duration(r.IntN(3)) * time.Second)
		kept := list[:0]
		for _, e := range list {
			if e.static || now.Sub(e.seen) < table.age {
				kept = append(kept, e)
			}
		}
		list = kept
		s := station{2, byte(r.IntN(20))}
		peer := []netip.AddrPort{peerA, peerB}[r.IntN(2)]
		at := -1
		for i := range list {
			if list[i].s == s {
				at = i
			}
		}
		switch r.IntN(40) {
		case 0, 3, 4, 5: // more often than fix, or all would be static
			if got := table.forget(s, now); got != (at >= 0) {
				t.Fatalf("step %d: forget %v: %v with %v", step, s, got, list)
			}
			list = slices.DeleteFunc(list, func(e row) bool { return e.s == s })
			continue
		case 1:
			table.forgetPeer(peer)
			list = slices.DeleteFunc(list, func(e row) bool { return e.peer == peer && !e.static })
			continue
		case 2:
			table.fix(s, peer)
			list = append(slices.DeleteFunc(list, func(e row) bool { return e.s == s }), row{s, peer, true, time.Time{}})
			continue
		}
		if r.IntN(2) == 0 {
			got, ok := table.find(s, now)
			if ok != (at >= 0) || ok && got != list[at].peer {
				t.Fatalf("step %d: find %v: %v, %v, want %v", step, s, got, ok, list)
			}
			continue
		}
		got := table.learn(s, peer, now)
		switch {
		case at >= 0 && list[at].static:
		case at >= 0:
			list[at] = row{s, peer, false, now}
		case learned() < table.limit:
			list = append(list, row{s, peer, false, now})
			at = len(list) - 1
		}
		if got != (at >= 0) || table.learned() > table.limit {
			t.Fatalf("step %d: learn %v: %v with %v, %d learned", step, s, got, list, table.learned())
		}
		if !got {
			refused++
		}
	}
	if refused < 100 {
		t.Errorf("the table was full %d times only", refused)
	}
}
