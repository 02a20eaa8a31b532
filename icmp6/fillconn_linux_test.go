package icmp6_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/net/ipv6"

	"github.com/hextet/hextet/icmp6"
	"github.com/hextet/hextet/internal/peertest"
)

// A wire is what comes in at an interface, as IPv6 packets.
type wire struct {
	t  *testing.T
	fd int
}

func wireAt(t *testing.T, name string) wire {
	t.Helper()
	proto := binary.NativeEndian.Uint16([]byte{0x86, 0xdd}) // ETH_P_IPV6, in network byte order
	fd, err := syscall.Socket(syscall.AF_PACKET, syscall.SOCK_DGRAM, int(proto))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrLinklayer{Protocol: proto, Ifindex: index(t, name)}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &syscall.Timeval{Sec: 20}); err != nil {
		t.Fatal(err)
	}
	return wire{t, fd}
}

// next returns the next packet of the protocol: its addresses and its payload.
func (w wire) next(proto uint8) (src, dst netip.Addr, payload []byte) {
	w.t.Helper()
	for {
		p := make([]byte, 2000)
		n, _, err := syscall.Recvfrom(w.fd, p, 0)
		if err != nil {
			w.t.Fatal(err)
		}
		if n > 40 && p[6] == proto {
			return netip.AddrFrom16([16]byte(p[8:])), netip.AddrFrom16([16]byte(p[24:])), p[40:n]
		}
	}
}

// The kernel chooses a source for packets of its own, and HostSource must know which.
func TestHostSourceIsTheKernels(t *testing.T) {
	kernel(t)
	peertest.Run(t, "ip -6 route add 2001:db8:5::/48 via fe80::2 dev v0 src 2001:db8::5")
	w := wireAt(t, "v1")
	c := host(t, icmp6.HostConfig{Protocol: 253})
	for _, dst := range []string{"2001:db8::2", "2001:db8:5::1", "fe80::2%v0", "ff02::77%v0", "fe80::2%" + strconv.Itoa(index(t, "v0"))} {
		send(t, c, []byte("who am I?"), dst)
		want, _, _ := w.next(253)
		if got, err := icmp6.HostSource(netip.MustParseAddr(dst)); got != want || err != nil {
			t.Errorf("to %s: %v, %v, but the kernel chose %v", dst, got, err, want)
		}
	}
	// An interface changes the answer, for any address.
	for dst, want := range map[string]string{"ff0e::77%v0": "2001:db8::", "ff0e::77%v1": "2001:db8:1::"} {
		if got, err := icmp6.HostSource(netip.MustParseAddr(dst)); err != nil || !netip.PrefixFrom(netip.MustParseAddr(want), 64).Contains(got) {
			t.Errorf("to %s: %v, %v, want one of %s/64", dst, got, err, want)
		}
	}
	for dst, want := range map[string]error{"2001:dead::1": syscall.ENETUNREACH, "192.0.2.1": icmp6.ErrFamily, "fe80::2": syscall.EINVAL} {
		if got, err := icmp6.HostSource(netip.MustParseAddr(dst)); !errors.Is(err, want) {
			t.Errorf("to %s: %v, %v, want %v", dst, got, err, want)
		}
	}
}

