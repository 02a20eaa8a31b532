package vxlan

import (
	"bytes"
	"encoding/hex"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// scapy 2.5.0: bytes(VXLAN(flags=8, vni=0xabcdef) / Ether(dst='02:00:00:00:00:0b',
// src='02:00:00:00:00:0a', type=0x86dd) / Raw(b'\x00\x01')).hex()
const golden = "08000000abcdef00" + "02000000000b" + "02000000000a" + "86dd" + "0001"

func TestGolden(t *testing.T) {
	want, err := hex.DecodeString(golden)
	if err != nil {
		t.Fatal(err)
	}
	inner := frame(stationB, stationA, 2)
	conn, e, l := open(t, Segment{VNI: 0xabcdef, Peers: []netip.AddrPort{peerA}, HardwareAddr: stationA})
	write(t, l, inner)
	if got := <-conn.sent; !bytes.Equal(got.data, want) || got.to != peerA {
		t.Errorf("sent %x to %v, want %x to %v", got.data, got.to, want, peerA)
	}
	want[0], want[1], want[7] = 0xff, 0xff, 0xff // reserved bits are ignored
	copy(want[headerLen+6:], stationB)           // its own address would be a loop
	e.deliver(want, peerA)
	if got := read(t, l); len(got) != 1 || !bytes.Equal(got[0], want[headerLen:]) {
		t.Errorf("read %x, want %x", got, want[headerLen:])
	}
}

func write(t *testing.T, l *Link, frames ...[]byte) {
	t.Helper()
	if n, err := l.WritePackets(frames); n != len(frames) || err != nil {
		t.Fatalf("WritePackets took %d of %d: %v", n, len(frames), err)
	}
}

// read reads what there is, which must be something.
func read(t *testing.T, l *Link) [][]byte {
	t.Helper()
	bufs, sizes := make([][]byte, 8), make([]int, 8)
	for i := range bufs {
		bufs[i] = make([]byte, l.MTU()+ethernetLen)
	}
	n, err := l.ReadPackets(bufs, sizes)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		bufs[i] = bufs[i][:sizes[i]]
	}
	return bufs[:n]
}

// A broadcast, and a frame to a station that nobody has seen, go to all peers; one to
// a station that was seen goes to its peer alone.
func TestFloodAndLearn(t *testing.T) {
	conn, e, l := open(t, Segment{VNI: 7, Peers: []netip.AddrPort{peerA, netip.AddrPortFrom(peerB.Addr(), 0)}, HardwareAddr: stationA})
	expect := func(dst net.HardwareAddr, peers ...netip.AddrPort) {
		t.Helper()
		write(t, l, frame(dst, stationA, 46))
		for _, p := range peers {
			if got := <-conn.sent; got.to != p || !bytes.Equal(got.data, encapsulated(7, frame(dst, stationA, 46))) {
				t.Errorf("to %v: sent %x to %v, want it to %v", dst, got.data, got.to, p)
			}
		}
		if len(conn.sent) != 0 {
			t.Errorf("to %v: also sent to %v", dst, (<-conn.sent).to)
		}
	}
	group := net.HardwareAddr{0x33, 0x33, 0, 0, 0, 1}
	expect(broadcast, peerA, peerB)
	expect(group, peerA, peerB)
	expect(stationB, peerA, peerB)
	e.deliver(encapsulated(7, frame(stationA, stationB, 46)), peerB)
	expect(stationB, peerB)
	expect(broadcast, peerA, peerB)
	e.deliver(encapsulated(7, frame(stationA, stationB, 46)), peerA) // it has moved
	expect(stationB, peerA)
	if c := l.Counters(); c.Flooded != 4 || c.PacketsWritten != 10 || c.BytesWritten != 600 || c.PacketsRead != 2 || c.BytesRead != 120 {
		t.Errorf("%+v", c)
	}
	if !l.RemovePeer(peerA) || l.RemovePeer(peerA) || !slices.Equal(l.Peers(), []netip.AddrPort{peerB}) {
		t.Errorf("peers %v after a removal", l.Peers())
	}
	expect(stationB, peerB) // what was learned of peerA is gone with it
}

// The peer of a station is a peer that was named, by address and port or by address;
// the source port of VXLAN is no port to send to.
func TestPortOfLearnedPeer(t *testing.T) {
	one, two := netip.MustParseAddrPort("192.0.2.1:1001"), netip.MustParseAddrPort("192.0.2.1:1002")
	conn, _, l := open(t, Segment{Peers: []netip.AddrPort{one, two}})
	for from, want := range map[string]string{
		"192.0.2.1:1001":           "192.0.2.1:1001",
		"192.0.2.1:1002":           "192.0.2.1:1002",
		"192.0.2.1:50000":          "192.0.2.1:1001",
		"[::ffff:192.0.2.1]:1002":  "192.0.2.1:1002",
		"192.0.2.3:50000":          "192.0.2.3:4789",
		"[fe80::1%eth0]:50000":     "[fe80::1%eth0]:4789",
		"[2001:db8::1]:4789":       "[2001:db8::1]:4789",
		"[::ffff:192.0.2.4]:50000": "192.0.2.4:4789",
	} {
		conn.received <- packet{encapsulated(0, frame(broadcast, stationB, 46)), netip.MustParseAddrPort(from)}
		read(t, l) // it is here, and learned from
		if got := l.Stations(); len(got) != 1 || got[0].Peer.String() != want {
			t.Errorf("a frame from %s: %v, want %s", from, got, want)
		}
	}
}

