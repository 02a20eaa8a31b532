package stack_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hextet/hextet/icmp6"
	"github.com/hextet/hextet/stack"
	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv6"
)

// ping is a program written against golang.org/x/net: a filter, a checksum that is asked for as Linux
// wants it, control messages, and x/net/icmp's parser.
func ping(c icmp6.Conn, dst net.Addr, data string) (hops int, err error) {
	var f ipv6.ICMPFilter
	f.SetAll(true)
	f.Accept(ipv6.ICMPTypeEchoReply)
	if err := errors.Join(
		c.SetICMPFilter(&f),
		c.SetChecksum(true, 2),
		c.SetControlMessage(ipv6.FlagHopLimit|ipv6.FlagSrc|ipv6.FlagDst|ipv6.FlagInterface, true),
		c.SetHopLimit(33),
		c.SetDeadline(time.Now().Add(20*time.Second)),
	); err != nil {
		return 0, err
	}
	m := icmp.Message{Type: ipv6.ICMPTypeEchoRequest, Body: &icmp.Echo{ID: 7, Seq: 1, Data: []byte(data)}}
	b, err := m.Marshal(nil) // without a pseudo-header x/net leaves the field 0
	if err != nil {
		return 0, err
	}
	if _, err := c.WriteTo(b, nil, dst); err != nil {
		return 0, err
	}
	b = make([]byte, 1500)
	n, cm, from, err := c.ReadFrom(b)
	if err != nil {
		return 0, err
	}
	reply, err := icmp.ParseMessage(58, b[:n])
	if err != nil {
		return 0, err
	}
	if e, ok := reply.Body.(*icmp.Echo); !ok || string(e.Data) != data || from.String() != dst.String() {
		return 0, fmt.Errorf("%v from %v", reply, from)
	}
	if cm == nil || !cm.Src.Equal(dst.(*net.IPAddr).IP) || cm.Dst == nil || cm.IfIndex == 0 {
		return 0, fmt.Errorf("control message %v", cm)
	}
	return cm.HopLimit, nil
}

func TestRawRunsXNetProgram(t *testing.T) {
	if _, err := (icmp6.Filter{}).ICMPFilter(); errors.Is(err, errors.ErrUnsupported) {
		t.Skipf("SKIP(system): %v", err)
	}
	a, _, _, _ := pair(t)
	c := listenRaw(t, a, 58, "::")
	if hops, err := ping(c, ipTo("2001:db8::2"), "hextet"); err != nil || hops != 64 {
		t.Errorf("hop limit %d, %v", hops, err)
	}
	f, err := c.ICMPFilter()
	if err != nil || f.WillBlock(ipv6.ICMPTypeEchoReply) || !f.WillBlock(ipv6.ICMPTypeEchoRequest) {
		t.Errorf("ICMPFilter: %v, %v", f, err)
	}
	ospf := listenRaw(t, a, 89, "")
	if err := ospf.SetICMPFilter(f); !errors.Is(err, syscall.EOPNOTSUPP) {
		t.Errorf("SetICMPFilter on protocol 89: %v", err)
	}
	if _, err := ospf.ICMPFilter(); !errors.Is(err, syscall.EOPNOTSUPP) {
		t.Errorf("ICMPFilter on protocol 89: %v", err)
	}
}

func TestListenRawRefuses(t *testing.T) {
	s, _, _ := rawHost(t, stack.Config{}, plain("2001:db8::1/64"), plain("192.0.2.1/24"))
	for _, tt := range []struct {
		proto uint8
		addr  string
		want  error
	}{
		{0, "::", syscall.EPROTONOSUPPORT},
		{58, "2001:db8::2", syscall.EADDRNOTAVAIL},
		{58, "ff02::1", syscall.EADDRNOTAVAIL},
		{58, "192.0.2.1", syscall.EAFNOSUPPORT},
		{58, "::ffff:192.0.2.1", syscall.EAFNOSUPPORT},
		{58, "2001:db8::1%eth9", syscall.ENODEV},
		{58, "::%eth9", syscall.ENODEV},
	} {
		c, err := s.ListenRaw(tt.proto, netip.MustParseAddr(tt.addr))
		var op *net.OpError
		if c != nil || !errors.Is(err, tt.want) || !errors.As(err, &op) || op.Op != "listen" {
			t.Errorf("protocol %d, %s: %v, want %v", tt.proto, tt.addr, err, tt.want)
		}
	}
	if _, err := s.ListenRaw4(1, netip.MustParseAddr("2001:db8::1")); !errors.Is(err, syscall.EAFNOSUPPORT) {
		t.Errorf("IPv4 on an IPv6 address: %v", err)
	}
	s.Close()
	if _, err := s.ListenRaw(58, netip.Addr{}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("on a closed stack: %v", err)
	}
}

