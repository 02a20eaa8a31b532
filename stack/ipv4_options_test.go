package stack_test

import (
	"bytes"
	"testing"

	"github.com/hextet/hextet/stack"
)

// echoRequest4 is one of no data, with its checksum.
var echoRequest4 = []byte{8, 0, 0xf7, 0xff, 0, 0, 0, 0}

// A route that is recorded (RFC 791 section 3.1) has the address that the packet came to, even where
// source selection would have taken another.
func TestRecordRoute(t *testing.T) {
	_, _, w := rawHost(t, stack.Config{}, plain("192.0.2.1/24"), skip("192.0.2.7/24"))
	w.send(ip4("192.0.2.2", "192.0.2.7", 1, 64, 0, []byte{7, 7, 4, 0, 0, 0, 0, 0}, echoRequest4))
	reply := w.next()
	want := append([]byte{7, 7, 8}, 192, 0, 2, 7)
	if reply[0] != 0x47 || !bytes.Equal(reply[20:27], want) || reply[28] != 0 {
		t.Errorf("%x, want an echo reply with the option %x", reply, want)
	}
}

// Options are no reason to drop what is for a group: the Router Alert (RFC 2113), and a route that is
// recorded, in which nobody's address is entered.
func TestOptionsToGroups(t *testing.T) {
	s, i, w := rawHost(t, stack.Config{}, plain("192.0.2.1/24"))
	c := listenRaw4(t, s, 89, "0.0.0.0")
	if err := c.JoinGroup(i.NetInterface(), ipTo("239.1.2.3")); err != nil {
		t.Fatal(err)
	}
	w.send(
		ip4("192.0.2.2", "239.1.2.3", 89, 1, 0, []byte{0x94, 4, 0, 0}, []byte("alert")),
		ip4("192.0.2.2", "192.0.2.255", 89, 1, 0, []byte{7, 7, 4, 0, 0, 0, 0, 0}, []byte("record")),
	)
	for _, want := range []string{"alert", "record"} {
		buf := make([]byte, 100)
		n, _, _, err := c.ReadFrom(buf)
		if err != nil || string(buf[:n]) != want {
			t.Errorf("%q, %v, want %q", buf[:n], err, want)
		}
	}
}

// 0.0.0.0 is nobody's address (RFC 1122 section 3.2.1.3), on a router too.
func TestNobodysPackets(t *testing.T) {
	s, i, w := rawHost(t, stack.Config{}, plain("192.0.2.1/24"))
	c, end := listenRaw4(t, s, 89, "0.0.0.0"), listenRaw4(t, s, 99, "0.0.0.0")
	for _, router := range []bool{false, true} {
		if err := i.SetForward(router); err != nil {
			t.Fatal(err)
		}
		w.send(ip4("192.0.2.2", "0.0.0.0", 89, 64, 0, nil, []byte("x")),
			ip4("192.0.2.2", "0.0.0.0", 89, 64, 0, []byte{0x94, 4, 0, 0}, []byte("x")), in4("192.0.2.1", 99, ""))
		if _, _, _, err := end.ReadFrom(nil); err != nil {
			t.Fatal(err)
		}
	}
	if n := c.Stats().Received; n != 0 {
		t.Errorf("%d were received", n)
	}
	if n := s.Counters().IPOtherHost; n != 4 {
		t.Errorf("%d were counted, want 4", n)
	}
}
