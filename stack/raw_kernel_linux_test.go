package stack_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"syscall"
	"testing"

	"github.com/hextet/hextet/internal/peertest"
	"github.com/hextet/hextet/stack"
	"golang.org/x/sys/unix"
)

// kernelRaw opens a raw socket of the kernel's.
func kernelRaw(t *testing.T, proto int, options ...int) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_RAW, proto)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	for _, o := range options {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, o, 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 20}); err != nil {
		t.Fatal(err)
	}
	return fd
}

// TestKernelExtensionHeaders: Linux finds the headers that WriteMsg sends where they belong, and ReadMsg
// those that Linux sends.
func TestKernelExtensionHeaders(t *testing.T) {
	s, _ := kernelPeer(t, "sysctl")
	const proto = 200
	fd := kernelRaw(t, proto, unix.IPV6_RECVHOPOPTS, unix.IPV6_RECVDSTOPTS, unix.IPV6_RECVHOPLIMIT, unix.IPV6_RECVTCLASS)
	c := listenRaw(t, s, proto, "")
	kernel := netip.MustParseAddr("2001:db8::1")
	for _, size := range []int{10, 3000} {
		msg := bytes.Repeat([]byte("x"), size)
		out := stack.ControlMessage{HopLimit: 7, TrafficClass: 0xb8, HopByHop: unhex(t, alertHeader), DestinationOptions: unhex(t, "ff001e0401020304")}
		if _, err := c.WriteMsg(msg, &out, kernel); err != nil {
			t.Fatal(err)
		}
		b, oob := make([]byte, 65536), make([]byte, 512)
		n, oobn, _, _, err := unix.Recvmsg(fd, b, oob, 0)
		if err != nil || !bytes.Equal(b[:n], msg) {
			t.Fatal(n, err)
		}
		got := map[int32][]byte{}
		cmsgs, err := unix.ParseSocketControlMessage(oob[:oobn])
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range cmsgs {
			got[m.Header.Type] = m.Data
		}
		if h := got[unix.IPV6_HOPOPTS]; len(h) != 8 || !bytes.Equal(h[1:], out.HopByHop[1:]) {
			t.Errorf("%d bytes: hop-by-hop options %x", size, h)
		}
		if h := got[unix.IPV6_DSTOPTS]; len(h) != 8 || h[0] != proto || !bytes.Equal(h[1:], out.DestinationOptions[1:]) {
			t.Errorf("%d bytes: destination options %x", size, h)
		}
		if got[unix.IPV6_HOPLIMIT][0] != 7 || got[unix.IPV6_TCLASS][0] != 0xb8 {
			t.Errorf("%d bytes: hop limit %x, traffic class %x", size, got[unix.IPV6_HOPLIMIT], got[unix.IPV6_TCLASS])
		}
	}
	for opt, h := range map[int]string{unix.IPV6_HOPOPTS: "00001e0405060708", unix.IPV6_DSTOPTS: "00001e0401020304"} {
		if err := unix.SetsockoptString(fd, unix.IPPROTO_IPV6, opt, string(unhex(t, h))); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Sendto(fd, []byte("from the kernel"), 0, &unix.SockaddrInet6{Addr: netip.MustParseAddr("2001:db8::2").As16()}); err != nil {
		t.Fatal(err)
	}
	var cm stack.ControlMessage
	b := make([]byte, 100)
	n, _, err := c.ReadMsg(b, &cm)
	if err != nil || string(b[:n]) != "from the kernel" || fmt.Sprintf("%x", cm.HopByHop) != "3c001e0405060708" || fmt.Sprintf("%x", cm.DestinationOptions) != "c8001e0401020304" {
		t.Errorf("%q, %v, %+v", b[:n], err, cm)
	}
}

// TestKernelSegmentRouting: Linux is the first segment and the last one, and finds the checksum right.
func TestKernelSegmentRouting(t *testing.T) {
	s, _ := kernelPeer(t, "sysctl")
	peertest.Run(t, "sysctl -qw net.ipv6.conf.all.seg6_enabled=1 net.ipv6.conf.tun0.seg6_enabled=1 net.ipv6.conf.all.forwarding=1")
	peertest.Run(t, "ip -6 addr add 2001:db8::7/64 dev tun0 nodad")
	eventually(t, func() bool {
		return strings.Contains(peertest.Run(t, "ip -6 route show table local"), "local 2001:db8::7 ")
	})
	c := listenRaw(t, s, 58, "")
	routing := unhex(t, "ff04040101000000 00000000000000000000000000000000 20010db8000000000000000000000001")
	for _, size := range []int{0, 3000} {
		msg := append(unhex(t, "80000000 12340001"), make([]byte, size)...)
		if _, err := c.WriteMsg(msg, &stack.ControlMessage{Routing: routing}, netip.MustParseAddr("2001:db8::7")); err != nil {
			t.Fatal(err)
		}
		for {
			got, from := mustRead(t, c)
			if got[0] == 129 && from == "2001:db8::7" && len(got) == len(msg) {
				break
			}
			if got[0] < 128 {
				t.Fatalf("from %s: %x", from, got)
			}
		}
	}
}

// TestKernelICMPErrors: what Linux says about packets that it can't use or pass on.
func TestKernelICMPErrors(t *testing.T) {
	s, _ := kernelPeer(t, "sysctl")
	for _, cmd := range []string{
		"ip link add v0 mtu 1300 type veth peer name v1",
		"ip link set v0 up", "ip link set v1 up",
		"ip -6 addr add 2001:db8:9::1/64 dev v0 nodad", "ip addr add 192.0.3.1/24 dev v0",
		"ip -6 neigh add 2001:db8:9::2 lladdr 02:00:00:00:00:99 dev v0", "ip neigh add 192.0.3.2 lladdr 02:00:00:00:00:99 dev v0",
		"sysctl -qw net.ipv6.conf.all.forwarding=1 net.ipv4.ip_forward=1 net.ipv6.icmp.ratelimit=0 net.ipv4.icmp_ratelimit=0",
	} {
		peertest.Run(t, cmd)
	}
	for _, r := range []stack.Route{
		{Destination: netip.MustParsePrefix("2001:db8:9::/64"), NextHop: netip.MustParseAddr("2001:db8::1")},
		{Destination: netip.MustParsePrefix("192.0.3.0/24"), NextHop: netip.MustParseAddr("192.0.2.1")},
	} {
		if err := s.AddRoute(r); err != nil {
			t.Fatal(err)
		}
	}
	check := func(what string, err, want error) {
		t.Helper()
		var e *stack.ICMPError
		if !errors.Is(err, want) || !errors.As(err, &e) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	read := func(c *stack.RawConn) error {
		_, _, _, err := c.ReadFrom(nil)
		return err
	}

	unknown := listenRaw(t, s, 201, "")
	mustConnect(t, unknown, "2001:db8::1")
	unknown.WriteTo([]byte("what is this?"), nil, nil)
	check("unknown protocol", read(unknown), syscall.EPROTO)

	far := listenRaw(t, s, 58, "")
	far.SetReceiveErrors(true)
	mustConnect(t, far, "2001:db8:9::2")
	big := append(unhex(t, "80000000 12340001"), make([]byte, 1400)...)
	far.WriteTo(big, nil, nil)
	check("packet too big", read(far), syscall.EMSGSIZE)
	if mtu, err := far.PathMTU(); mtu != 1300 || err != nil {
		t.Errorf("the path carries %d, %v", mtu, err)
	}
	if _, err := far.WriteMsg(big, &stack.ControlMessage{HopLimit: 1}, netip.Addr{}); err != nil {
		t.Error(err)
	}
	check("hop limit", read(far), syscall.EHOSTUNREACH)

	far4 := listenRaw4(t, s, 1, "0.0.0.0")
	far4.SetDontFragment(true)
	mustConnect(t, far4, "192.0.3.2")
	far4.WriteTo(unhex(t, "08007e7c 12340001 68657874657421"), nil, nil)
	far4.WriteTo(append(unhex(t, "0800e5ca 12340001"), make([]byte, 1400)...), nil, nil)
	_, _, _, err := far4.ReadFrom(nil)
	check("fragmentation needed", err, syscall.EMSGSIZE)
	if mtu, err := far4.PathMTU(); mtu != 1300 || err != nil {
		t.Errorf("the path carries %d, %v", mtu, err)
	}

	for _, f := range both {
		udp, err := s.DialContext(deadline(t), "udp", netip.AddrPortFrom(netip.MustParseAddr(f.kernel), 9).String())
		if err != nil {
			t.Fatal(err)
		}
		defer udp.Close()
		udp.Write([]byte("anybody?"))
		_, err = udp.Read([]byte{0})
		check("closed port", err, syscall.ECONNREFUSED)
	}
}
