package stack_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
)

// wholePacket puts the fragments of an IPv6 packet together and returns what is behind the Fragment
// header, its type and the longest packet. Each one's header is checked.
func (w *rawWire) wholePacket(fixed int) (next byte, payload []byte, longest int) {
	w.t.Helper()
	var id uint32
	for {
		p := w.nextPacket()
		longest = max(longest, len(p))
		if int(binary.BigEndian.Uint16(p[4:])) != len(p)-40 {
			w.t.Fatalf("the payload length is wrong: %x", p[:40])
		}
		f := p[fixed:]
		bits := binary.BigEndian.Uint16(f[2:])
		if len(payload) == 0 {
			next, id = f[0], binary.BigEndian.Uint32(f[4:])
		}
		if f[0] != next || binary.BigEndian.Uint32(f[4:]) != id || int(bits&^7) != len(payload) {
			w.t.Fatalf("fragment %x after %d bytes of %x", f[:8], len(payload), id)
		}
		payload = append(payload, f[8:]...)
		if bits&1 == 0 {
			return next, payload, longest
		}
		if len(f)%8 != 0 {
			w.t.Fatalf("a fragment of %d bytes is not the last", len(f)-8)
		}
	}
}

func TestRawPathMTU(t *testing.T) {
	clock := newSteppedClock()
	s, _, w := rawHost(t, stack.Config{Clock: clock}, plain("2001:db8::1/64"))
	c, other := listenRaw(t, s, 58, ""), listenRaw(t, s, 58, "")
	for _, c := range []*stack.RawConn{c, other} {
		c.SetDeadline(time.Time{}) // of a clock that stands
	}
	mustConnect(t, c, "2001:db8::2")
	mustConnect(t, other, "2001:db8::3")
	msg := bytes.Repeat([]byte{200, 1, 2, 3}, 1460/4) // as much as the link carries
	mtu := func(c *stack.RawConn, want int) {
		t.Helper()
		if got, err := c.PathMTU(); got != want || err != nil {
			t.Errorf("the path carries %d, %v; want %d", got, err, want)
		}
	}
	send := func() []byte {
		t.Helper()
		if _, err := c.WriteTo(msg, nil, nil); err != nil {
			t.Fatal(err)
		}
		return w.nextPacket()
	}
	settle := func() { // what was sent before has arrived
		t.Helper()
		w.send(echoFrom("2001:db8::2", "2001:db8::1", 129, "settled"))
		for {
			if got, _ := mustRead(t, c); strings.HasSuffix(got, "settled") {
				return
			}
		}
	}
	mtu(c, 1500)
	whole := send()
	if len(whole) != 1500 {
		t.Fatalf("%d bytes on the wire", len(whole))
	}
	foreign := append([]byte(nil), whole...)
	foreign[39] = 9 // to whom nothing is connected
	w.send(
		icmpError("2001:db8::fe", 2, 0, 1279, whole), // RFC 8201 section 4
		icmpError("2001:db8::fe", 2, 0, 1500, whole),
		icmpError("2001:db8::fe", 2, 0, 9000, whole),
		icmpError("2001:db8::fe", 2, 0, 1300, foreign),
	)
	settle()
	mtu(c, 1500)

	w.send(icmpError("2001:db8::fe", 2, 0, 1400, whole))
	settle()
	mtu(c, 1400)
	mtu(other, 1500)
	if _, err := c.WriteTo(msg, nil, nil); err != nil {
		t.Fatal(err)
	}
	next, payload, longest := w.wholePacket(40)
	if next != 58 || !bytes.Equal(payload[4:], msg[4:]) || longest > 1400 || longest < 1393 || slowSum("2001:db8::1", "2001:db8::2", 58, payload) != 0xffff {
		t.Errorf("protocol %d, %d bytes, in packets of up to %d", next, len(payload), longest)
	}

	// RFC 3542 section 11.2.
	c.SetDontFragment(true)
	for n, want := range map[int]error{1360: nil, 1361: syscall.EMSGSIZE} {
		if _, err := c.WriteTo(msg[:n], nil, nil); !errors.Is(err, want) {
			t.Errorf("%d bytes: %v", n, err)
		} else if err == nil {
			w.nextPacket()
		} else if !strings.Contains(err.Error(), "1400") {
			t.Errorf("%v does not say how much the path carries", err)
		}
	}
	if _, err := c.WriteMsg(msg, &stack.ControlMessage{DontFragment: new(false)}, netip.Addr{}); err != nil {
		t.Errorf("this one may be fragmented: %v", err)
	}
	w.wholePacket(40)
	c.SetDontFragment(false)
	if _, err := c.WriteMsg(msg, &stack.ControlMessage{DontFragment: new(true)}, netip.Addr{}); !errors.Is(err, syscall.EMSGSIZE) {
		t.Errorf("this one may not: %v", err)
	}

	// Less is believed, more is found out: ten minutes later.
	w.send(icmpError("2001:db8::fe", 2, 0, 1300, whole), icmpError("2001:db8::fe", 2, 0, 1350, whole))
	settle()
	mtu(c, 1300)
	// RFC 8201 section 4: an attempt "must not be done less than 5 minutes after a Packet Too Big message
	// has been received for the given path", one that says nothing new too.
	clock.Advance(9 * time.Minute)
	w.send(icmpError("2001:db8::fe", 2, 0, 1300, whole))
	settle()
	clock.Advance(10*time.Minute - time.Second)
	mtu(c, 1300)
	clock.Advance(time.Second)
	mtu(c, 1500)
	if p := send(); len(p) != 1500 {
		t.Errorf("%d bytes on the wire", len(p))
	}

	if _, err := listenRaw(t, s, 58, "").PathMTU(); !errors.Is(err, syscall.ENOTCONN) {
		t.Errorf("unconnected: %v", err)
	}
}