func TestRawControlMessage(t *testing.T) {
	s, i, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"))
	c := listenRaw(t, s, 89, "")
	p := in6(89, []byte("x"))
	p[0], p[1], p[7] = 0x6a, 0xb0, 9 // traffic class 0xab, hop limit 9
	read := func() *ipv6.ControlMessage {
		t.Helper()
		w.send(p)
		_, cm, _, err := c.ReadFrom(make([]byte, 9))
		if err != nil {
			t.Fatal(err)
		}
		return cm
	}
	if cm := read(); cm != nil {
		t.Errorf("unasked: %v", cm)
	}
	src, dst := net.ParseIP("2001:db8::2"), net.ParseIP("2001:db8::1")
	for _, tt := range []struct {
		flags ipv6.ControlFlags
		want  ipv6.ControlMessage
	}{
		{ipv6.FlagHopLimit, ipv6.ControlMessage{HopLimit: 9, Src: src}},
		{ipv6.FlagTrafficClass, ipv6.ControlMessage{TrafficClass: 0xab, Src: src}},
		{ipv6.FlagSrc, ipv6.ControlMessage{Src: src}},
		{ipv6.FlagDst, ipv6.ControlMessage{Src: src, Dst: dst, IfIndex: i.Index()}},
		{ipv6.FlagInterface, ipv6.ControlMessage{Src: src, Dst: dst, IfIndex: i.Index()}},
	} {
		if err := c.SetControlMessage(tt.flags, true); err != nil {
			t.Fatal(err)
		}
		if cm := read(); cm == nil || cm.String() != tt.want.String() {
			t.Errorf("%#x: %v, want %v", tt.flags, cm, &tt.want)
		}
		c.SetControlMessage(tt.flags, false)
	}
	if cm := read(); cm != nil {
		t.Errorf("switched off: %v", cm)
	}
	if err := c.SetControlMessage(ipv6.FlagHopLimit|ipv6.FlagPathMTU, true); !errors.Is(err, syscall.EOPNOTSUPP) {
		t.Errorf("FlagPathMTU: %v", err)
	}
	if cm := read(); cm != nil {
		t.Errorf("half of a refused call is in force: %v", cm)
	}
}

