package icmp6_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/net/ipv6"

	"github.com/hextet/hextet/icmp6"
)

// A deafHost is a raw socket of a host that leaves the checksum alone. It keeps what was sent.
type deafHost struct {
	icmp6.Conn // nil: whatever is not below must not be called
	local      net.IPAddr
	multicast  *net.Interface
	takes      int // messages per WriteBatch; 0: all

	mu   sync.Mutex
	sent []sentPacket
}

type sentPacket struct {
	payload []byte
	cm      *ipv6.ControlMessage
	dst     net.Addr
}

func (h *deafHost) WriteTo(b []byte, cm *ipv6.ControlMessage, dst net.Addr) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if cm != nil {
		clone := *cm
		cm = &clone
	}
	h.sent = append(h.sent, sentPacket{bytes.Clone(b), cm, dst})
	return len(b), nil
}

func (h *deafHost) WriteBatch(ms []ipv6.Message, flags int) (int, error) {
	if flags != 0 {
		return -1, fmt.Errorf("flags %d", flags)
	}
	for i := range ms {
		if h.takes > 0 && i == h.takes {
			return i, nil
		}
		var cm *ipv6.ControlMessage
		if len(ms[i].OOB) > 0 {
			cm = new(ipv6.ControlMessage)
			if err := cm.Parse(ms[i].OOB); err != nil {
				return i, err
			}
			cm.Src, cm.Dst = cm.Dst, nil
		}
		ms[i].N, _ = h.WriteTo(slices.Concat(ms[i].Buffers...), cm, ms[i].Addr)
		ms[i].NN = len(ms[i].OOB)
	}
	return len(ms), nil
}

func (h *deafHost) LocalAddr() net.Addr { return &h.local }

func (h *deafHost) MulticastInterface() (*net.Interface, error) {
	if h.multicast == nil {
		return nil, errors.New("none")
	}
	return h.multicast, nil
}

// hasControl says whether golang.org/x/net has control messages on this system.
var hasControl = (&ipv6.ControlMessage{HopLimit: 1}).Marshal() != nil

func to(addr string) *net.IPAddr {
	a := netip.MustParseAddr(addr)
	return &net.IPAddr{IP: a.AsSlice(), Zone: a.Zone()}
}

// always returns a source for FillConfig, and what it was asked.
func always(src string) (func(netip.Addr) (netip.Addr, error), *[]string) {
	asked := new([]string)
	return func(dst netip.Addr) (netip.Addr, error) {
		*asked = append(*asked, dst.String())
		return netip.MustParseAddr(src), nil
	}, asked
}

// scapy's golden echo request from 2001:db8::1 to ::2 leaves a host that computes nothing, whatever
// its field held before, and the program's own bytes stay as they are.
func TestFillConnGolden(t *testing.T) {
	want := unhex(t, "80 00 aabd 1234 0001 68657874657421")
	for _, stale := range []uint16{0, 0xdead, 0xffff} {
		host := &deafHost{}
		source, _ := always("2001:db8::1")
		c := icmp6.FillConn(host, icmp6.FillConfig{Source: source})
		echo := bytes.Clone(want)
		binary.BigEndian.PutUint16(echo[2:], stale)
		before := bytes.Clone(echo)

		if n, err := c.WriteTo(echo, nil, to("2001:db8::2")); n != len(echo) || err != nil {
			t.Fatal(n, err)
		}
		ms := []ipv6.Message{
			{Buffers: [][]byte{echo[:3], nil, echo[3:]}, Addr: to("2001:db8::2")},
			{Buffers: [][]byte{echo}, Addr: to("2001:db8::2%eth0")},
		}
		if n, err := c.WriteBatch(ms, 0); n != 2 || err != nil || ms[0].N != len(echo) || ms[1].N != len(echo) {
			t.Fatal(n, err, ms)
		}
		for i, p := range host.sent {
			told := p.cm != nil && p.cm.Src.Equal(host1.AsSlice())
			if !bytes.Equal(p.payload, want) || !told && (i == 0 || hasControl) {
				t.Errorf("stale %#04x, packet %d: %x with %v\nwant %x with source %v", stale, i, p.payload, p.cm, want, host1)
			}
		}
		if len(host.sent) != 3 || !bytes.Equal(echo, before) {
			t.Errorf("%d packets sent; the program's bytes are %x, were %x", len(host.sent), echo, before)
		}
	}
}