// A raw socket of protocol 253, IPV6_CHECKSUM off, is the host that leaves the field alone. A second
// socket, with the option on, lets the kernel judge what FillConn sends.
func TestFillConnOverTheKernel(t *testing.T) {
	kernel(t)
	deaf, judge := host(t, icmp6.HostConfig{Protocol: 253}), host(t, icmp6.HostConfig{Protocol: 253})
	c := icmp6.FillConn(deaf, icmp6.FillConfig{Protocol: 253})
	for _, conn := range []icmp6.Conn{c, judge} {
		if err := conn.SetChecksum(true, 2); err != nil {
			t.Fatal(err)
		}
	}
	if on, _, err := deaf.Checksum(); on || err != nil {
		t.Fatal("the host computes it", err)
	}
	for n, dst := range []string{"::1", "2001:db8::1", "2001:db8::5", "2001:db8:1::1", "fe80::1%v0"} {
		msg := append([]byte{1, 2, 0xde, 0xad}, make([]byte, n)...)
		send(t, deaf, msg, dst) // as it is: nobody is to see this
		send(t, c, msg, dst)
		ms := slices.Repeat([]ipv6.Message{{Buffers: [][]byte{msg[:3], msg[3:]}, Addr: to(dst)}}, 40)
		if sent, err := c.WriteBatch(ms, 0); sent != len(ms) || err != nil {
			t.Fatal(sent, err)
		}
		for range 1 + len(ms) {
			got, src := receive(t, judge)
			want := bytes.Clone(msg)
			binary.BigEndian.PutUint16(want[2:], slowChecksum(src, netip.MustParseAddr(dst), 253, msg, 2))
			if !bytes.Equal(got, want) {
				t.Errorf("to %s: %x from %v, want %x", dst, got, src, want)
			}
		}
	}
}

// On the wire the source is the one that the checksum is for, whoever named it.
func TestFillConnOnTheWire(t *testing.T) {
	kernel(t)
	w := wireAt(t, "v1")
	v0 := &net.Interface{Index: index(t, "v0")}
	deaf := host(t, icmp6.HostConfig{Protocol: 253})
	if err := deaf.SetMulticastInterface(v0); err != nil {
		t.Fatal(err)
	}
	bound := host(t, icmp6.HostConfig{Protocol: 253, Local: netip.MustParseAddr("2001:db8::5")})
	restricted := host(t, icmp6.HostConfig{Protocol: 253, Interface: "v0"})
	src := func(s string) *ipv6.ControlMessage { return &ipv6.ControlMessage{Src: net.ParseIP(s)} }
	for _, tt := range []struct {
		name string
		conn icmp6.Conn
		cm   *ipv6.ControlMessage
		dst  string
		want string // a prefix that has the source
	}{
		{"chosen", deaf, nil, "2001:db8::2", "2001:db8::/64"},
		{"named, one", deaf, src("2001:db8::1"), "2001:db8::2", "2001:db8::1/128"},
		{"named, the other", deaf, src("2001:db8::5"), "2001:db8::2", "2001:db8::5/128"},
		{"named, of another interface", deaf, src("2001:db8:1::1"), "2001:db8::2", "2001:db8:1::1/128"},
		{"bound", bound, nil, "2001:db8::2", "2001:db8::5/128"},
		{"link-local", deaf, nil, "fe80::2%v0", "fe80::1/128"},
		{"group", deaf, nil, "ff02::77%v0", "fe80::1/128"},
		{"global group by the option", deaf, nil, "ff0e::77", "2001:db8::/64"},
		{"global group by the restriction", restricted, nil, "ff0e::77", "2001:db8::/64"},
		{"by the control message", deaf, &ipv6.ControlMessage{IfIndex: v0.Index, HopLimit: 9}, "ff0e::77", "2001:db8::/64"},
	} {
		t.Log(tt.name)
		c := icmp6.FillConn(tt.conn, icmp6.FillConfig{Protocol: 253})
		if err := c.SetChecksum(true, 4); err != nil {
			t.Fatal(err)
		}
		msg := []byte("0123..6789a")
		if _, err := c.WriteTo(msg, tt.cm, to(tt.dst)); err != nil {
			t.Fatal(err)
		}
		ms := []ipv6.Message{{Buffers: [][]byte{msg}, OOB: tt.cm.Marshal(), Addr: to(tt.dst)}}
		if _, err := c.WriteBatch(ms, 0); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			src, dst, payload := w.next(253)
			if !netip.MustParsePrefix(tt.want).Contains(src) || dst != netip.MustParseAddr(tt.dst).WithZone("") {
				t.Errorf("%v > %v, want %s > %s", src, dst, tt.want, tt.dst)
			}
			if err := icmp6.Offset(4).Verify(src, dst, 253, payload); err != nil || string(payload[:4]) != "0123" {
				t.Errorf("%v > %v: %x: %v", src, dst, payload, err)
			}
		}
	}
	// A source that is not there (any more) sends nothing.
	c := icmp6.FillConn(deaf, icmp6.FillConfig{Protocol: 253, Source: func(netip.Addr) (netip.Addr, error) {
		return netip.MustParseAddr("2001:db8::77"), nil
	}})
	if err := c.SetChecksum(true, 4); err != nil {
		t.Fatal(err)
	}
	var errno syscall.Errno
	if _, err := c.WriteTo([]byte("0123..6789a"), nil, to("2001:db8::2")); !errors.As(err, &errno) {
		t.Errorf("sent from an address that is none of the host's: %v", err)
	}
	// All else is the host's own.
	if err := c.SetReadDeadline(aLongTimeAgo); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := c.ReadFrom(make([]byte, 9)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
}

