package stack_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
)

// slowHeaders follows extension headers one by one, and returns them, what is behind, and its number.
func slowHeaders(p []byte) (headers [][]byte, next byte, rest []byte) {
	next, rest = p[6], p[40:]
	for slices.Contains([]byte{0, 43, 60}, next) {
		n := 8 * (int(rest[1]) + 1)
		headers = append(headers, rest[:n])
		next, rest = rest[0], rest[n:]
	}
	return headers, next, rest
}

// firstHop is where a packet with a Routing header goes first: to the address of type 2 (RFC 6275 section 6.4.1),
// or the last of the list of type 4 (RFC 8754 section 2), which Segments Left counts from 0.
func firstHop(routing []byte) netip.Addr {
	at := 8
	if routing[2] == 4 {
		at += 16 * int(routing[3])
	}
	return netip.AddrFrom16([16]byte(routing[at:]))
}

// FuzzWriteMsg: what is accepted leaves as a packet of the headers that were asked for, with the checksum
// over the final destination; what is not leaves nothing, or the next packet would be that.
func FuzzWriteMsg(f *testing.F) {
	s, _, w := rawHost(f, stack.Config{NoTCP: true}, plain("2001:db8::1/64"))
	c := listenRaw(f, s, 58, "")
	unhexed := func(s string) []byte {
		b, _ := hex.DecodeString(strings.Join(strings.Fields(s), ""))
		return b
	}
	f.Add(0, 0, unhexed(alertHeader), unhexed(pad0), unhexed(segments), unhexed(pad1), []byte("\x80\x00\x00\x00hextet"))
	f.Add(-1, 255, unhexed(pad0), []byte(nil), unhexed(mobility), []byte{}, []byte("\xc8\x00\x00\x00"))
	f.Add(-1, 0, []byte(nil), []byte(nil), unhexed("ff020201 00000000 20010db8 00000000 00000000 00000001"), []byte(nil), []byte("\xc8\x00\x00\x00"))
	f.Add(99, 0, unhexed("ff000104 80000101"), []byte(nil), []byte(nil), []byte(nil), []byte("\x80\x00\x00\x00hextet"))
	f.Add(72, 0, []byte(nil), unhexed(pad0), unhexed("ff040401 01000000 20010db8 00000000 00000000 0000000b 20010db8 00000000 00000000 00000001"), []byte(nil), []byte("\x80\x00\x00\x00hextet"))
	f.Add(256, -2, unhexed("ff00050200000100"), unhexed("ff00000000000001"), unhexed("ff02000100000000"), []byte{1}, []byte{})
	f.Fuzz(func(t *testing.T, hops, tc int, hop, first, routing, last, payload []byte) {
		w := &rawWire{t, w.l, w.packets}
		if len(hop)+len(first)+len(routing)+len(last)+len(payload) > 1400 {
			return // fragments have a test of their own
		}
		dst := netip.MustParseAddr("2001:db8::2")
		n, err := c.WriteMsg(payload, &stack.ControlMessage{
			HopLimit: hops, TrafficClass: tc, HopByHop: hop, DestinationFirst: first, Routing: routing, DestinationOptions: last,
		}, dst)
		if err != nil {
			known := slices.ContainsFunc([]error{syscall.EINVAL, syscall.EOPNOTSUPP, syscall.ENETUNREACH}, func(e error) bool { return errors.Is(err, e) })
			if n != 0 || !known {
				t.Errorf("%d, %v", n, err)
			}
			return
		}
		if len(routing) > 0 && firstHop(routing) == netip.MustParseAddr("2001:db8::1") {
			return // the first hop is this host: nothing leaves
		}
		want := [][]byte{hop, first, routing, last}
		if len(routing) == 0 {
			want[1] = nil
		}
		want = slices.DeleteFunc(want, func(b []byte) bool { return len(b) == 0 })
		p := w.nextPacket()
		headers, next, rest := slowHeaders(p)
		if next != 58 || len(headers) != len(want) || !bytes.Equal(rest[4:], payload[4:]) || slowSum("2001:db8::1", "2001:db8::2", 58, rest) != 0xffff {
			t.Fatalf("%x", p)
		}
		for n, h := range headers {
			if len(routing) > 0 && &want[n][0] == &routing[0] {
				h, want[n] = slices.Concat(h[:8], h[24:]), slices.Concat(routing[:8], routing[24:])
			}
			if !bytes.Equal(h[1:], want[n][1:]) {
				t.Fatalf("header %d is %x, want %x", n, h, want[n])
			}
		}
	})
}

