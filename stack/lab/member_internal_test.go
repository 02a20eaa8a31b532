package lab

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"testing"

	"github.com/hextet/hextet/stack"
)

// What is remembered of groups is what asking everybody says, whatever joins, leaves and moves.
func TestMembersAreWhatEverybodySays(t *testing.T) {
	l := New(t)
	segs := []*Segment{l.Segment(SegmentConfig{}), l.Segment(SegmentConfig{})}
	var hosts []*Host
	var conns []*stack.UDPConn
	for n := range 6 {
		h := l.Host(HostConfig{Segment: segs[n%2], Addresses: Addresses(fmt.Sprintf("2001:db8::%d/64", n+1))})
		c, err := h.ListenPacket(t.Context(), "udp", ":1")
		if err != nil {
			t.Fatal(err)
		}
		hosts, conns = append(hosts, h), append(conns, c.(*stack.UDPConn))
	}
	rnd := rand.New(rand.NewPCG(1, 1))
	found := 0
	for range 2000 {
		n := rnd.IntN(len(hosts))
		h, i := hosts[n], hosts[n].Interface("eth0")
		group := netip.MustParseAddr(fmt.Sprintf("ff02::%d:%x", rnd.IntN(2), 0x1000+rnd.IntN(3)))
		solicited := netip.MustParsePrefix(fmt.Sprintf("2001:db8::%x/64", 0x100+rnd.IntN(3)))
		switch rnd.IntN(6) {
		case 0:
			conns[n].JoinGroup(i.NetInterface(), &net.UDPAddr{IP: group.AsSlice()})
		case 1:
			conns[n].LeaveGroup(i.NetInterface(), &net.UDPAddr{IP: group.AsSlice()})
		case 2:
			i.AddAddress(stack.Address{Prefix: solicited})
		case 3:
			i.RemoveAddress(solicited.Addr())
		case 4:
			if err := i.Plug(segs[rnd.IntN(2)]); err != nil {
				t.Fatal(err)
			}
		}
		if rnd.IntN(4) == 0 {
			l.Sleep(1)
		}
		to := group
		if rnd.IntN(2) == 0 {
			to = netip.MustParseAddr(fmt.Sprintf("ff02::1:ff00:%x", 0x100+rnd.IntN(3)))
		}
		frame := make([]byte, 54)
		copy(frame, "\x33\x33")
		copy(frame[12:], "\x86\xdd")
		copy(frame[38:], to.AsSlice())
		for _, s := range segs {
			var want []*port
			for _, p := range s.ports {
				if p.wants(frame) {
					want = append(want, p)
				}
			}
			got := s.members.of(frame, s.ports, l.sched.touches.Add(1))
			if !slices.Equal(got, want) {
				t.Fatalf("%v on %s: %d members, want %d (host %s)", to, s.name, len(got), len(want), h.name)
			}
			found += len(got)
		}
	}
	if found == 0 {
		t.Error("no group had a member: the test shows nothing")
	}
}