func TestReceiveDrops(t *testing.T) {
	own := net.HardwareAddr{2, 0, 0, 0, 0, 1}
	vlan := frame(broadcast, stationB, 46)
	vlan[12], vlan[13] = 0x81, 0
	noVNI := encapsulated(7, frame(broadcast, stationB, 46))
	noVNI[0] = 0xf7
	good := encapsulated(7, frame(broadcast, stationB, 46))
	for _, c := range []struct {
		name    string
		payload []byte
		from    netip.AddrPort
		link    Counters
		end     EndpointCounters
	}{
		{"nothing", nil, peerA, Counters{}, EndpointCounters{Malformed: 1}},
		{"no room for a frame", good[:headerLen+ethernetLen-1], peerA, Counters{}, EndpointCounters{Malformed: 1}},
		{"no VNI", noVNI, peerA, Counters{}, EndpointCounters{Malformed: 1}},
		{"another VNI", encapsulated(8, frame(broadcast, stationB, 46)), peerA, Counters{}, EndpointCounters{UnknownVNI: 1}},
		{"another peer", good, peerB, Counters{ForeignPeer: 1}, EndpointCounters{}},
		{"from a group", encapsulated(7, frame(own, broadcast, 46)), peerA, Counters{ReadInvalid: 1}, EndpointCounters{}},
		{"from nobody", encapsulated(7, frame(own, make(net.HardwareAddr, 6), 46)), peerA, Counters{ReadInvalid: 1}, EndpointCounters{}},
		{"from itself", encapsulated(7, frame(broadcast, own, 46)), peerA, Counters{OwnFrame: 1}, EndpointCounters{}},
		{"VLAN", encapsulated(7, vlan), peerA, Counters{ReadVLAN: 1}, EndpointCounters{}},
		{"too large", encapsulated(7, frame(own, stationB, 1451)), peerA, Counters{ReadTooLarge: 1}, EndpointCounters{}},
		{"as large as can be", encapsulated(7, frame(own, stationB, 1450)), peerA, Counters{PacketsRead: 1, BytesRead: 1464}, EndpointCounters{}},
		{"a header only", good[:headerLen+ethernetLen], peerA, Counters{PacketsRead: 1, BytesRead: 14}, EndpointCounters{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, e, l := open(t, Segment{VNI: 7, Peers: []netip.AddrPort{peerA}, PeersOnly: true, HardwareAddr: own})
			e.deliver(c.payload, c.from)
			if got := l.Counters(); got != c.link {
				t.Errorf("link %+v, want %+v", got, c.link)
			}
			if got := e.Counters(); got != c.end {
				t.Errorf("endpoint %+v, want %+v", got, c.end)
			}
		})
	}
}

func TestWriteDrops(t *testing.T) {
	conn, _, l := open(t, Segment{Peers: []netip.AddrPort{peerA}, MTU: 1280})
	vlan := frame(broadcast, stationA, 46)
	vlan[12], vlan[13] = 0x88, 0xa8
	write(t, l, make([]byte, 13), vlan, frame(broadcast, stationA, 1281), frame(broadcast, stationA, 1280))
	if got := <-conn.sent; len(got.data) != headerLen+ethernetLen+1280 {
		t.Errorf("sent %d bytes", len(got.data))
	}
	if c := l.Counters(); c.WriteInvalid != 1 || c.WriteVLAN != 1 || c.WriteTooLarge != 1 {
		t.Errorf("%+v", c)
	}
}

// A frame to all of no peers is dropped, and counted.
func TestNoPeers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, _, l := open(t, Segment{})
		write(t, l, frame(broadcast, stationA, 46))
		synctest.Wait()
		if c := l.Counters(); c.WriteNoPeer != 1 || c.Flooded != 0 || c.PacketsWritten != 0 {
			t.Errorf("without a peer: %+v", c)
		}
		if err := l.AddPeer(peerA); err != nil {
			t.Fatal(err)
		}
		write(t, l, frame(broadcast, stationA, 46))
		synctest.Wait()
		if c := l.Counters(); c.WriteNoPeer != 1 || c.Flooded != 1 || c.PacketsWritten != 1 || len(conn.sent) != 1 {
			t.Errorf("with one: %+v", c)
		}
	})
}

// Neither direction waits for anyone, and what does not fit is told and counted.
func TestFullQueues(t *testing.T) {
	conn, e, l := open(t, Segment{Peers: []netip.AddrPort{peerA}})
	for range queueLen + 3 {
		e.deliver(encapsulated(0, frame(broadcast, stationB, 46)), peerA)
	}
	if c := l.Counters(); c.PacketsRead != queueLen || c.ReadQueueFull != 3 {
		t.Errorf("%+v", c)
	}
	frames := make([][]byte, 2*queueLen)
	for i := range frames {
		frames[i] = frame(broadcast, stationA, 46)
	}
	// The socket takes cap(conn.sent), the goroutine holds one, the queue the rest.
	n, err := l.WritePackets(frames)
	if n < queueLen || n > queueLen+cap(conn.sent)+1 || !errors.Is(err, errQueueFull) || !strings.Contains(err.Error(), "VNI 0") {
		t.Errorf("WritePackets took %d: %v", n, err)
	}
}