// untilBarrier returns what the socket reads after what the wire sent before: messages and errors. There are
// two barriers: a call may look for errors just before one comes, and return the first.
func (w *rawWire) untilBarrier(c *stack.RawConn, read func(payload []byte, cm *stack.ControlMessage, err error)) {
	w.t.Helper()
	for range 2 {
		w.send(ip6("2001:db8::ba", "2001:db8::1", 89, 64, []byte("barrier")))
	}
	b := make([]byte, 2000)
	for barriers := 2; barriers > 0; {
		var cm stack.ControlMessage
		n, src, err := c.ReadMsg(b, &cm)
		if src.String() == "2001:db8::ba" {
			barriers--
			continue
		}
		read(b[:n], &cm, err)
	}
	for len(w.packets) > 0 {
		<-w.packets // what the host said to that
	}
}

// FuzzReadMsg: whatever extension headers come, what is read is what was behind them.
func FuzzReadMsg(f *testing.F) {
	s, _, w := rawHost(f, stack.Config{NoTCP: true}, plain("2001:db8::1/64"))
	c := listenRaw(f, s, 89, "")
	c.SetReadDeadline(time.Time{}) // fuzzing takes longer
	listenRaw(f, s, 58, "")
	f.Add(byte(0), []byte("\x3c\x00\x05\x02\x00\x00\x01\x00\x59\x00\x01\x04\x00\x00\x00\x00payload"))
	f.Add(byte(43), []byte("\x59\x02\x04\x00\x00\x00\x00\x00................"))
	f.Add(byte(44), []byte("\x59\x00\x00\x00\x00\x00\x00\x01atomic"))
	f.Add(byte(58), []byte("\x01\x04\x00\x00\x00\x00\x00\x00\x60"))
	f.Fuzz(func(t *testing.T, first byte, b []byte) {
		w := &rawWire{t, w.l, w.packets}
		if len(b) > 1400 {
			return
		}
		w.send(ip6("2001:db8::9", "2001:db8::1", first, 64, b))
		w.untilBarrier(c, func(got []byte, cm *stack.ControlMessage, err error) {
			if err != nil || !bytes.HasSuffix(b, got) && first != 44 || cm.Length != len(got) {
				t.Fatalf("%x, %v was read of %d %x", got, err, first, b)
			}
			for _, h := range [][]byte{cm.HopByHop, cm.DestinationFirst, cm.Routing, cm.DestinationOptions} {
				if len(h) > 0 && (!bytes.Contains(b, h) || len(h) != 8*(int(h[1])+1)) {
					t.Fatalf("header %x, of %d %x", h, first, b)
				}
			}
		})
	})
}

// FuzzICMPError: an error is told only about packets that this host can have sent.
func FuzzICMPError(f *testing.F) {
	s, _, w := rawHost(f, stack.Config{NoTCP: true}, plain("2001:db8::1/64"))
	c := listenRaw(f, s, 89, "")
	c.SetReadDeadline(time.Time{})
	c.SetReceiveErrors(true)
	c.SetReceivePathMTU(true)
	f.Add(byte(1), byte(4), uint32(0), ip6("2001:db8::1", "2001:db8::2", 89, 64, []byte("hello")))
	f.Add(byte(2), byte(0), uint32(1300), ip6("2001:db8::1", "2001:db8::2", 44, 64, []byte("\x59\x00\x00\x08\x00\x00\x00\x01")))
	f.Add(byte(1), byte(4), uint32(0), ip6("2001:db8::1", "2001:db8::2", 17, 64, []byte("\x00\x07\x00\x07")))
	f.Fuzz(func(t *testing.T, typ, code byte, info uint32, about []byte) {
		w := &rawWire{t, w.l, w.packets}
		if len(about) > 1200 {
			return
		}
		msg := append(binary.BigEndian.AppendUint32([]byte{typ, code, 0, 0}, info), about...)
		w.send(ip6("2001:db8::9", "2001:db8::1", 58, 64, sealed("2001:db8::9", "2001:db8::1", 58, 2, msg)))
		w.untilBarrier(c, func(got []byte, cm *stack.ControlMessage, err error) {
			var e *stack.ICMPError
			switch {
			case errors.As(err, &e):
				if e.Source.String() != "2001:db8::1" || e.Protocol != 89 || e.Type != int(typ) || e.Code != int(code) || !bytes.Contains(about, e.Payload) {
					t.Errorf("%+v of %x", e, about)
				}
			case err != nil || typ != 2 || cm.PathMTU != int(info) || info < 1280:
				t.Errorf("%x, %+v, %v of %x", got, cm, err, about)
			}
		})
	})
}
