package stack_test

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
)

// udpError returns the ICMP error that the next read returns.
func udpError(t *testing.T, c *stack.UDPConn) *stack.ICMPError {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	_, _, err := c.ReadFromUDPAddrPort(nil)
	var op *net.OpError
	var icmp *stack.ICMPError
	if !errors.As(err, &op) || op.Op != "read" || !errors.As(err, &icmp) {
		t.Fatalf("%v, want an ICMP error", err)
	}
	return icmp
}

// TestUDPReceiveErrors: a socket that asked hears of every error about its own datagrams, connected or
// not, and no other socket does.
func TestUDPReceiveErrors(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, udpOwn...)
	barrier, other := listenRaw(t, s, 98, ""), listenUDP(t, s, "udp", ":10")
	settle := func() { // what was sent before has arrived
		t.Helper()
		w.send(ip6("2001:db8::9", "2001:db8::1", 98, 1, nil))
		mustRead(t, barrier)
	}
	if err := other.SetReceiveErrors(true); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		to        string
		typ, code byte
		err       error
	}{
		{"[2001:db8::2]:7", 1, 4, syscall.ECONNREFUSED},
		{"[2001:db8::2]:7", 1, 3, syscall.EHOSTUNREACH},
		{"[2001:db8::2]:7", 2, 0, syscall.EMSGSIZE},
		{"[2001:db8::2]:7", 3, 0, syscall.EHOSTUNREACH},
		{"192.0.2.2:7", 3, 1, syscall.EHOSTUNREACH},
		{"192.0.2.2:7", 3, 4, syscall.EMSGSIZE},
		{"192.0.2.2:7", 11, 0, syscall.EHOSTUNREACH},
	} {
		for _, c := range []*stack.UDPConn{listenUDP(t, s, "udp", ":9"), dialUDP(t, s, tt.to)} {
			to := netip.MustParseAddrPort(tt.to)
			send := func() []byte {
				t.Helper()
				dst := to
				if c.RemoteAddr() != nil {
					dst = netip.AddrPort{}
				}
				if _, err := c.WriteMsg([]byte("hello"), nil, dst); err != nil {
					t.Fatal(err)
				}
				return w.next()
			}
			about, offender := icmpError, "2001:db8::fe"
			if to.Addr().Is4() {
				about, offender = icmpError4, "192.0.2.254"
			}
			if err := c.SetReceiveErrors(true); err != nil {
				t.Fatal(err)
			}
			p := send()
			w.send(about(offender, tt.typ, tt.code, 1400, p))
			e := udpError(t, c)
			ports := string(p[len(p)-13 : len(p)-9])
			if !errors.Is(e, tt.err) || e.Offender.String() != offender || e.Destination != to.Addr() || e.Protocol != 17 || !strings.HasPrefix(string(e.Payload), ports) {
				t.Errorf("%s, %d/%d: %+v, %v", tt.to, tt.typ, tt.code, e, e)
			}
			if c.RemoteAddr() == nil { // and none without being asked
				if err := c.SetReceiveErrors(false); err != nil {
					t.Fatal(err)
				}
				w.send(about(offender, tt.typ, tt.code, 1400, send()))
				settle()
				wantNothing(t, c)
			}
			c.Close()
		}
	}
	wantNothing(t, other)
}

// TestUDPErrorsAreBounded: each of the errors that a connected socket is sent is that of one call, as far as
// there is room for them.
func TestUDPErrorsAreBounded(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, udpOwn...)
	barrier := listenRaw(t, s, 98, "")
	c := dialUDP(t, s, "[2001:db8::2]:7")
	if _, err := c.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	refused := icmpError("2001:db8::2", 1, 4, 0, w.next())
	for range 20 {
		w.send(refused)
	}
	w.send(ip6("2001:db8::9", "2001:db8::1", 98, 1, nil))
	mustRead(t, barrier)
	n := 0
	for ; n < 20; n++ {
		if _, err := c.Write([]byte("x")); err == nil {
			break
		} else if !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatal(err)
		}
	}
	if got := c.Stats().DroppedErrors; n != 16 || got != 4 {
		t.Errorf("%d errors waited, %d were dropped; want 16 and 4", n, got)
	}
}

// TestUDPDontFragment: what is larger than the path carries is refused, and what a router finds too large
// is told to who is connected.
func TestUDPDontFragment(t *testing.T) {
	for _, tt := range []struct {
		to     string
		header int
	}{{"[2001:db8::2]:7", 48}, {"192.0.2.2:7", 28}} {
		t.Run(tt.to, func(t *testing.T) {
			s, _, w := rawHost(t, stack.Config{}, udpOwn...)
			c := dialUDP(t, s, tt.to)
			fits, large := make([]byte, 1500-tt.header), make([]byte, 1501-tt.header)
			refused := func(b []byte, cm *stack.ControlMessage, mtu string) {
				t.Helper()
				if _, err := c.WriteMsg(b, cm, netip.AddrPort{}); !errors.Is(err, syscall.EMSGSIZE) || !strings.Contains(err.Error(), mtu) {
					t.Errorf("%d bytes: %v", len(b), err)
				}
			}
			sent := func(b []byte, cm *stack.ControlMessage, whole bool) (p []byte) {
				t.Helper()
				if _, err := c.WriteMsg(b, cm, netip.AddrPort{}); err != nil {
					t.Fatal(err)
				}
				p = w.nextPacket()
				if p[0]>>4 == 4 && p[6]&0x40 != 0 != whole {
					t.Errorf("%d bytes, of which a router is not to make fragments: %v", len(b), !whole)
				}
				return p
			}
			sent(fits, nil, false)
			refused(large, &stack.ControlMessage{DontFragment: new(true)}, "1500")
			if err := c.SetDontFragment(true); err != nil {
				t.Fatal(err)
			}
			refused(large, nil, "1500")
			sent(large, &stack.ControlMessage{DontFragment: new(false)}, false)
			w.nextPacket() // the other fragment
			p := sent(fits, nil, true)
			if tt.header == 28 {
				w.send(icmpError4("192.0.2.254", 3, 4, 1400, p))
			} else {
				w.send(icmpError("2001:db8::fe", 2, 0, 1400, p))
			}
			if e := udpError(t, c); !errors.Is(e, syscall.EMSGSIZE) || e.MTU != 1400 {
				t.Errorf("%+v, %v", e, e)
			}
			refused(fits[100-1:], nil, "1400")
			sent(fits[100:], nil, true)
		})
	}
}