// TestRawPathMTUBehindRouting: what is too big on the way by the segments of a Routing header goes in
// fragments the next time, and the way without it is none the wiser for the first segment.
func TestRawPathMTUBehindRouting(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"))
	for _, header := range []string{segments, mobility} {
		c := listenRaw(t, s, 89, "")
		cm := stack.ControlMessage{Routing: unhex(t, header)}
		final := netip.MustParseAddr(fmt.Sprintf("2001:db8::%x", len(header)))
		send := func() []byte {
			t.Helper()
			if _, err := c.WriteMsg(make([]byte, 1300), &cm, final); err != nil {
				t.Fatal(err)
			}
			return w.nextPacket()
		}
		whole := send()
		if len(whole) != 40+len(cm.Routing)+1300 {
			t.Fatalf("%d bytes", len(whole))
		}
		w.send(icmpError("2001:db8::fe", 2, 0, 1280, whole), ip6("2001:db8::2", "2001:db8::1", 89, 64, []byte("after")))
		mustRead(t, c)
		if p := send(); len(p) > 1280 {
			t.Fatalf("%d bytes, on a path that carries 1280", len(p))
		}
		w.nextPacket() // the other fragment
		if _, err := c.WriteTo(make([]byte, 1400), nil, ipTo("2001:db8::a")); err != nil {
			t.Fatal(err)
		}
		if p := w.nextPacket(); len(p) != 1440 {
			t.Errorf("%d bytes to the first segment itself", len(p))
		}
		mustConnect(t, c, final.String())
		for _, want := range []int{1280, 1280} {
			if got, err := c.PathMTU(); got != want || err != nil {
				t.Errorf("the path carries %d, %v; want %d", got, err, want)
			}
			if err := c.SetSticky(&cm); err != nil {
				t.Fatal(err)
			}
		}
		c.Close()
	}
}

