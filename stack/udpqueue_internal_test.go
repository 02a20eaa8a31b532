package stack

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/hextet/hextet/stack/internal/engine"
)

func testDatagram(n, size int) *engine.Datagram {
	return &engine.Datagram{
		Interface: n, HopLimit: uint8(n), TrafficClass: uint8(n >> 8),
		Src:     netip.AddrPortFrom(netip.MustParseAddr("2001:db8::1"), uint16(n)),
		Dst:     netip.AddrPortFrom(netip.MustParseAddr("2001:db8::2"), 53),
		Payload: bytes.Repeat([]byte{byte(n)}, size),
	}
}

// TestUDPQueueTwin: the rings do what a list of datagrams would, at every size and limit.
func TestUDPQueueTwin(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for round := range 50 {
		var (
			q    udpQueue
			twin []*engine.Datagram
			cost int
			buf  = make([]byte, 70_000)
		)
		q.init()
		q.setLimit(1 + rng.IntN(20_000))
		for n := range 2000 {
			if rng.IntN(5) < 3 {
				size := rng.IntN(1 + rng.IntN(3000))
				if rng.IntN(100) == 0 {
					size = 65_000
				}
				d := testDatagram(n, size)
				want := len(twin) == 0 || cost+size+udpOverhead <= q.limit
				if got := q.push(d); got != want {
					t.Fatalf("round %d, step %d: push of %d bytes onto %d of %d: %v", round, n, size, cost, q.limit, got)
				}
				if want {
					twin = append(twin, d)
					cost += size + udpOverhead
				}
				continue
			}
			room := rng.IntN(3000)
			r, ok := q.pop(buf[:room], new(errorQueue))
			if ok != (len(twin) > 0) {
				t.Fatalf("round %d, step %d: pop: %v with %d queued", round, n, ok, len(twin))
			}
			if !ok {
				continue
			}
			d := twin[0]
			twin = twin[1:]
			cost -= len(d.Payload) + udpOverhead
			want := udpRecord{d.Src, d.Dst, d.Interface, d.HopLimit, d.TrafficClass, len(d.Payload)}
			if fit := min(room, r.size); r != want || !bytes.Equal(buf[:fit], d.Payload[:fit]) {
				t.Fatalf("round %d, step %d: %+v, want %+v, or another payload", round, n, r, want)
			}
		}
	}
}

// TestUDPQueueIsBounded: in bytes of memory, whatever the datagrams' size, with nothing in them too.
func TestUDPQueueIsBounded(t *testing.T) {
	for _, size := range []int{0, 1, 64, 1400, 65_507} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			var q udpQueue
			q.init()
			taken := 0
			for d := testDatagram(1, size); q.push(d); taken++ {
			}
			if want := udpReadBuffer / (size + udpOverhead); taken != want {
				t.Errorf("%d datagrams are queued, want %d", taken, want)
			}
			const record = 88 // an upper bound of the size of a udpRecord
			if held := len(q.bytes) + len(q.records)*record; held > 2*udpReadBuffer {
				t.Errorf("they take %d bytes, of a buffer of %d", held, udpReadBuffer)
			}
			q.close()
			if q.push(testDatagram(1, size)) || q.bytes != nil || q.records != nil {
				t.Error("a closed queue holds on to something")
			}
		})
	}
}

// TestUDPFindTwin: the socket of a datagram is the one that the rule says, in every mixture of sockets.
func TestUDPFindTwin(t *testing.T) {
	addrs := []netip.Addr{{}, netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("fe80::1"), netip.MustParseAddr("192.0.2.1")}
	peers := []netip.AddrPort{{}, netip.MustParseAddrPort("[2001:db8::9]:9"), netip.MustParseAddrPort("192.0.2.9:9")}
	rng := rand.New(rand.NewPCG(7, 8))
	for range 3000 {
		var table udpTable
		var all []*UDPConn
		for range rng.IntN(6) {
			c := &UDPConn{
				local: addrs[rng.IntN(len(addrs))], remote: peers[rng.IntN(len(peers))],
				iface: rng.IntN(3), port: uint16(1 + rng.IntN(2)),
				ipv4: rng.IntN(3) == 0, v6only: rng.IntN(3) == 0,
			}
			all = append(all, c)
			table.add(c)
		}
		d := &engine.Datagram{
			Dst:       netip.AddrPortFrom(addrs[1+rng.IntN(len(addrs)-1)], 1),
			Src:       peers[1+rng.IntN(len(peers)-1)],
			Interface: 1 + rng.IntN(2),
		}
		if got, want := table.find(d), slowFind(all, d); got != want {
			t.Fatalf("%+v: found %+v, want %+v", d, got, want)
		}
		for _, c := range all {
			table.remove(c)
		}
		if len(table.ports) != 0 {
			t.Fatal("ports are left")
		}
	}
}

// slowFind asks for one kind of socket after the other, the youngest of each first.
func slowFind(all []*UDPConn, d *engine.Datagram) *UDPConn {
	for _, kind := range [][3]bool{ // is connected, has an address, has an interface
		{true, true, true}, {true, true, false}, {true, false, true}, {true, false, false},
		{false, true, true}, {false, true, false}, {false, false, true}, {false, false, false},
	} {
		for n := len(all) - 1; n >= 0; n-- {
			c := all[n]
			is := [3]bool{c.remote.IsValid(), c.local.IsValid(), c.iface != 0}
			speaks := is[1] || d.Dst.Addr().Is4() && !c.v6only || d.Dst.Addr().Is6() && !c.ipv4
			if is == kind && c.port == d.Dst.Port() && speaks &&
				(!is[0] || c.remote == d.Src) && (!is[1] || c.local == d.Dst.Addr()) && (!is[2] || c.iface == d.Interface) {
				return c
			}
		}
	}
	return nil
}
