package lab_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hextet/hextet/icmp6"
	"github.com/hextet/hextet/icmp6/checksum"
	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/lab"
)

// between reports whether a packet is of a protocol, from one address to another.
func between(proto byte, src, dst string) func(lab.Packet) bool {
	s, d := netip.MustParseAddr(src), netip.MustParseAddr(dst)
	return func(p lab.Packet) bool {
		if len(p.Data) < 34 {
			return false
		}
		if s.Is4() {
			return p.Data[12] == 8 && p.Data[13] == 0 && p.Data[23] == proto && netip.AddrFrom4([4]byte(p.Data[26:])) == s && netip.AddrFrom4([4]byte(p.Data[30:])) == d
		}
		return len(p.Data) >= 54 && p.Data[12] == 0x86 && p.Data[20] == proto && netip.AddrFrom16([16]byte(p.Data[22:])) == s && netip.AddrFrom16([16]byte(p.Data[38:])) == d
	}
}

// routed is a host, a router, and a host behind it.
func routed(l *lab.Lab) (a *lab.Host, r *lab.Router, b *lab.Host) {
	near, far := l.Segment(lab.SegmentConfig{Name: "near"}), l.Segment(lab.SegmentConfig{Name: "far"})
	r = l.Router(lab.RouterConfig{Name: "r", Interfaces: []lab.InterfaceConfig{
		{Segment: near, Addresses: lab.Addresses("2001:db8:1::1/64", "10.0.1.1/24")},
		{Segment: far, Addresses: lab.Addresses("2001:db8:2::1/64", "10.0.2.1/24")},
	}})
	a = l.Host(lab.HostConfig{Name: "a", Segment: near, Addresses: lab.Addresses("2001:db8:1::a/64", "10.0.1.10/24"),
		Routers: []netip.Addr{netip.MustParseAddr("2001:db8:1::1"), netip.MustParseAddr("10.0.1.1")}})
	b = l.Host(lab.HostConfig{Name: "b", Segment: far, Addresses: lab.Addresses("2001:db8:2::b/64", "10.0.2.11/24"),
		Routers: []netip.Addr{netip.MustParseAddr("2001:db8:2::1"), netip.MustParseAddr("10.0.2.1")}})
	return a, r, b
}

// family is one of the two ways from a to b.
type family struct {
	name, src, dst, router string
	udp, icmp              byte
}

var families = []family{
	{"IPv6", "2001:db8:1::a", "2001:db8:2::b", "2001:db8:1::1", 17, 58},
	{"IPv4", "10.0.1.10", "10.0.2.11", "10.0.1.1", 17, 1},
}

