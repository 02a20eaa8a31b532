package lab

import (
	"testing"
	"time"
)

// A frame may arrive at an interface that is plugged in and about to come up, if others run beside the one who
// adds it. It is lost.
func TestFrameBeforeInterfaceIsUp(t *testing.T) {
	l := New(t)
	h := l.Host(HostConfig{Addresses: Addresses("2001:db8::1/64")})
	seg, err := l.firstSegment()
	if err != nil {
		t.Fatal(err)
	}
	c := InterfaceConfig{Segment: seg, HardwareAddr: []byte{2, 0, 0, 0, 9, 9}}
	c.Stack.Name = "eth9"
	p := newPort(h, c)
	p.plug(seg)
	other := l.Host(HostConfig{Addresses: Addresses("2001:db8::2/64")})
	conn, err := other.DialContext(t.Context(), "udp", "[2001:db8::3]:9") // whom it looks for
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	l.Sleep(time.Second)
	lost := 0
	for _, pkt := range l.Packets(Match("type ns")) {
		for _, f := range pkt.Fates() {
			if f.To == p.name && f.Outcome == Unplugged {
				lost++
			}
		}
	}
	if lost == 0 {
		t.Error("it was not lost:", l.Packets())
	}
	p.Close()
}