// Where the source comes from, what is asked for it, and what the host is told.
func TestFillConnSource(t *testing.T) {
	ifi := &net.Interface{Index: 9, Name: "multi0"}
	src := func(s string) *ipv6.ControlMessage { return &ipv6.ControlMessage{Src: net.ParseIP(s)} }
	if !hasControl {
		t.Skip("SKIP(system): golang.org/x/net has no control messages here")
	}
	for _, tt := range []struct {
		name   string
		local  string
		multi  *net.Interface
		cm     *ipv6.ControlMessage
		dst    string
		answer string
		want   string // in the pseudo-header
		asked  string // "": nothing
		told   string // cm.Src for the host, "": none
	}{
		{"host", "::", nil, nil, "2001:db8::2", "2001:db8::5", "2001:db8::5", "2001:db8::2", "2001:db8::5"},
		{"control message", "2001:db8::7", nil, src("2001:db8::6"), "2001:db8::2", "::5", "2001:db8::6", "", "2001:db8::6"},
		{"bound", "2001:db8::7", nil, nil, "2001:db8::2", "::5", "2001:db8::7", "", ""},
		{"bound, unspecified control message", "2001:db8::7", nil, src("::"), "2001:db8::2", "::5", "2001:db8::7", "", "::"},
		{"bound to a group", "ff02::5", nil, nil, "2001:db8::2", "2001:db8::5", "2001:db8::5", "2001:db8::2", "2001:db8::5"},
		{"unspecified control message", "::", nil, src("::"), "2001:db8::2", "2001:db8::5", "2001:db8::5", "2001:db8::2", "2001:db8::5"},
		{"interface of the control message", "::", nil, &ipv6.ControlMessage{IfIndex: 3}, "2001:db8::2", "fe80::5", "fe80::5", "2001:db8::2%3", "fe80::5"},
		{"interface of the socket", "::%eth7", nil, nil, "2001:db8::2", "fe80::5", "fe80::5", "2001:db8::2%eth7", "fe80::5"},
		{"interface of the destination", "::%eth7", nil, nil, "fe80::2%eth1", "fe80::5%eth1", "fe80::5", "fe80::2%eth1", "fe80::5"},
		{"multicast interface", "::", ifi, nil, "ff0e::1", "2001:db8::5", "2001:db8::5", "ff0e::1%9", "2001:db8::5"},
		{"no multicast interface", "::", nil, nil, "ff0e::1", "2001:db8::5", "2001:db8::5", "ff0e::1", "2001:db8::5"},
		{"multicast interface, unicast", "::", ifi, nil, "2001:db8::2", "2001:db8::5", "2001:db8::5", "2001:db8::2", "2001:db8::5"},
		{"link-local on an unknown interface", "::", nil, nil, "2001:db8::2", "fe80::5", "fe80::5", "2001:db8::2", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			host := &deafHost{local: *to(tt.local), multicast: tt.multi}
			source, asked := always(tt.answer)
			c := icmp6.FillConn(host, icmp6.FillConfig{Source: source})
			msg := []byte{128, 0, 0, 0, 0, 1, 0, 2, 3}
			if _, err := c.WriteTo(msg, tt.cm, to(tt.dst)); err != nil {
				t.Fatal(err)
			}
			if _, err := c.WriteBatch([]ipv6.Message{{Buffers: [][]byte{msg}, OOB: tt.cm.Marshal(), Addr: to(tt.dst)}}, 0); err != nil {
				t.Fatal(err)
			}
			var want []string
			if tt.asked != "" {
				want = []string{tt.asked, tt.asked}
			}
			if !slices.Equal(*asked, want) {
				t.Errorf("the host was asked about %q, want %q", *asked, want)
			}
			for i, p := range host.sent {
				if !icmp6.Valid(netip.MustParseAddr(tt.want), netip.MustParseAddr(tt.dst), p.payload) {
					t.Errorf("packet %d: %x is not from %s", i, p.payload, tt.want)
				}
				told, index := "", 0
				if p.cm != nil && len(p.cm.Src) > 0 {
					told, index = p.cm.Src.String(), p.cm.IfIndex
				}
				if told != tt.told || tt.cm != nil && index != tt.cm.IfIndex {
					t.Errorf("packet %d: control message %v, want source %q", i, p.cm, tt.told)
				}
			}
		})
	}
}

