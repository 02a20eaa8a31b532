package stack_test

import (
	"errors"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
)

// TestUDPICMPErrors: a connected socket's next call says what the ICMP error said, and who sent it.
func TestUDPICMPErrors(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"), plain("192.0.2.1/24"))
	for _, tt := range []struct {
		peer, offender string
		typ, code      byte
		err            error
	}{
		{"[2001:db8::2]:7", "2001:db8::fe", 1, 4, syscall.ECONNREFUSED},
		{"[2001:db8::2]:7", "2001:db8::fe", 1, 1, syscall.EACCES},
		{"[2001:db8::2]:7", "2001:db8::fe", 1, 6, syscall.EACCES},
		{"[2001:db8::2]:7", "2001:db8::fe", 4, 1, syscall.EPROTO},
		{"192.0.2.2:7", "192.0.2.254", 3, 3, syscall.ECONNREFUSED},
		{"192.0.2.2:7", "192.0.2.254", 3, 13, syscall.EHOSTUNREACH},
		{"192.0.2.2:7", "192.0.2.254", 3, 9, syscall.ENETUNREACH},
	} {
		c, err := s.DialContext(deadline(t), "udp", tt.peer)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(20 * time.Second))
		if _, err := c.Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		p := w.next()
		about := icmpError
		if p[0]>>4 == 4 {
			about = icmpError4
		}
		w.send(about(tt.offender, tt.typ, tt.code, 0, p))
		_, err = c.Read([]byte{0})
		var op *net.OpError
		var e *stack.ICMPError
		if !errors.As(err, &op) || !errors.As(err, &e) || !errors.Is(err, tt.err) {
			t.Errorf("%s, %d/%d: %v", tt.peer, tt.typ, tt.code, err)
			continue
		}
		peer := netip.MustParseAddrPort(tt.peer)
		if e.Type != int(tt.typ) || e.Code != int(tt.code) || e.Offender.String() != tt.offender || e.Destination != peer.Addr() || e.Protocol != 17 || len(e.Payload) < 8 {
			t.Errorf("%+v", e)
		}
		if _, err := c.Write([]byte("again")); err != nil {
			t.Errorf("the error came twice: %v", err)
		}
		w.next()
	}
}

// TestUDPSoftICMPErrors: what may pass is not told.
func TestUDPSoftICMPErrors(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"))
	c, err := s.DialContext(deadline(t), "udp", "[2001:db8::2]:7")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	barrier := listenRaw(t, s, 98, "")
	for _, typ := range [][2]byte{{1, 0}, {1, 3}, {3, 0}} {
		if _, err := c.Write([]byte("hello")); err != nil {
			t.Errorf("after that: %v", err)
		}
		w.send(icmpError("2001:db8::fe", typ[0], typ[1], 0, w.next()), ip6("2001:db8::9", "2001:db8::1", 98, 1, nil))
		mustRead(t, barrier)
	}
	if _, err := c.Write([]byte("hello")); err != nil {
		t.Error(err)
	}
}

