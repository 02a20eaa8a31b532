package stack_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/hextet/hextet/stack"
)

// wholePacket4 puts the fragments of an IPv4 packet together, each of which a router may cut further, and
// returns what is behind the header, and the longest packet.
func (w *rawWire) wholePacket4() (payload []byte, longest int) {
	w.t.Helper()
	var id uint16
	for {
		p := w.next()
		if p[0] != 0x45 {
			continue
		}
		longest = max(longest, len(p))
		bits := binary.BigEndian.Uint16(p[6:])
		if len(payload) == 0 {
			id = binary.BigEndian.Uint16(p[4:])
		}
		if int(binary.BigEndian.Uint16(p[2:])) != len(p) || slowSum4(p[:20]) != 0xffff || binary.BigEndian.Uint16(p[4:]) != id || int(bits&0x1fff)*8 != len(payload) {
			w.t.Fatalf("a fragment of %d bytes after %d of %x: %x", len(p), len(payload), id, p[:20])
		}
		if bits&0xc000 != 0 {
			w.t.Fatalf("flags %#x: no router may fragment it", bits)
		}
		payload = append(payload, p[20:]...)
		if bits&0x2000 == 0 {
			return payload, longest
		}
	}
}

// TestUDPFragments: what is larger than the link, or the path as far as it is known, arrives in fragments
// whose size is right, and of IPv4 without Don't Fragment.
func TestUDPFragments(t *testing.T) {
	for _, link := range []int{1280, 1500} {
		near, far := stack.Pipe(link)
		s := newStack(t, stack.Config{})
		attach(t, s, "eth0", near, udpOwn...)
		w := newRawWire(t, far)
		for _, dst := range []string{"[2001:db8::2]:9", "192.0.2.2:9"} {
			t.Run(fmt.Sprint(link, dst), func(t *testing.T) {
				c, ipv4 := dialUDP(t, s, dst), strings.HasPrefix(dst, "1")
				header := 40
				if ipv4 {
					header = 20
				}
				send := func(n int) {
					t.Helper()
					if _, err := c.Write(bytes.Repeat([]byte("0123456789a"), n/11+1)[:n]); err != nil {
						t.Fatal(err)
					}
				}
				if link == 1500 { // learned: the path carries 1280
					send(1400)
					if ipv4 {
						w.send(icmpError4("192.0.2.254", 3, 4, 1280, w.next()))
					} else {
						w.send(icmpError("2001:db8::fe", 2, 0, 1280, w.nextPacket()))
					}
					settled := listenUDP(t, s, "udp6", ":9")
					w.send(unhex(t, udpIn6))
					wantText(t, settled, "hello")
				}
				for _, n := range []int{1280 - header - 8, 1281 - header - 8, 4001, 65_507 - (header - 20)} {
					send(n)
					var got []byte
					var longest int
					if ipv4 {
						got, longest = w.wholePacket4()
					} else if header+8+n <= 1280 {
						p := w.nextPacket()
						got, longest = p[40:], len(p)
					} else {
						_, got, longest = w.wholePacket(40)
					}
					if len(got) != 8+n || int(binary.BigEndian.Uint16(got[4:])) != 8+n || !bytes.HasPrefix(got[8:], []byte("0123456789a")) {
						t.Errorf("%d bytes: %d came, %x...", n, len(got), got[:min(len(got), 30)])
					}
					if longest > 1280 || longest < 1280-8-header%16 {
						t.Errorf("%d bytes: the longest packet had %d", n, longest)
					}
				}
			})
		}
	}
}