func TestRawBatch(t *testing.T) {
	s, i, w := rawHost(t, stack.Config{}, plain("2001:db8::1/64"), skip("2001:db8::10/64"))
	c, end := listenRaw(t, s, 89, ""), listenRaw(t, s, 99, "")
	out := []ipv6.Message{
		{Buffers: [][]byte{[]byte("one "), nil, []byte("packet")}, Addr: ipTo("2001:db8::2")},
		{Buffers: [][]byte{[]byte("two")}, Addr: ipTo("2001:db8::2"),
			OOB: (&ipv6.ControlMessage{HopLimit: 5, TrafficClass: 6, Src: net.ParseIP("2001:db8::10"), IfIndex: i.Index()}).Marshal()},
		{Buffers: [][]byte{[]byte("three")}, Addr: ipTo("192.0.2.2")},
		{Buffers: [][]byte{[]byte("four")}, Addr: ipTo("2001:db8::2")},
	}
	n, err := c.WriteBatch(out, 0)
	if n != 2 || !errors.Is(err, syscall.EAFNOSUPPORT) || out[0].N != 10 || out[1].N != 3 {
		t.Errorf("WriteBatch: %d, %v", n, err)
	}
	if p := w.next(); string(p[40:]) != "one packet" {
		t.Errorf("%q", p[40:])
	}
	portable := len(out[1].OOB) > 0 // x/net has a form for control messages here
	if p := w.next(); string(p[40:]) != "two" || portable && (p[7] != 5 || p[23] != 0x10 || p[0] != 0x60 || p[1] != 0x60) {
		t.Errorf("%x", p)
	}

	c.SetControlMessage(ipv6.FlagHopLimit|ipv6.FlagTrafficClass|ipv6.FlagInterface, true)
	first := in6(89, []byte("one packet"))
	first[0], first[1], first[7] = 0x6a, 0xb0, 9
	w.send(first, in6(89, []byte("two")), in6(99, nil))
	mustRead(t, end)
	in := make([]ipv6.Message, 4)
	for k := range in {
		in[k].Buffers = [][]byte{make([]byte, 4), make([]byte, 5)}
		in[k].OOB = make([]byte, 128)
	}
	if n, err := c.ReadBatch(in, 0); n != 2 || err != nil {
		t.Fatalf("ReadBatch: %d, %v", n, err)
	}
	if in[0].N != 9 || string(in[0].Buffers[0]) != "one " || string(in[0].Buffers[1]) != "packe" || in[0].Addr.String() != "2001:db8::2" {
		t.Errorf("%+v", in[0])
	}
	if in[1].N != 3 || string(in[1].Buffers[0][:3]) != "two" {
		t.Errorf("%+v", in[1])
	}
	var cm ipv6.ControlMessage
	if portable {
		want := &ipv6.ControlMessage{HopLimit: 9, TrafficClass: 0xab, Dst: net.ParseIP("2001:db8::1"), IfIndex: i.Index()}
		if err := cm.Parse(in[0].OOB[:in[0].NN]); err != nil || cm.String() != want.String() {
			t.Errorf("%v, %v, want %v", &cm, err, want)
		}
	}
	if _, err := c.ReadBatch(in, 1); !errors.Is(err, syscall.EOPNOTSUPP) {
		t.Errorf("flags on reading: %v", err)
	}
	if _, err := c.WriteBatch(out, 1); !errors.Is(err, syscall.EOPNOTSUPP) {
		t.Errorf("flags on writing: %v", err)
	}
	if _, err := c.WriteBatch([]ipv6.Message{{Buffers: [][]byte{{1}}, OOB: bytes.Repeat([]byte{0xff}, 64), Addr: ipTo("2001:db8::2")}}, 0); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("broken control message: %v", err)
	}
}

func TestRawDeadlines(t *testing.T) {
	clock := newSteppedClock()
	s, _, w := rawHost(t, stack.Config{Clock: clock, NoTCP: true}, plain("2001:db8::1/64"))
	c := listenRaw(t, s, 89, "")
	c.SetDeadline(time.Time{})
	waiting := clock.pending()
	result := make(chan error)
	read := func() {
		_, _, _, err := c.ReadFrom(make([]byte, 9))
		result <- err
	}
	c.SetReadDeadline(clock.Now().Add(24 * time.Hour))
	go read()
	clock.Advance(24*time.Hour - 1)
	select {
	case err := <-result:
		t.Fatal("too early:", err)
	default:
	}
	clock.Advance(1)
	if err := <-result; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("past the deadline: %v", err)
	}
	w.send(in6(89, []byte("x")))
	eventually(t, func() bool { return c.Stats().Received == 1 })
	go read()
	if err := <-result; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("still past the deadline, though there is a packet: %v", err)
	}
	c.SetReadDeadline(clock.Now().Add(time.Hour))
	go read()
	if err := <-result; err != nil {
		t.Errorf("with a new deadline: %v", err)
	}
	c.SetWriteDeadline(clock.Now())
	if _, err := c.WriteTo([]byte("x"), nil, ipTo("2001:db8::2")); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("WriteTo: %v", err)
	}
	c.Close()
	if n := clock.pending(); n != waiting {
		t.Errorf("%d timers run after Close, before the deadlines %d", n, waiting)
	}
}