// TestUDPPathMTU: a datagram is cut to what the path carries.
func TestUDPPathMTU(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"))
	c, err := s.ListenPacket(deadline(t), "udp", "[2001:db8::1]:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	barrier := listenRaw(t, s, 98, "")
	to := net.UDPAddrFromAddrPort(netip.MustParseAddrPort("[2001:db8::2]:7"))
	if _, err := c.WriteTo(make([]byte, 1452), to); err != nil {
		t.Fatal(err)
	}
	p := w.next()
	forged := append([]byte(nil), p...)
	forged[40], forged[41] = 0, 1 // a port that nobody has
	w.send(icmpError("2001:db8::fe", 2, 0, 1280, forged), ip6("2001:db8::9", "2001:db8::1", 98, 1, nil))
	mustRead(t, barrier)
	for _, known := range []bool{false, true} {
		if known {
			w.send(icmpError("2001:db8::fe", 2, 0, 1280, p), ip6("2001:db8::9", "2001:db8::1", 98, 1, nil))
			mustRead(t, barrier)
		}
		if _, err := c.WriteTo(make([]byte, 1452), to); err != nil {
			t.Fatal(err)
		}
		if !known {
			if got := w.next(); len(got) != 1500 {
				t.Errorf("a forged error made a packet %d bytes long", len(got))
			}
			continue
		}
		if next, got, longest := w.wholePacket(40); next != 17 || len(got) != 1460 || longest > 1280 {
			t.Errorf("protocol %d, %d bytes in packets of up to %d", next, len(got), longest)
		}
	}
}

// TestTCPICMPErrors: connecting ends with what the ICMP error said.
func TestTCPICMPErrors(t *testing.T) {
	s, _, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"), plain("192.0.2.1/24"))
	for _, tt := range []struct {
		peer, offender string
		typ, code      byte
		err            error
	}{
		{"[2001:db8::2]:7", "2001:db8::fe", 1, 0, syscall.ENETUNREACH},
		{"[2001:db8::2]:7", "2001:db8::fe", 1, 1, syscall.EACCES},
		{"[2001:db8::2]:7", "2001:db8::fe", 1, 3, syscall.EHOSTUNREACH},
		{"[2001:db8::2]:7", "2001:db8::fe", 1, 4, syscall.ECONNREFUSED},
		{"[2001:db8::2]:7", "2001:db8::fe", 3, 0, syscall.EHOSTUNREACH},
		{"192.0.2.2:7", "192.0.2.254", 3, 1, syscall.EHOSTUNREACH},
		{"192.0.2.2:7", "192.0.2.254", 3, 3, syscall.ECONNREFUSED},
		{"192.0.2.2:7", "192.0.2.254", 3, 13, syscall.EHOSTUNREACH},
		{"192.0.2.2:7", "192.0.2.254", 11, 0, syscall.EHOSTUNREACH},
	} {
		dialled := async(func() error {
			c, err := s.DialContext(deadline(t), "tcp", tt.peer)
			if err == nil {
				c.Close()
			}
			return err
		})
		about, p := icmpError, w.next()
		if p[0]>>4 == 4 {
			about = icmpError4
		}
		w.send(about(tt.offender, tt.typ, tt.code, 0, p))
		err := within(t, dialled)
		var op *net.OpError
		var e *stack.ICMPError
		if !errors.As(err, &op) || op.Op != "dial" || !errors.As(err, &e) || !errors.Is(err, tt.err) {
			t.Errorf("%s, %d/%d: %v", tt.peer, tt.typ, tt.code, err)
			continue
		}
		if e.Type != int(tt.typ) || e.Code != int(tt.code) || e.Offender.String() != tt.offender || e.Protocol != 6 {
			t.Errorf("%+v", e)
		}
	}
}

// TestTCPResetIsNoICMPError: a refusal by the peer's TCP has no ICMP error in it.
func TestTCPResetIsNoICMPError(t *testing.T) {
	a, _, _, _ := pair(t)
	_, err := a.DialContext(deadline(t), "tcp", "[2001:db8::2]:9")
	var e *stack.ICMPError
	if !errors.Is(err, syscall.ECONNREFUSED) || errors.As(err, &e) {
		t.Errorf("%v", err)
	}
}

// TestTCPTimeoutSaysWhy: an error that may pass ends no connection, but is told when that times out.
func TestTCPTimeoutSaysWhy(t *testing.T) {
	clock := newSteppedClock()
	s, _, w := rawHost(t, stack.Config{Clock: clock}, plain("2001:db8::1/64"))
	var c net.Conn
	dialled := async(func() (err error) {
		c, err = s.DialContext(t.Context(), "tcp", "[2001:db8::2]:7")
		return err
	})
	syn := w.next()[40:]
	answer := slices.Concat(syn[2:4], syn[:2], []byte{0, 0, 0, 1}, syn[4:8], []byte{0x50, 0x12, 0xff, 0xff, 0, 0, 0, 0})
	answer[11]++ // what is acknowledged: the SYN
	for n := 11; answer[n] == 0; n-- {
		answer[n-1]++
	}
	w.send(ip6("2001:db8::2", "2001:db8::1", 6, 64, sealed("2001:db8::2", "2001:db8::1", 6, 16, answer)))
	if err := within(t, dialled); err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	w.next() // the handshake's end
	if _, err := c.Write([]byte("anybody?")); err != nil {
		t.Fatal(err)
	}
	data := w.next()
	barrier := listenRaw(t, s, 98, "")
	barrier.SetReadDeadline(time.Time{})
	w.send(icmpError("2001:db8::fe", 1, 0, 0, data), ip6("2001:db8::9", "2001:db8::1", 98, 1, nil))
	mustRead(t, barrier)
	start := clock.Now()
	read := async(func() error {
		_, err := c.Read([]byte{0})
		return err
	})
	for {
		select {
		case err := <-read:
			var e *stack.ICMPError
			timedOut := errors.Is(err, syscall.ETIMEDOUT) || errors.Is(err, syscall.ENETUNREACH)
			if after := clock.Now().Sub(start); after < time.Minute || !timedOut || !errors.As(err, &e) || e.Type != 1 || e.Code != 0 || e.Offender.String() != "2001:db8::fe" {
				t.Errorf("after %v: %v", after, err)
			}
			return
		default:
			clock.Advance(time.Second)
			runtime.Gosched()
		}
	}
}