func TestFillConnRefuses(t *testing.T) {
	errSource := errors.New("no source")
	msg := []byte{128, 0, 0, 0}
	for _, tt := range []struct {
		name string
		msg  []byte
		cm   *ipv6.ControlMessage
		dst  net.Addr
		err  error
	}{
		{"too short", msg[:3], nil, to("2001:db8::2"), icmp6.ErrShort},
		{"empty", nil, nil, to("2001:db8::2"), icmp6.ErrShort},
		{"jumbo", make([]byte, 65536), nil, to("2001:db8::2"), icmp6.ErrJumbo},
		{"IPv4", msg, nil, to("192.0.2.1"), icmp6.ErrFamily},
		{"IPv4 in IPv6", msg, nil, to("::ffff:192.0.2.1"), icmp6.ErrFamily},
		{"no address in it", msg, nil, &net.IPAddr{}, icmp6.ErrFamily},
		{"no destination", msg, nil, nil, syscall.EINVAL},
		{"nil address", msg, nil, (*net.IPAddr)(nil), syscall.EINVAL},
		{"UDP address", msg, nil, &net.UDPAddr{IP: net.IPv6loopback}, syscall.EINVAL},
		{"unspecified", msg, nil, to("::"), syscall.EINVAL},
		{"IPv4 source", msg, &ipv6.ControlMessage{Src: net.IPv4(192, 0, 2, 1)}, to("2001:db8::2"), icmp6.ErrFamily},
		{"source of 5 bytes", msg, &ipv6.ControlMessage{Src: make(net.IP, 5)}, to("2001:db8::2"), icmp6.ErrFamily},
		{"no source", msg, nil, to("2001:db8::dead"), errSource},
		{"zero source", msg, nil, to("2001:db8::a0"), icmp6.ErrFamily},
		{"mapped source", msg, nil, to("2001:db8::a1"), icmp6.ErrFamily},
		{"unspecified source", msg, nil, to("2001:db8::a2"), syscall.EINVAL},
	} {
		t.Run(tt.name, func(t *testing.T) {
			host := &deafHost{}
			c := icmp6.FillConn(host, icmp6.FillConfig{Source: func(dst netip.Addr) (netip.Addr, error) {
				switch dst.String() {
				case "2001:db8::dead":
					return netip.Addr{}, errSource
				case "2001:db8::a0":
					return netip.Addr{}, nil
				case "2001:db8::a1":
					return netip.MustParseAddr("::ffff:192.0.2.1"), nil
				case "2001:db8::a2":
					return netip.IPv6Unspecified(), nil
				}
				return host1, nil
			}})
			n, err := c.WriteTo(tt.msg, tt.cm, tt.dst)
			var op *net.OpError
			if n != 0 || !errors.Is(err, tt.err) || !errors.As(err, &op) || len(host.sent) != 0 {
				t.Errorf("%d, %v, %d packets sent; want %v", n, err, len(host.sent), tt.err)
			}
			if tt.cm != nil {
				return // WriteBatch has it as bytes
			}
			// In a batch, what comes before it is sent.
			ok := ipv6.Message{Buffers: [][]byte{msg}, Addr: to("2001:db8::2")}
			n, err = c.WriteBatch([]ipv6.Message{ok, ok, {Buffers: [][]byte{tt.msg}, Addr: tt.dst}, ok}, 0)
			if n != 2 || !errors.Is(err, tt.err) || len(host.sent) != 2 {
				t.Errorf("batch: %d, %v, %d packets sent; want 2, %v", n, err, len(host.sent), tt.err)
			}
		})
	}
}

// The option's life, on a Conn whose own is not touched (deafHost has none).
func TestFillConnOption(t *testing.T) {
	host := &deafHost{local: *to("2001:db8::1")}
	c := icmp6.FillConn(host, icmp6.FillConfig{Protocol: 253})
	stale := []byte{1, 2, 3, 4, 5, 6, 7, 8, 9}
	sends := func(offset int) {
		t.Helper()
		if on, o, err := c.Checksum(); on != (offset >= 0) || o != max(offset, 0) || err != nil {
			t.Errorf("Checksum() = %t, %d, %v, want offset %d", on, o, err, offset)
		}
		want := bytes.Clone(stale)
		if offset >= 0 {
			binary.BigEndian.PutUint16(want[offset:], slowChecksum(host1, host2, 253, stale, offset))
		}
		host.sent = nil
		if _, err := c.WriteTo(stale, nil, to("2001:db8::2")); err != nil {
			t.Fatal(err)
		}
		if _, err := c.WriteBatch([]ipv6.Message{{Buffers: [][]byte{stale}, Addr: to("2001:db8::2")}}, 0); err != nil {
			t.Fatal(err)
		}
		for _, p := range host.sent {
			if !bytes.Equal(p.payload, want) {
				t.Errorf("offset %d: sent %x, want %x", offset, p.payload, want)
			}
		}
	}
	sends(-1)
	set := func(on bool, offset int, want error) {
		t.Helper()
		if err := c.SetChecksum(on, offset); !errors.Is(err, want) {
			t.Errorf("SetChecksum(%t, %d): %v, want %v", on, offset, err, want)
		}
	}
	set(true, 4, nil)
	sends(4)
	set(true, 3, icmp6.ErrOddOffset)
	set(true, 65534, icmp6.ErrLargeOffset)
	set(true, -1, syscall.EINVAL)
	sends(4)
	set(true, 0, nil)
	sends(0)
	set(false, 6, nil)
	sends(-1)

	c = icmp6.FillConn(host, icmp6.FillConfig{})
	set(true, 2, nil)
	set(true, 4, icmp6.ErrMandatory)
	set(false, 0, icmp6.ErrMandatory)
	if on, o, err := c.Checksum(); !on || o != 2 || err != nil {
		t.Error(on, o, err)
	}
}