// Two goroutines that wait for a frame each get one of two.
func TestTwoReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, e, l := open(t, Segment{})
		got := make(chan error, 2)
		for range 2 {
			go func() {
				_, err := l.ReadPackets([][]byte{make([]byte, 100)}, make([]int, 1))
				got <- err
			}()
		}
		synctest.Wait()
		e.deliver(encapsulated(0, frame(broadcast, stationB, 46)), peerA)
		e.deliver(encapsulated(0, frame(broadcast, stationB, 46)), peerA)
		synctest.Wait()
		if len(got) != 2 {
			t.Errorf("%d of two readers got a frame", len(got))
		}
	})
}

type nameless struct{ net.PacketConn }

func (nameless) LocalAddr() net.Addr { return nil }

func TestBadConfig(t *testing.T) {
	if _, err := New(Config{}); err == nil || !strings.Contains(err.Error(), "Config.Conn") {
		t.Errorf("without a socket: %v", err)
	}
	if _, err := New(Config{Conn: nameless{}}); err == nil || !strings.HasPrefix(err.Error(), "vxlan: ") {
		t.Errorf("a socket without an address: %v", err)
	}
	for _, c := range []struct {
		s    Segment
		want string
	}{
		{Segment{VNI: 1 << 24}, "VNI 16777216"},
		{Segment{MTU: -1}, "MTU -1"},
		{Segment{MTU: 65500}, "MTU 65500"},
		{Segment{Age: -1}, "Age -1ns"},
		{Segment{MaxStations: -1}, "MaxStations -1"},
		{Segment{HardwareAddr: broadcast}, "ff:ff:ff:ff:ff:ff"},
		{Segment{HardwareAddr: make(net.HardwareAddr, 6)}, "00:00:00:00:00:00"},
		{Segment{HardwareAddr: stationA[:5]}, "02:00:00:00:00"},
		{Segment{Peers: []netip.AddrPort{{}}}, "invalid AddrPort"},
		{Segment{Peers: []netip.AddrPort{netip.MustParseAddrPort("[::]:4789")}}, "[::]:4789"},
		{Segment{Peers: []netip.AddrPort{netip.MustParseAddrPort("[::%eth0]:4789")}}, "[::%eth0]:4789"},
		{Segment{Peers: []netip.AddrPort{netip.MustParseAddrPort("[::ffff:0.0.0.0]:4789")}}, "[::ffff:0.0.0.0]:4789"},
		{Segment{Peers: []netip.AddrPort{netip.MustParseAddrPort("[fe80::1]:4789")}}, "[fe80::1]:4789"},
	} {
		if _, err := c.s.complete(netip.Addr{}); err == nil || !strings.HasPrefix(err.Error(), "vxlan: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want it to name %q", c.s, err, c.want)
		}
	}
}

func TestDefaultMTU(t *testing.T) {
	ipv6 := netip.MustParseAddrPort("[2001:db8::1]:4789")
	for _, c := range []struct {
		local string
		peers []netip.AddrPort
		want  int
	}{
		{"0.0.0.0", nil, 1450},
		{"::", nil, 1430},
		{"::", []netip.AddrPort{peerA}, 1450},
		{"::", []netip.AddrPort{peerA, ipv6}, 1430},
		{"2001:db8::2", []netip.AddrPort{ipv6}, 1430},
	} {
		s, err := Segment{Peers: c.peers}.complete(netip.MustParseAddr(c.local))
		if err != nil || s.MTU != c.want {
			t.Errorf("%s, peers %v: MTU %d (%v), want %d", c.local, c.peers, s.MTU, err, c.want)
		}
	}
}

// Anything may come from the network.
func FuzzReceive(f *testing.F) {
	for _, s := range []string{golden, "", "08", golden[:44], "ff" + golden[2:]} {
		b, err := hex.DecodeString(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	_, e, l := open(f, Segment{VNI: 0xabcdef, MaxStations: 16, HardwareAddr: stationB})
	bufs, sizes := [][]byte{make([]byte, l.MTU()+ethernetLen)}, make([]int, 1)
	f.Fuzz(func(t *testing.T, payload []byte) {
		before := l.Counters()
		e.deliver(payload, peerA)
		if after := l.Counters(); after.PacketsRead == before.PacketsRead {
			return
		}
		n, err := l.ReadPackets(bufs, sizes)
		if n != 1 || err != nil || !bytes.Equal(bufs[0][:sizes[0]], payload[headerLen:]) {
			t.Fatalf("read %d (%v): %x of %x", n, err, bufs[0][:sizes[0]], payload)
		}
		if len(l.Stations()) > 16 {
			t.Fatalf("%d stations", len(l.Stations()))
		}
	})
}
