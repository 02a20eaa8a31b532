package stack_test

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"
)

// What is sent from one interface's address leaves by another only while both forward: a way that a
// socket remembers does not outlive that.
func TestForwardOutdatesFlows(t *testing.T) {
	s, ifs, wires := rawTwoWires(t)
	raw, udp := listenRaw(t, s, 89, "2001:db8:0:1::1"), listenUDP(t, s, "udp6", "[2001:db8:0:1::1]:7")
	sends := map[string]func() error{
		"raw": func() error { _, err := raw.WriteTo([]byte("x"), nil, ipTo("2001:db8:0:2::9")); return err },
		"UDP": func() error {
			_, err := udp.WriteToUDPAddrPort([]byte("x"), netip.MustParseAddrPort("[2001:db8:0:2::9]:9"))
			return err
		},
	}
	for _, on := range []bool{false, true, false} {
		for _, i := range ifs {
			if err := i.SetForward(on); err != nil {
				t.Fatal(err)
			}
		}
		for name, send := range sends {
			err := send()
			if on && err != nil || !on && !errors.Is(err, syscall.ENETUNREACH) && !errors.Is(err, syscall.EHOSTUNREACH) {
				t.Errorf("forwarding %v, %s: %v", on, name, err)
			}
			if on {
				wires[1].next()
			}
		}
	}
}

// The loopback addresses stay inside a router too, whatever sends from them.
func TestLoopbackFlowsOnARouter(t *testing.T) {
	s, ifs, _ := rawTwoWires(t)
	for _, i := range ifs {
		if err := i.SetForward(true); err != nil {
			t.Fatal(err)
		}
	}
	raw, udp := listenRaw(t, s, 89, "::1"), listenUDP(t, s, "udp6", "[::1]:7")
	sent := ifs[1].Counters().TxPackets
	if _, err := raw.WriteTo([]byte("x"), nil, ipTo("2001:db8:0:2::9")); !errors.Is(err, syscall.ENETUNREACH) {
		t.Errorf("raw: %v", err)
	}
	if _, err := udp.WriteTo([]byte("x"), &net.UDPAddr{IP: net.ParseIP("2001:db8:0:2::9"), Port: 9}); !errors.Is(err, syscall.ENETUNREACH) {
		t.Errorf("UDP: %v", err)
	}
	if n := ifs[1].Counters().TxPackets - sent; n != 0 {
		t.Errorf("%d packets left", n)
	}
	self := netip.MustParseAddrPort("[::1]:7")
	if _, err := udp.WriteToUDPAddrPort([]byte("to myself"), self); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 20)
	if n, from, err := udp.ReadFromUDPAddrPort(buf); err != nil || from != self || string(buf[:n]) != "to myself" {
		t.Errorf("%q from %v, %v", buf[:n], from, err)
	}
}