// Each ICMP error that a router is told to send reaches the socket that sent the packet, with the bytes that the
// RFCs give it.
func TestICMPErrors(t *testing.T) {
	for _, f := range families {
		v6 := f.icmp == 58
		for _, tt := range []struct {
			name string
			send func(r *lab.Router, p lab.Packet) error
			v6   [8]byte // the message's first bytes, without the checksum
			v4   [8]byte
		}{
			{"unreachable", func(r *lab.Router, p lab.Packet) error { return r.Unreachable(p, 1) }, [8]byte{1, 1}, [8]byte{3, 1}},
			{"port", func(r *lab.Router, p lab.Packet) error {
				if v6 {
					return r.Unreachable(p, 4)
				}
				return r.Unreachable(p, 3)
			}, [8]byte{1, 4}, [8]byte{3, 3}},
			{"too big", func(r *lab.Router, p lab.Packet) error { return r.PacketTooBig(p, 1300) }, [8]byte{2, 0, 0, 0, 0, 0, 5, 20}, [8]byte{3, 4, 0, 0, 0, 0, 5, 20}},
			{"time", func(r *lab.Router, p lab.Packet) error { return r.TimeExceeded(p, 0) }, [8]byte{3}, [8]byte{11}},
			{"parameter", func(r *lab.Router, p lab.Packet) error { return r.ParameterProblem(p, 0, 6) }, [8]byte{4, 0, 0, 0, 0, 0, 0, 6}, [8]byte{12, 0, 0, 0, 6}},
		} {
			t.Run(f.name+" "+tt.name, func(t *testing.T) {
				l := lab.New(t)
				a, r, _ := routed(l)
				c, err := a.ListenPacket(t.Context(), "udp", ":5000")
				if err != nil {
					t.Fatal(err)
				}
				udp := c.(*stack.UDPConn)
				udp.SetReceiveErrors(true)
				long := make([]byte, 1400)
				if _, err := c.WriteTo(long, net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(f.dst), 9))); err != nil {
					t.Fatal(err)
				}
				l.Advance(time.Second)
				sent, ok := l.LastPacket(between(f.udp, f.src, f.dst))
				if !ok || sent.Segment != "far" {
					t.Fatalf("%+v", sent)
				}
				if err := tt.send(r, sent); err != nil {
					t.Fatal(err)
				}
				got, ok := l.LastPacket(between(f.icmp, f.router, f.src))
				want := tt.v4
				msg := []byte{}
				if ok {
					msg = got.Data[34:]
				}
				if v6 {
					want, msg = tt.v6, got.Data[54:]
					if !icmp6.Valid(netip.MustParseAddr(f.router), netip.MustParseAddr(f.src), msg) {
						t.Error("the checksum is wrong")
					}
				} else if checksum.Sum(msg, 0) != 0xffff {
					t.Error("the checksum is wrong")
				}
				copy(want[2:4], msg[2:4])
				limit := map[bool]int{true: 1294, false: 590}[v6]
				if !ok || got.Segment != "near" || [8]byte(msg[:8]) != want || len(got.Data) != limit || string(msg[8:]) != string(sent.Data[14:14+len(msg)-8]) {
					t.Errorf("%d bytes: % x", len(got.Data), got.Data)
				}
			})
		}
	}
}

// A router that is told to, by what it sees: the path seems narrower than it is, and TCP adapts.
func TestTooBigOnMatch(t *testing.T) {
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) {
			l := lab.New(t)
			a, r, b := routed(l)
			told := 0
			stop := l.On(func(p lab.Packet) bool {
				return p.Segment == "far" && between(6, f.src, f.dst)(p) && len(p.Data) > 14+1280
			}, func(p lab.Packet) {
				told++
				if err := r.PacketTooBig(p, 1280); err != nil {
					t.Error(err)
				}
			})
			ln, err := b.Listen(t.Context(), "tcp", ":80")
			if err != nil {
				t.Fatal(err)
			}
			l.Go("server", func(context.Context) error {
				c, err := ln.Accept()
				if err != nil {
					return err
				}
				defer c.Close()
				for buf := make([]byte, 1<<16); err == nil; {
					_, err = c.Read(buf)
				}
				return nil
			})
			c, err := a.DialContext(t.Context(), "tcp", net.JoinHostPort(f.dst, "80"))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err := c.Write(make([]byte, 30_000)); err != nil {
				t.Fatal(err)
			}
			l.Advance(time.Minute)
			last, _ := l.LastPacket(func(p lab.Packet) bool { return between(6, f.src, f.dst)(p) && len(p.Data) > 1000 })
			if told == 0 || len(last.Data) > 14+1280 {
				t.Errorf("told %d times, and then a packet of %d bytes", told, len(last.Data)-14)
			}
			stop()
			before := told
			c.Write(make([]byte, 3000))
			l.Advance(time.Second)
			if told != before {
				t.Error("told after stop")
			}
		})
	}
}

// A dial that the router answers with an error fails with that error.
func TestUnreachableEndsDial(t *testing.T) {
	l := lab.New(t)
	a, r, _ := routed(l)
	l.On(between(6, "2001:db8:1::a", "2001:db8:2::b"), func(p lab.Packet) { r.Unreachable(p, 1) })
	_, err := a.DialContext(t.Context(), "tcp", "[2001:db8:2::b]:80")
	if !errors.Is(err, syscall.EACCES) && !errors.Is(err, syscall.EHOSTUNREACH) {
		t.Error(err)
	}
}