// TestRawPathMTUNews: RFC 3542 section 11.3.
func TestRawPathMTUNews(t *testing.T) {
	s, i, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"))
	c, ignorant := listenRaw(t, s, 89, ""), listenRaw(t, s, 89, "")
	if err := c.SetReceivePathMTU(true); err != nil {
		t.Fatal(err)
	}
	if _, err := c.WriteTo(make([]byte, 1400), nil, ipTo("2001:db8::2")); err != nil {
		t.Fatal(err)
	}
	about := w.next()
	after := ip6("2001:db8::2", "2001:db8::1", 89, 64, []byte("after"))
	for _, mtu := range []uint32{1400, 1300} {
		w.send(icmpError("2001:db8::fe", 2, 0, mtu, about), icmpError("2001:db8::fe", 2, 0, mtu, about), after)
		var cm stack.ControlMessage
		n, src, err := c.ReadMsg(make([]byte, 9), &cm)
		want := stack.ControlMessage{Destination: netip.MustParseAddr("2001:db8::2"), Interface: i.Index(), PathMTU: int(mtu)}
		if n != 0 || src.IsValid() || err != nil || fmt.Sprintf("%+v", cm) != fmt.Sprintf("%+v", want) {
			t.Errorf("%d, %v, %v, %+v", n, src, err, cm)
		}
		for _, c := range []*stack.RawConn{c, ignorant} {
			if got, _ := mustRead(t, c); got != "after" {
				t.Errorf("%q", got)
			}
		}
	}
	w.send(icmpError("2001:db8::fe", 2, 0, 1290, about), after)
	if got, _ := mustRead(t, c); got != "after" { // ReadFrom knows nothing of paths
		t.Errorf("%q", got)
	}
	w.send(after)
	var cm stack.ControlMessage
	if n, _, err := c.ReadMsg(make([]byte, 9), &cm); n != len("after") || cm.PathMTU != 0 || err != nil {
		t.Errorf("%d bytes, %+v, %v", n, cm, err)
	}
}

func TestRaw4PathMTU(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, plain("192.0.2.1/24"))
	c := listenRaw4(t, s, 89, "0.0.0.0")
	mustConnect(t, c, "192.0.2.2")
	msg := bytes.Repeat([]byte("1234567"), 200)
	if _, err := c.WriteTo(msg, nil, nil); err != nil {
		t.Fatal(err)
	}
	p := w.next()
	if p[6]&0x40 != 0 {
		t.Error("a router may not fragment it")
	}
	c.SetDontFragment(true)
	if _, err := c.WriteTo(msg, nil, nil); err != nil {
		t.Fatal(err)
	}
	if p = w.next(); p[6]&0x40 == 0 {
		t.Error("a router may fragment it")
	}
	for _, tt := range []struct{ told, mtu int }{{1400, 1400}, {0, 576}, {8, 68}} { // RFC 1191 sections 5 and 3
		w.send(icmpError4("192.0.2.254", 3, 4, uint32(tt.told), p))
		if _, _, _, err := c.ReadFrom(nil); !errors.Is(err, syscall.EMSGSIZE) {
			t.Fatal(err)
		}
		if got, err := c.PathMTU(); got != tt.mtu || err != nil {
			t.Errorf("told %d: %d, %v", tt.told, got, err)
		}
		if _, err := c.WriteTo(msg, nil, nil); !errors.Is(err, syscall.EMSGSIZE) {
			t.Errorf("told %d: %v", tt.told, err)
		}
		c.SetDontFragment(false)
		if _, err := c.WriteTo(msg, nil, nil); err != nil {
			t.Fatal(err)
		}
		c.SetDontFragment(true)
		var got []byte
		for more := true; more; {
			p := w.next()
			bits := binary.BigEndian.Uint16(p[6:])
			if len(p) > tt.mtu || int(bits&0x1fff)*8 != len(got) || sum16(p[:20]) != 0xffff || int(binary.BigEndian.Uint16(p[2:])) != len(p) {
				t.Fatalf("a fragment of %d bytes after %d: %x", len(p), len(got), p[:20])
			}
			got, more = append(got, p[20:]...), bits&0x2000 != 0
		}
		if !bytes.Equal(got, msg) {
			t.Errorf("told %d: %d bytes arrived", tt.told, len(got))
		}
	}
}

