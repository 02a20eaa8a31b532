package vxlan

import (
	"net/netip"
	"slices"
	"testing"
)

// A peer that is named twice, in whatever spelling, gets a frame once.
func TestPeerNamedTwice(t *testing.T) {
	mapped := netip.AddrPortFrom(netip.AddrFrom16(peerA.Addr().As16()), 0)
	conn, _, l := open(t, Segment{Peers: []netip.AddrPort{peerA, mapped, peerB, peerA}})
	if err := l.AddPeer(mapped); err != nil {
		t.Fatal(err)
	}
	if got := l.Peers(); !slices.Equal(got, []netip.AddrPort{peerA, peerB}) {
		t.Errorf("peers %v", got)
	}
	write(t, l, frame(broadcast, stationA, 46))
	if one, two := (<-conn.sent).to, (<-conn.sent).to; one != peerA || two != peerB || len(conn.sent) != 0 {
		t.Errorf("sent to %v, %v and %d more", one, two, len(conn.sent))
	}
}

// fe80::1 on two links is two hosts, so a peer says on which it is.
func TestLinkLocalPeer(t *testing.T) {
	at := netip.MustParseAddrPort
	if _, err := (Segment{Peers: []netip.AddrPort{at("[fe80::1]:4789")}}).complete(netip.Addr{}); err == nil {
		t.Error("a link-local peer without a zone is taken")
	}
	_, e, l := open(t, Segment{Peers: []netip.AddrPort{at("[fe80::1%eth0]:14789")}, PeersOnly: true})
	e.deliver(encapsulated(0, frame(broadcast, stationB, 46)), at("[fe80::1%eth1]:50000"))
	if c := l.Counters(); c.ForeignPeer != 1 || c.PacketsRead != 0 {
		t.Errorf("from the other link: %+v", c)
	}
	e.deliver(encapsulated(0, frame(broadcast, stationB, 46)), at("[fe80::1%eth0]:50000"))
	if got := l.Stations(); len(got) != 1 || got[0].Peer != at("[fe80::1%eth0]:14789") {
		t.Errorf("stations %v", got)
	}
}

// A peer that is removed while a frame of its is on the way in leaves no station behind.
func TestRemovePeerDuringReceive(t *testing.T) {
	conn := newFakeConn()
	remove := func() {}
	e, err := New(Config{Conn: conn, Clock: hookClock{&remove}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	l, err := e.Open(Segment{Peers: []netip.AddrPort{peerA, peerB}, PeersOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	remove = func() { l.RemovePeer(peerA) } // between the look at the peers and what is learned
	e.deliver(encapsulated(0, frame(broadcast, stationA, 46)), peerA)
	remove = func() {}
	if got := l.Stations(); len(got) != 0 {
		t.Errorf("behind a peer that was removed: %v", got)
	}
	e.deliver(encapsulated(0, frame(broadcast, stationA, 46)), peerB)
	if got := l.Stations(); len(got) != 1 {
		t.Errorf("behind a peer that was not: %v", got)
	}
}
