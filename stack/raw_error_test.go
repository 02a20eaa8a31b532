package stack_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
)

// icmpError is the ICMPv6 error that a router sends about a packet.
func icmpError(from string, typ, code byte, info uint32, about []byte) []byte {
	to := netip.AddrFrom16([16]byte(about[8:24])).String()
	msg := binary.BigEndian.AppendUint32([]byte{typ, code, 0, 0}, info)
	return ip6(from, to, 58, 64, sealed(from, to, 58, 2, append(msg, about[:min(len(about), 1232)]...)))
}

// icmpError4 is the same in IPv4.
func icmpError4(from string, typ, code byte, info uint32, about []byte) []byte {
	to := netip.AddrFrom4([4]byte(about[12:16])).String()
	msg := append(binary.BigEndian.AppendUint32([]byte{typ, code, 0, 0}, info), about[:28]...)
	binary.BigEndian.PutUint16(msg[2:], ^sum16(msg))
	return ip4(from, to, 1, 64, 0, nil, msg)
}

// sum16 is RFC 1071's sum of even bytes.
func sum16(b []byte) uint16 {
	var sum uint32
	for i := 0; i < len(b); i += 2 {
		sum += uint32(b[i])<<8 | uint32(b[i+1])
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return uint16(sum)
}

func mustConnect(t testing.TB, c interface{ Connect(netip.Addr) error }, addr string) {
	t.Helper()
	if err := c.Connect(netip.MustParseAddr(addr)); err != nil {
		t.Fatal(err)
	}
}

// readError returns the error that the next read returns, which is about an ICMP message.
func readError(t testing.TB, c *stack.RawConn) *stack.ICMPError {
	t.Helper()
	_, _, _, err := c.ReadFrom(make([]byte, 100))
	var op *net.OpError
	var icmp *stack.ICMPError
	if !errors.As(err, &op) || op.Op != "read" || !errors.As(err, &icmp) {
		t.Fatalf("%v, want an ICMP error", err)
	}
	return icmp
}

func TestRawICMPErrors(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"))
	c := listenRaw(t, s, 89, "")
	mustConnect(t, c, "2001:db8::2")
	for _, tt := range []struct {
		typ, code byte
		info      uint32
		hard      bool
		err       error
		text      string
	}{
		{1, 0, 0, false, syscall.ENETUNREACH, "no route to destination"},
		{1, 1, 0, true, syscall.EACCES, "administratively prohibited"},
		{1, 2, 0, false, syscall.EHOSTUNREACH, "beyond scope of source address"},
		{1, 3, 0, false, syscall.EHOSTUNREACH, "address unreachable"},
		{1, 4, 0, true, syscall.ECONNREFUSED, "port unreachable"},
		{1, 5, 0, true, syscall.EACCES, "ingress/egress policy"},
		{1, 6, 0, true, syscall.EACCES, "reject route"},
		{2, 0, 1400, false, syscall.EMSGSIZE, "packet too big, MTU 1400"},
		{3, 0, 0, false, syscall.EHOSTUNREACH, "hop limit exceeded"},
		{4, 1, 6, true, syscall.EPROTO, "unrecognized next header"},
	} {
		for _, all := range []bool{false, true} {
			if err := c.SetReceiveErrors(all); err != nil {
				t.Fatal(err)
			}
			if _, err := c.WriteTo([]byte("ospf"), nil, nil); err != nil {
				t.Fatal(err)
			}
			w.send(icmpError("2001:db8::fe", tt.typ, tt.code, tt.info, w.next()), ip6("2001:db8::2", "2001:db8::1", 89, 64, []byte("after")))
			if tt.hard || all {
				got := readError(t, c)
				want := stack.ICMPError{Type: int(tt.typ), Code: int(tt.code), Offender: netip.MustParseAddr("2001:db8::fe"),
					Source: netip.MustParseAddr("2001:db8::1"), Destination: netip.MustParseAddr("2001:db8::2"), Protocol: 89, Payload: []byte("ospf")}
				switch tt.typ {
				case 2:
					want.MTU = 1400
				case 4:
					want.Pointer = 6
				}
				if fmt.Sprintf("%+v", *got) != fmt.Sprintf("%+v", want) || !errors.Is(got, tt.err) || !strings.Contains(got.Error(), tt.text) {
					t.Errorf("%d/%d: %+v, %v", tt.typ, tt.code, *got, got)
				}
			}
			if got, _ := mustRead(t, c); got != "after" { // the error came once, or not at all
				t.Errorf("%d/%d: then %q", tt.typ, tt.code, got)
			}
		}
	}
}

// TestRawICMPErrorOfTheNextCall: a write reports the error as well, and does not write; a reader that
// waits wakes up.
func TestRawICMPErrorOfTheNextCall(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"))
	c := listenRaw(t, s, 89, "")
	mustConnect(t, c, "2001:db8::2")
	c.WriteTo([]byte("x"), nil, nil)
	refused := icmpError("2001:db8::2", 1, 4, 0, w.next())

	waiting := async(func() error {
		_, _, _, err := c.ReadFrom(nil)
		return err
	})
	w.send(refused)
	if err := within(t, waiting); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a read that waits: %v", err)
	}
	barrier := listenRaw(t, s, 98, "")
	w.send(refused, ip6("2001:db8::2", "2001:db8::1", 98, 64, nil))
	mustRead(t, barrier)
	if _, err := c.WriteTo([]byte("refused"), nil, nil); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a write: %v", err)
	}
	if _, err := c.WriteTo([]byte("next"), nil, nil); err != nil {
		t.Errorf("the write after that: %v", err)
	}
	if p := w.next(); string(p[40:]) != "next" {
		t.Errorf("what was refused was sent: %x", p)
	}
	// Only so many wait.
	for range 20 {
		w.send(refused)
	}
	w.send(ip6("2001:db8::2", "2001:db8::1", 98, 64, nil))
	mustRead(t, barrier)
	n := 0
	for ; n < 20; n++ {
		if _, err := c.WriteTo([]byte("x"), nil, nil); err == nil {
			break
		}
	}
	if n != 16 || c.Stats().DroppedErrors != 4 {
		t.Errorf("%d errors waited, %d were dropped; want 16 and 4", n, c.Stats().DroppedErrors)
	}
}