// A control message that brings a Routing header is refused: its last segment would be the destination.
func TestFillConnBatchRoutingHeader(t *testing.T) {
	oob := (&ipv6.ControlMessage{HopLimit: 7}).Marshal()
	binary.NativeEndian.PutUint32(oob[syscall.SizeofCmsghdr-4:], 57) // IPV6_RTHDR of linux/in6.h
	h := &deafHost{local: *to("2001:db8::1")}
	ms := []ipv6.Message{{Buffers: [][]byte{{128, 0, 0, 0}}, OOB: oob, Addr: to("2001:db8::2")}}
	n, err := icmp6.FillConn(h, icmp6.FillConfig{}).WriteBatch(ms, 0)
	if n != 0 || !errors.Is(err, errors.ErrUnsupported) || len(h.sent) != 0 {
		t.Errorf("%d, %v", n, err)
	}
}

// The kernel, told to send along a route, sends to the first segment and computes the checksum for the
// last: FinalDestination finds that one in the packet.
func TestFinalDestinationIsTheKernels(t *testing.T) {
	kernel(t)
	w := wireAt(t, "v1")
	peertest.Run(t, "ip -6 route add 2001:db8:5::/48 via fe80::2 dev v0")
	c := host(t, icmp6.HostConfig{})
	// The kernel puts the destination of the packet into Segment List[0].
	srh := slices.Concat([]byte{0, 4, 4, 1, 1, 0, 0, 0}, make([]byte, 16), host2.AsSlice())
	raw, err := c.PacketConn().(*net.IPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	const rthdr = 57 // IPV6_RTHDR of linux/in6.h
	if err := raw.Control(func(fd uintptr) {
		err = syscall.SetsockoptString(int(fd), syscall.IPPROTO_IPV6, rthdr, string(srh))
	}); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		peertest.Netns.Missing(t, "segment routing", err)
	}
	msg := []byte{128, 0, 0xde, 0xad, 0, 1, 0, 2, 3}
	send(t, c, msg, "2001:db8:5::77")
	src, dst, payload := w.next(43)
	final, err := icmp6.FinalDestination(dst, 43, payload)
	if dst != host2 || final.String() != "2001:db8:5::77" || err != nil {
		t.Errorf("to %v, finally %v, %v", dst, final, err)
	}
	if n := len(payload) - len(msg); n != len(srh) || !icmp6.Valid(src, final, payload[n:]) {
		t.Errorf("%x", payload)
	}
}

// What the question to the host costs, beside a send without it.
func BenchmarkFillConn(b *testing.B) {
	open := func(b *testing.B, local string) icmp6.Conn {
		c, err := icmp6.ListenHost(icmp6.HostConfig{Protocol: 253, Local: netip.MustParseAddr(local)})
		if err != nil {
			peertest.Netns.Missing(b, "raw socket", err)
		}
		b.Cleanup(func() { c.Close() })
		f := icmp6.FillConn(c, icmp6.FillConfig{Protocol: 253})
		if err := f.SetChecksum(true, 2); err != nil {
			b.Fatal(err)
		}
		return f
	}
	for _, bb := range []struct{ name, local string }{{"bound", "::1"}, {"asking", "::"}} {
		b.Run(bb.name, func(b *testing.B) {
			c, msg, dst := open(b, bb.local), make([]byte, 64), to("::1")
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.WriteTo(msg, nil, dst); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