func TestRedirect(t *testing.T) {
	for _, f := range families {
		l := lab.New(t)
		a, r, _ := routed(l)
		c, err := a.DialContext(t.Context(), "udp", net.JoinHostPort(f.dst, "9"))
		if err != nil {
			t.Fatal(err)
		}
		c.Write([]byte("hello"))
		l.Advance(time.Second)
		sent, _ := l.LastPacket(func(p lab.Packet) bool { return p.Segment == "near" && between(17, f.src, f.dst)(p) })
		target := map[bool]string{true: "fe80::2", false: "10.0.1.2"}[f.icmp == 58]
		if err := r.Redirect(sent, netip.MustParseAddr(target)); err != nil {
			t.Fatal(err)
		}
		got := l.Packets()[len(l.Packets())-1]
		if f.icmp == 1 {
			if m := got.Data[34:]; m[0] != 5 || m[1] != 1 || netip.AddrFrom4([4]byte(m[4:])).String() != target || binary.BigEndian.Uint16(m[10:]) != 33 {
				t.Errorf("% x", m)
			}
			continue
		}
		if m := got.Data[54:]; got.Segment != "near" || got.Data[21] != 255 || m[0] != 137 ||
			netip.AddrFrom16([16]byte(m[8:])).String() != target || netip.AddrFrom16([16]byte(m[24:])).String() != f.dst || string(got.Data[:6]) != string(sent.Data[6:12]) {
			t.Errorf("% x", got.Data)
		}
		if !netip.AddrFrom16([16]byte(got.Data[22:])).IsLinkLocalUnicast() {
			t.Errorf("% x", got.Data)
		}
	}
}

// Two stations with one link-local address, on two segments: a redirect has the hardware address of the one on its
// own.
func TestRedirectNeighbor(t *testing.T) {
	l := lab.New(t)
	var ports []lab.InterfaceConfig
	var hosts []*lab.Host
	for range 2 {
		s := l.Segment(lab.SegmentConfig{})
		ports = append(ports, lab.InterfaceConfig{Segment: s})
		hosts = append(hosts, l.Host(lab.HostConfig{Segment: s, Addresses: lab.Addresses("fe80::2/64")}))
	}
	r := l.Router(lab.RouterConfig{Interfaces: ports})
	for k, h := range hosts {
		c, err := r.DialContext(t.Context(), "udp", "[fe80::2%"+r.Interfaces()[k].Name()+"]:9")
		if err != nil {
			t.Fatal(err)
		}
		c.Write([]byte("hello"))
		l.Advance(time.Second)
		sent, ok := l.LastPacket(lab.Match("udp and from " + r.Name()))
		if !ok {
			t.Fatal("nothing was sent")
		}
		if err := r.Redirect(sent, netip.MustParseAddr("fe80::2")); err != nil {
			t.Fatal(err)
		}
		m, hw := l.Packets()[len(l.Packets())-1].Data[54:], h.Interfaces()[0].NetInterface().HardwareAddr
		if m[0] != 137 || m[40] != 2 || net.HardwareAddr(m[42:48]).String() != hw.String() {
			t.Errorf("segment %d: % x is not about %v", k, m, hw)
		}
	}
}