func TestRawClose(t *testing.T) {
	closers := map[string]func(*stack.Stack, *stack.RawConn) error{
		"conn":        func(_ *stack.Stack, c *stack.RawConn) error { return c.Close() },
		"packet conn": func(_ *stack.Stack, c *stack.RawConn) error { return c.PacketConn().Close() },
		"stack":       func(s *stack.Stack, _ *stack.RawConn) error { return s.Close() },
	}
	for name, closeIt := range closers {
		t.Run(name, func(t *testing.T) {
			s, i, _ := rawHost(t, stack.Config{}, plain("2001:db8::1/64"))
			c, err := s.ListenRaw(89, netip.Addr{})
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Connect(netip.MustParseAddr("2001:db8::2")); err != nil {
				t.Fatal(err)
			}
			if _, err := c.WriteTo([]byte("x"), nil, nil); err != nil { // so that it keeps a route
				t.Fatal(err)
			}
			if err := c.JoinGroup(i.NetInterface(), ipTo("ff02::5")); err != nil {
				t.Fatal(err)
			}
			result := make(chan error)
			for range 2 {
				go func() {
					_, _, _, err := c.ReadFrom(make([]byte, 9))
					result <- err
				}()
			}
			if err := closeIt(s, c); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := <-result; !errors.Is(err, net.ErrClosed) {
					t.Errorf("a read that waited: %v", err)
				}
			}
			_, _, _, err = c.ReadFrom(make([]byte, 9))
			_, err2 := c.WriteTo([]byte("x"), nil, nil)
			_, err3 := c.HopLimit()
			_, _, err4 := c.Checksum()
			for n, err := range []error{
				err, err2, err3, err4, c.Close(), c.SetDeadline(time.Time{}), c.SetHopLimit(1),
				c.SetChecksumOffset(-1), c.JoinGroup(nil, ipTo("ff02::5")), c.Connect(netip.Addr{}),
			} {
				if !errors.Is(err, net.ErrClosed) {
					t.Errorf("call %d after Close: %v", n, err)
				}
			}
		})
	}
}

func TestRawPacketConn(t *testing.T) {
	a, _, _, _ := pair(t)
	c := listenRaw(t, a, 58, "")
	var f icmp6.Filter
	f.Block(ipv6.ICMPTypeEchoRequest)
	c.SetFilter(f)
	pc := c.PacketConn()
	if _, err := pc.WriteTo([]byte{128, 0, 0, 0, 0, 1, 0, 2, 'x'}, ipTo("2001:db8::2")); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 6)
	n, from, err := pc.ReadFrom(b)
	if n != 6 || err != nil || from.String() != "2001:db8::2" || from.Network() != "ip" || b[0] != 129 {
		t.Errorf("%d, %v, %v: %x", n, from, err, b)
	}
	if pc.LocalAddr().String() != "::" {
		t.Errorf("local address %v", pc.LocalAddr())
	}
	if err := pc.SetReadDeadline(time.Now().Add(-1)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := pc.ReadFrom(b); !os.IsTimeout(err) {
		t.Errorf("past the deadline: %v", err)
	}
}

// TestRawConcurrently has readers, writers and options at work at once; the race detector judges.
func TestRawConcurrently(t *testing.T) {
	a, b, _, _ := pair(t)
	ca, cb := listenRaw(t, a, 89, ""), listenRaw(t, b, 89, "")
	ca.SetChecksumOffset(0)
	cb.SetChecksumOffset(0)
	const each = 200
	var senders, others sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		senders.Go(func() {
			for n := range each {
				if _, err := ca.WriteTo(bytes.Repeat([]byte{7}, 2+n*20), nil, ipTo("2001:db8::2")); err != nil {
					t.Error(err)
				}
			}
		})
		others.Go(func() {
			buf := make([]byte, 8192)
			for {
				n, _, _, err := cb.ReadFrom(buf)
				if errors.Is(err, net.ErrClosed) {
					return
				}
				if err != nil || slowSum("2001:db8::1", "2001:db8::2", 89, buf[:n]) != 0xffff {
					t.Error(n, err)
				}
			}
		})
	}
	others.Go(func() {
		for k := 0; ; k++ {
			select {
			case <-stop:
				return
			default:
				cb.SetReadBuffer(1 << (16 + k%4))
				cb.SetControlMessage(ipv6.FlagDst, k%2 == 0)
				ca.SetHopLimit(k % 256)
				io.WriteString(io.Discard, ca.LocalAddr().String())
			}
		}
	})
	senders.Wait()
	eventually(t, func() bool {
		st := cb.Stats()
		return st.Received+st.DroppedQueue > 0
	})
	close(stop)
	cb.Close()
	others.Wait()
	if n := cb.Stats().DroppedChecksum; n != 0 {
		t.Errorf("%d wrong checksums", n)
	}
}

func TestRawErrorText(t *testing.T) {
	s, _, _ := rawHost(t, stack.Config{}, plain("2001:db8::1/64"))
	c := listenRaw(t, s, 89, "2001:db8::1")
	_, err := c.WriteTo([]byte("x"), nil, ipTo("2001:db8:1::1"))
	if got := err.Error(); !strings.HasPrefix(got, "write ip6:89 2001:db8::1->2001:db8:1::1: ") {
		t.Errorf("%q", got)
	}
}