// TestRawFragmentsKeepHeaders: RFC 8200 section 4.5: what routers look at is in each fragment.
func TestRawFragmentsKeepHeaders(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"))
	c := listenRaw(t, s, 58, "")
	cm := stack.ControlMessage{HopByHop: unhex(t, alertHeader), DestinationFirst: unhex(t, pad0), Routing: unhex(t, segments), DestinationOptions: unhex(t, pad1)}
	fixed := 40 + len(cm.HopByHop) + len(cm.DestinationFirst) + len(cm.Routing)
	for _, n := range []int{1500 - fixed - 8, 1500 - fixed - 7, 1500, 4000, 65535 - fixed + 40 - 8} {
		msg := bytes.Repeat([]byte{0xc8, 1, 2, 3, 4}, n)[:n]
		if _, err := c.WriteMsg(msg, &cm, netip.MustParseAddr("2001:db8::2")); err != nil {
			t.Fatal(n, err)
		}
		var got []byte
		next := byte(58)
		if n == 1500-fixed-8 {
			got = w.nextPacket()
			next, got = got[fixed-len(cm.Routing)], got[fixed:]
		} else {
			var longest int
			if next, got, longest = w.wholePacket(fixed); longest > 1500 {
				t.Errorf("a packet of %d bytes", longest)
			}
		}
		if next != 60 || got[0] != 58 || !bytes.Equal(got[12:], msg[4:]) || slowSum("2001:db8::1", "2001:db8::2", 58, got[8:]) != 0xffff {
			t.Errorf("%d bytes: header %d, %x...", n, next, got[:16])
		}
	}
	if _, err := c.WriteMsg(make([]byte, 2000), &stack.ControlMessage{HopByHop: longHeader(1480)}, netip.MustParseAddr("2001:db8::2")); !errors.Is(err, syscall.EMSGSIZE) {
		t.Errorf("headers without room behind them: %v", err)
	}
}

// longHeader is a header of n bytes with options to skip.
func longHeader(n int) []byte {
	h := make([]byte, n)
	h[1] = byte(n/8 - 1)
	for at := 2; at < n; {
		size := min(n-at-2, 255)
		if n-at == 1 {
			break // Pad1
		}
		h[at], h[at+1] = 0x1e, byte(size)
		at += 2 + size
	}
	return h
}

// TestRawUseMinimumMTU: RFC 3542 section 11.1.
func TestRawUseMinimumMTU(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"))
	c := listenRaw(t, s, 58, "")
	if got := c.UseMinimumMTU(); got != -1 {
		t.Errorf("%d on a new socket", got)
	}
	msg := bytes.Repeat([]byte{200}, 1460)
	for value, cut := range map[int][2]bool{-1: {false, true}, 0: {false, false}, 1: {true, true}} {
		if err := c.SetUseMinimumMTU(value); err != nil || c.UseMinimumMTU() != value {
			t.Fatal(err)
		}
		for n, dst := range []string{"2001:db8::2", "ff0e::1"} {
			if _, err := c.WriteTo(msg, nil, ipTo(dst)); err != nil {
				t.Fatal(err)
			}
			if !cut[n] {
				if p := w.nextPacket(); len(p) != 1500 {
					t.Errorf("%d, to %s: %d bytes", value, dst, len(p))
				}
			} else if _, got, longest := w.wholePacket(40); len(got) != 1460 || longest != 1280 {
				t.Errorf("%d, to %s: %d bytes in packets of up to %d", value, dst, len(got), longest)
			}
			whole := stack.ControlMessage{DontFragment: new(true)}
			if _, err := c.WriteMsg(msg, &whole, netip.MustParseAddr(dst)); err != nil {
				t.Errorf("%d, to %s, not to be fragmented: %v", value, dst, err)
			} else if p := w.nextPacket(); len(p) != 1500 {
				t.Errorf("%d, to %s, not to be fragmented: %d bytes", value, dst, len(p))
			}
		}
	}
	for _, value := range []int{-2, 2} {
		if err := c.SetUseMinimumMTU(value); !errors.Is(err, syscall.EINVAL) {
			t.Errorf("%d: %v", value, err)
		}
	}
}