// TestRawICMPErrorForTheSender: an error reaches the sockets that can have caused it, and no other.
func TestRawICMPErrorForTheSender(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"), skip("2001:db8::5/64"))
	open := func(proto uint8, bound, peer string, all bool) *stack.RawConn {
		c := listenRaw(t, s, proto, bound)
		if peer != "" {
			mustConnect(t, c, peer)
		}
		if err := c.SetReceiveErrors(all); err != nil {
			t.Fatal(err)
		}
		return c
	}
	told := map[string]*stack.RawConn{
		"connected": open(89, "", "2001:db8::2", false), "connected, all": open(89, "", "2001:db8::2", true), "all": open(89, "", "", true),
		"bound, all": open(89, "2001:db8::1", "", true),
	}
	untold := map[string]*stack.RawConn{
		"unconnected": open(89, "", "", false), "another peer": open(89, "", "2001:db8::3", true),
		"another address": open(89, "2001:db8::5", "", true), "another protocol": open(90, "", "", true),
	}
	c := open(89, "", "", false)
	if _, err := c.WriteTo([]byte("x"), nil, ipTo("2001:db8::2")); err != nil {
		t.Fatal(err)
	}
	p := w.next()
	foreign := append([]byte(nil), p...)
	foreign[23]++ // a source that is not ours
	broken := icmpError("2001:db8::fe", 1, 4, 0, p)
	broken[42]++ // its checksum
	short := icmpError("2001:db8::fe", 1, 4, 0, p[:39])
	notError := icmpError("2001:db8::fe", 128, 4, 0, p)
	at8 := append([]byte(nil), p[:40]...) // a fragment from the middle is of the protocol all the same
	at8[6], at8[5] = 44, 16
	at8 = append(at8, 89, 0, 0, 8, 0, 0, 0, 1, 'd', 'a', 't', 'a', 'd', 'a', 't', 'a')
	for _, bad := range [][]byte{icmpErrorTo("2001:db8::1", foreign), broken, short, notError} {
		w.send(bad)
	}
	w.send(icmpError("2001:db8::fe", 1, 4, 0, p), icmpError("2001:db8::fd", 1, 4, 0, at8), ip6("2001:db8::9", "2001:db8::1", 58, 64, nil))
	for name, c := range told {
		for _, offender := range []string{"2001:db8::fe", "2001:db8::fd"} {
			if e := readError(t, c); e.Offender.String() != offender {
				t.Errorf("%s: %v", name, e)
			}
		}
	}
	for name, c := range untold {
		if _, err := c.WriteTo([]byte("x"), nil, ipTo("2001:db8::2")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// icmpErrorTo is a port unreachable to an address, whatever the packet says.
func icmpErrorTo(to string, about []byte) []byte {
	msg := append([]byte{1, 4, 0, 0, 0, 0, 0, 0}, about...)
	return ip6("2001:db8::fe", to, 58, 64, sealed("2001:db8::fe", to, 58, 2, msg))
}

// TestRawICMPErrorBehindRouting: the error names the final destination, which the socket is connected
// to, and the echo request in it.
func TestRawICMPErrorBehindRouting(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"))
	c := listenRaw(t, s, 58, "")
	mustConnect(t, c, "2001:db8::2")
	cm := stack.ControlMessage{HopByHop: unhex(t, alertHeader), Routing: unhex(t, segments), DestinationOptions: unhex(t, pad1)}
	if _, err := c.WriteMsg(unhex(t, echoOdd), &cm, netip.Addr{}); err != nil {
		t.Fatal(err)
	}
	w.send(icmpError("2001:db8::a", 4, 0, 42, w.nextPacket()))
	e := readError(t, c)
	if e.Destination.String() != "2001:db8::2" || e.Pointer != 42 || e.Protocol != 58 || string(e.Payload[4:8]) != "\x12\x34\x00\x01" {
		t.Errorf("%+v", e)
	}
}

func TestRaw4ICMPErrors(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, plain("192.0.2.1/24"))
	c := listenRaw4(t, s, 89, "0.0.0.0")
	mustConnect(t, c, "192.0.2.2")
	for _, tt := range []struct {
		typ, code byte
		hard      bool
		err       error
	}{
		{3, 0, false, syscall.ENETUNREACH}, {3, 1, false, syscall.EHOSTUNREACH}, {3, 2, true, syscall.ENOPROTOOPT},
		{3, 3, true, syscall.ECONNREFUSED}, {3, 4, false, syscall.EMSGSIZE}, {3, 5, false, syscall.EOPNOTSUPP},
		{3, 6, true, syscall.ENETUNREACH}, {3, 10, true, syscall.EHOSTUNREACH}, {3, 13, true, syscall.EHOSTUNREACH},
		{11, 0, false, syscall.EHOSTUNREACH}, {12, 0, true, syscall.EPROTO},
	} {
		for _, all := range []bool{false, true} {
			c.SetReceiveErrors(all)
			if _, err := c.WriteTo([]byte("ospfospf"), nil, nil); err != nil {
				t.Fatal(err)
			}
			w.send(icmpError4("192.0.2.254", tt.typ, tt.code, 1400, w.next()), ip4("192.0.2.2", "192.0.2.1", 89, 64, 0, nil, []byte("after")))
			b := make([]byte, 100)
			n, _, _, err := c.ReadFrom(b)
			if tt.hard || all {
				var e *stack.ICMPError
				if !errors.As(err, &e) || !errors.Is(err, tt.err) || e.Offender.String() != "192.0.2.254" || e.Destination.String() != "192.0.2.2" || string(e.Payload) != "ospfospf" {
					t.Errorf("%d/%d: %v", tt.typ, tt.code, err)
				}
				n, _, _, err = c.ReadFrom(b)
			}
			if string(b[:n]) != "after" || err != nil {
				t.Errorf("%d/%d: then %q, %v", tt.typ, tt.code, b[:n], err)
			}
		}
	}
}

// TestRawNeighbourDoesNotAnswer: on Ethernet the host itself finds out, and says so.
func TestRawNeighbourDoesNotAnswer(t *testing.T) {
	clock := newSteppedClock()
	s := newStack(t, stack.Config{Clock: clock})
	near, far := ethernet()
	t.Cleanup(func() { far.Close() })
	attach(t, s, "eth0", near)
	c := listenRaw(t, s, 89, "")
	c.SetReceiveErrors(true)
	mustConnect(t, c, "fe80::2%eth0")
	c.SetReadDeadline(time.Time{})
	if _, err := c.WriteTo([]byte("anybody?"), nil, nil); err != nil {
		t.Fatal(err)
	}
	got := async(func() error {
		_, _, _, err := c.ReadFrom(nil)
		return err
	})
	for done := false; !done; {
		select {
		case err := <-got:
			var e *stack.ICMPError
			if !errors.As(err, &e) || !errors.Is(err, syscall.EHOSTUNREACH) || e.Type != 1 || e.Code != 3 || e.Offender != e.Source || e.Destination.String() != "fe80::2" {
				t.Errorf("%v", err)
			}
			done = true
		default:
			clock.Advance(100 * time.Millisecond)
		}
	}
}