func TestICMPErrorErrors(t *testing.T) {
	l := lab.New(t)
	a, r, _ := routed(l)
	arp := lab.Packet{Segment: "near", Data: append(make([]byte, 12), 8, 6, 0, 0)}
	p4 := lab.Packet{Segment: "near", Data: append(make([]byte, 12), append([]byte{8, 0, 0x45, 0, 0, 20, 0, 0, 0, 0, 64, 17, 0, 0}, 10, 0, 1, 10, 10, 0, 2, 11)...)}
	nowhere := lab.Packet{Segment: "near", Data: append(append(make([]byte, 12), 8, 0, 0x45, 0, 0, 20, 0, 0, 0, 0, 64, 17, 0, 0), 203, 0, 113, 1, 10, 0, 2, 11)}
	v6 := netip.MustParseAddr("fe80::2")
	for want, err := range map[string]error{
		"no IP packet":        r.Unreachable(arp, 0),
		"the MTU -1":          r.PacketTooBig(p4, -1),
		"more than 65535":     r.PacketTooBig(p4, 70000),
		"the pointer 256":     r.ParameterProblem(p4, 0, 256),
		"redirect of 10.0.2":  r.Redirect(p4, v6),
		"about what is no IP": r.Redirect(arp, v6),
		"no interface":        a.Redirect(lab.Packet{Segment: "far", Data: p4.Data}, v6),
		"unreachable":         r.Unreachable(nowhere, 0),
	} {
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), `lab: host "`) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// Somebody has the address already: a host that looks finds out, one that does not won't.
func TestConflict(t *testing.T) {
	for _, dad := range []bool{true, false} {
		l := lab.New(t)
		seg := l.Segment(lab.SegmentConfig{})
		dup := netip.MustParseAddr("2001:db8::1")
		stop, err := seg.Conflict(dup)
		if err != nil {
			t.Fatal(err)
		}
		h := l.Host(lab.HostConfig{Interfaces: []lab.InterfaceConfig{{Stack: stack.InterfaceConfig{DAD: dad}}}})
		i := h.Interfaces()[0]
		states := func(addrs ...string) string {
			if err := i.AddAddresses(lab.Addresses(addrs...)); err != nil {
				t.Fatal(err)
			}
			l.Advance(5 * time.Second)
			var all []string
			for _, a := range i.Addresses() {
				if !a.Prefix.Addr().IsLinkLocalUnicast() {
					all = append(all, fmt.Sprint(a.Prefix.Addr(), " ", a.State))
				}
			}
			return strings.Join(all, ", ")
		}
		want := "2001:db8::1 duplicate, 2001:db8::2 assigned"
		if !dad {
			want = "2001:db8::1 assigned, 2001:db8::2 assigned"
		}
		if got := states("2001:db8::1/64", "2001:db8::2/64"); got != want {
			t.Errorf("DAD %v: %s", dad, got)
		}
		stop()
		if err := i.RemoveAddress(dup); err != nil {
			t.Fatal(err)
		}
		if got := states("2001:db8::1/64"); !strings.Contains(got, "2001:db8::1 assigned") {
			t.Errorf("after stop: %s", got)
		}
	}
}

// An ARP Probe, which hextet's hosts don't send, is answered too: RFC 5227 section 2.1.1.
func TestConflictIPv4(t *testing.T) {
	l := lab.New(t)
	seg := l.Segment(lab.SegmentConfig{})
	wire := func(frame []byte) {
		if err := seg.Inject(frame); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := seg.Conflict(netip.MustParseAddr("10.0.0.7")); err != nil {
		t.Fatal(err)
	}
	probe := []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 9, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 7}
	wire(probe)
	l.Advance(time.Second)
	got := l.Packets()[len(l.Packets())-1]
	if string(got.Data[:6]) != string(probe[6:12]) || got.Data[21] != 2 || string(got.Data[28:32]) != "\x0a\x00\x00\x07" || string(got.Data[6:12]) != string(got.Data[22:28]) {
		t.Errorf("% x", got.Data)
	}
	n := len(l.Packets())
	other := append([]byte(nil), probe...)
	other[41] = 8 // another address
	wire(other)
	asked := append([]byte(nil), probe...)
	asked[31] = 9 // no probe
	wire(asked)
	l.Advance(time.Second)
	if m := len(l.Packets()); m != n+2 {
		t.Errorf("%d answers", m-n-2)
	}
	if err := seg.Inject(probe[:13]); err == nil || !strings.Contains(err.Error(), "13 bytes") {
		t.Error(err)
	}
	if err := seg.Inject(make([]byte, 1515)); err == nil || !strings.Contains(err.Error(), "1514") {
		t.Error(err)
	}
	for _, bad := range []string{"::", "0.0.0.0", "ff02::1", "224.0.0.1"} {
		if _, err := seg.Conflict(netip.MustParseAddr(bad)); err == nil || !strings.Contains(err.Error(), bad) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
