package stack_test

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/hextet/hextet/stack"
)

// igmp returns the next IGMP message.
func (w *rawWire) igmp() []byte {
	w.t.Helper()
	for {
		if p := w.next(); p[0]>>4 == 4 && p[9] == 2 {
			return p
		}
	}
}

// igmpPacket is a message with the Router Alert option, as all have it.
func igmpPacket(src, dst string, payload []byte) []byte {
	return ip4(src, dst, 2, 1, 0, []byte{0x94, 4, 0, 0}, payload)
}

// wantIGMP compares a message, but for the identification, which is anyone's, and the type of service.
func wantIGMP(t *testing.T, got, want []byte) {
	t.Helper()
	if len(got) < 24 || slowSum4(got[:24]) != 0xffff {
		t.Fatalf("header checksum: %x", got)
	}
	for _, at := range []int{1, 4, 5, 6, 10, 11} {
		want[at] = got[at]
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got %x\nwant %x", got, want)
	}
}

// A group that is joined is reported on the wire and one that is left is taken back: version 3 as long as
// no older querier is heard (RFC 3376 sections 4.2 and 7.2.1). Golden bytes by scapy:
//
//	IGMPv3(type=0x22)/IGMPv3mr(numgrp=1, records=[IGMPv3gr(rtype=4, maddr="239.1.2.3")])
//	IGMP(type=0x16, mrcode=0, gaddr="239.1.2.3"); IGMP(type=0x17, mrcode=0, gaddr="239.1.2.3")
func TestIGMP(t *testing.T) {
	clock := newSteppedClock()
	s, i, w := rawHost(t, stack.Config{Clock: clock}, skip("192.0.2.5/24"), plain("192.0.2.10/24"))
	c := listenRaw4(t, s, 89, "0.0.0.0")
	if err := c.JoinGroup(i.NetInterface(), ipTo("239.1.2.3")); err != nil {
		t.Fatal(err)
	}
	wantIGMP(t, w.igmp(), igmpPacket("192.0.2.10", "224.0.0.22", unhex(t, "2200e8f900000001 04000000ef010203")))
	if err := c.LeaveGroup(i.NetInterface(), ipTo("239.1.2.3")); err != nil {
		t.Fatal(err)
	}
	wantIGMP(t, w.igmp(), igmpPacket("192.0.2.10", "224.0.0.22", unhex(t, "2200e9f900000001 03000000ef010203")))

	// A version 2 querier.
	end := listenRaw4(t, s, 99, "0.0.0.0")
	w.send(igmpPacket("192.0.2.1", "224.0.0.1", unhex(t, "1164ee9b00000000")), in4("192.0.2.10", 99, ""))
	end.ReadFrom(nil) // what came before was heard
	if err := c.JoinGroup(i.NetInterface(), ipTo("239.1.2.3")); err != nil {
		t.Fatal(err)
	}
	wantIGMP(t, w.igmp(), igmpPacket("192.0.2.10", "239.1.2.3", unhex(t, "1600f8faef010203")))
	if err := c.LeaveGroup(i.NetInterface(), ipTo("239.1.2.3")); err != nil {
		t.Fatal(err)
	}
	wantIGMP(t, w.igmp(), igmpPacket("192.0.2.10", "224.0.0.2", unhex(t, "1700f7faef010203")))
}

// With all addresses flagged, reports come from 0.0.0.0 (RFC 3376 section 4.2.13).
func TestIGMPNeverSpeaksFromSkipped(t *testing.T) {
	s, i, w := rawHost(t, stack.Config{}, skip("192.0.2.5/24"))
	c := listenRaw4(t, s, 89, "0.0.0.0")
	if err := c.JoinGroup(i.NetInterface(), ipTo("239.1.2.3")); err != nil {
		t.Fatal(err)
	}
	wantIGMP(t, w.igmp(), igmpPacket("0.0.0.0", "224.0.0.22", unhex(t, "2200e8f900000001 04000000ef010203")))
	if err := i.SetSkipAsSource(netip.MustParseAddr("192.0.2.5"), false); err != nil {
		t.Fatal(err)
	}
	if err := c.LeaveGroup(i.NetInterface(), ipTo("239.1.2.3")); err != nil {
		t.Fatal(err)
	}
	for {
		if p := w.igmp(); p[32] == 3 { // the report of the change, not a repetition of the first
			wantIGMP(t, p, igmpPacket("192.0.2.5", "224.0.0.22", unhex(t, "2200e9f900000001 03000000ef010203")))
			break
		}
	}
}
