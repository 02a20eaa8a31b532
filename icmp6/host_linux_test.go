package icmp6_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/ipv6"

	"github.com/hextet/hextet/icmp6"
	"github.com/hextet/hextet/internal/peertest"
)

var aLongTimeAgo = time.Unix(1, 0)

// kernel moves the test into a fresh network namespace. Its interface v0 has 2001:db8::1, ::5 and
// fe80::1; what leaves by it comes in at v1, which has 2001:db8:1::1.
func kernel(t *testing.T) {
	t.Helper()
	t.Cleanup(func() { goleak.VerifyNone(t) })
	peertest.EnterNetns(t, "sysctl")
	for _, cmd := range []string{
		"ip link add v0 type veth peer name v1",
		"sysctl -qw net.ipv6.conf.v0.addr_gen_mode=1 net.ipv6.conf.v1.addr_gen_mode=1",
		"ip link set v1 address 02:00:00:00:00:01 up",
		"ip link set v0 up",
		"ip -6 addr add 2001:db8::1/64 dev v0 nodad",
		"ip -6 addr add 2001:db8::5/64 dev v0 nodad",
		"ip -6 addr add fe80::1/64 dev v0 nodad",
		"ip -6 addr add 2001:db8:1::1/64 dev v1 nodad",
		"ip -6 neigh add 2001:db8::2 lladdr 02:00:00:00:00:01 dev v0",
		"ip -6 neigh add fe80::2 lladdr 02:00:00:00:00:01 dev v0",
	} {
		peertest.Run(t, cmd)
	}
	// The kernel makes the local route of a nodad address a moment later.
	limit := time.Now().Add(20 * time.Second)
	for _, addr := range []string{"2001:db8::1", "2001:db8::5", "fe80::1", "2001:db8:1::1"} {
		for !strings.Contains(peertest.Run(t, "ip -6 route show table local"), "local "+addr+" ") {
			if time.Now().After(limit) {
				t.Fatal(addr, "has no local route")
			}
		}
	}
}

// host opens a raw socket whose reads end.
func host(t *testing.T, cfg icmp6.HostConfig) *icmp6.HostConn {
	t.Helper()
	c, err := icmp6.ListenHost(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

// receive reads one packet and returns its payload and source.
func receive(t *testing.T, c icmp6.Conn) ([]byte, netip.Addr) {
	t.Helper()
	b := make([]byte, 2000)
	n, _, from, err := c.ReadFrom(b)
	if err != nil {
		t.Fatal(err)
	}
	src, _ := netip.AddrFromSlice(from.(*net.IPAddr).IP)
	return b[:n], src
}

func send(t *testing.T, c icmp6.Conn, msg []byte, dst string) {
	t.Helper()
	if n, err := c.WriteTo(msg, nil, to(dst)); n != len(msg) || err != nil {
		t.Fatalf("to %s: %d, %v", dst, n, err)
	}
}

// A program written for Conn pings the kernel, with nothing and with rubbish in icmp6_cksum.
func TestHostEcho(t *testing.T) {
	kernel(t)
	lo := netip.IPv6Loopback()
	c := host(t, icmp6.HostConfig{})
	both := host(t, icmp6.HostConfig{Protocol: icmp6.Protocol, Local: lo})
	var f icmp6.Filter
	f.BlockAll()
	f.Accept(ipv6.ICMPTypeEchoReply)
	if err := c.SetFilter(f); err != nil {
		t.Fatal(err)
	}
	for _, stale := range []uint16{0, 0xdead} {
		msg := []byte{128, 0, byte(stale >> 8), byte(stale), 0x12, 0x34, 0, 1, 'h', 'i', '!'}
		send(t, c, msg, "::1")
		for i, conn := range []icmp6.Conn{both, both, c} { // the request too only where nothing is filtered
			got, src := receive(t, conn)
			if want := byte(min(128+i, 129)); got[0] != want || src != lo || !icmp6.Valid(lo, lo, got) || string(got[8:]) != "hi!" {
				t.Errorf("stale %#04x: %x from %v, want type %d", stale, got, src, want)
			}
		}
	}
	// SetICMPFilter(nil) passes all again.
	if err := c.SetICMPFilter(nil); err != nil {
		t.Fatal(err)
	}
	send(t, c, []byte{200, 0, 0, 0}, "::1")
	if got, _ := receive(t, c); got[0] != 200 {
		t.Errorf("%x", got)
	}
}

// The kernel itself would let a program switch ICMPv6's checksum off.
func TestHostChecksumIsMandatory(t *testing.T) {
	kernel(t)
	c := host(t, icmp6.HostConfig{})
	for _, err := range []error{c.SetChecksum(false, 0), c.SetChecksum(true, 4), c.SetChecksum(true, 3)} {
		if !errors.Is(err, icmp6.ErrMandatory) {
			t.Error(err)
		}
	}
	if err := c.SetChecksum(true, 2); err != nil {
		t.Error(err)
	}
	if on, offset, err := c.Checksum(); !on || offset != 2 || err != nil {
		t.Error(on, offset, err)
	}
	send(t, c, []byte{200, 0, 0, 0}, "::1")
	if got, _ := receive(t, c); !icmp6.Valid(netip.IPv6Loopback(), netip.IPv6Loopback(), got) {
		t.Errorf("%x", got)
	}
}

// IPV6_CHECKSUM on another protocol, from default to off again.
func TestHostChecksumOption(t *testing.T) {
	kernel(t)
	lo := netip.IPv6Loopback()
	sender, receiver := host(t, icmp6.HostConfig{Protocol: 253}), host(t, icmp6.HostConfig{Protocol: 253, Local: lo})
	stale := []byte{1, 2, 3, 4, 0xde, 0xad, 7}
	sends := func(offset int) {
		t.Helper()
		if on, o, err := sender.Checksum(); on != (offset >= 0) || o != max(offset, 0) || err != nil {
			t.Errorf("Checksum() = %t, %d, %v, want offset %d", on, o, err, offset)
		}
		want := bytes.Clone(stale)
		if offset >= 0 {
			binary.BigEndian.PutUint16(want[offset:], slowChecksum(lo, lo, 253, stale, offset))
		}
		send(t, sender, stale, "::1")
		if got, _ := receive(t, receiver); !bytes.Equal(got, want) {
			t.Errorf("offset %d: %x, want %x", offset, got, want)
		}
	}
	set := func(c icmp6.Conn, on bool, offset int, want error) {
		t.Helper()
		if err := c.SetChecksum(on, offset); !errors.Is(err, want) {
			t.Errorf("SetChecksum(%t, %d): %v, want %v", on, offset, err, want)
		}
	}
	sends(-1)
	set(sender, true, 4, nil)
	sends(4)
	set(sender, true, 3, icmp6.ErrOddOffset)
	set(sender, true, 70000, icmp6.ErrLargeOffset)
	set(sender, true, -2, syscall.EINVAL)
	sends(4)
	set(receiver, true, 4, nil) // the kernel verifies, too
	sends(4)
	set(sender, false, 0, nil)
	send(t, sender, stale, "::1") // dropped
	set(sender, true, 4, nil)
	sends(4)
	set(receiver, false, 0, nil)
	set(sender, false, 0, nil)
	sends(-1)

	// Linux would have one at offset 4 for Mobile IPv6.
	if on, _, err := host(t, icmp6.HostConfig{Protocol: 135}).Checksum(); on || err != nil {
		t.Errorf("protocol 135: %t, %v", on, err)
	}
}

func TestHostRestricted(t *testing.T) {
	kernel(t)
	all := host(t, icmp6.HostConfig{Protocol: 253})
	lo := host(t, icmp6.HostConfig{Protocol: 253, Interface: "lo"})
	v1 := host(t, icmp6.HostConfig{Protocol: 253, Local: netip.MustParseAddr("::%v1")})
	link := host(t, icmp6.HostConfig{Protocol: 253, Local: netip.MustParseAddr("fe80::1%v0"), Interface: "v0"})
	if err := v1.JoinGroup(&net.Interface{Index: index(t, "v1")}, to("ff02::fd")); err != nil {
		t.Fatal(err)
	}
	for conn, want := range map[*icmp6.HostConn]string{all: "::", lo: "::%lo", v1: "::%v1", link: "fe80::1%v0"} {
		if got := conn.LocalAddr().String(); got != want {
			t.Errorf("LocalAddr() = %s, want %s", got, want)
		}
	}
	send(t, link, []byte("by v0"), "ff02::fd%v0")
	send(t, all, []byte("by lo"), "::1")
	if got, src := receive(t, v1); string(got) != "by v0" || src.String() != "fe80::1" {
		t.Errorf("%q from %v", got, src)
	}
	if got, _ := receive(t, lo); string(got) != "by lo" {
		t.Errorf("%q", got)
	}
	// The one that is not restricted saw both; nobody else has anything left.
	for range 2 {
		receive(t, all)
	}
	for _, c := range []*icmp6.HostConn{all, lo, v1, link} {
		if err := c.SetReadDeadline(aLongTimeAgo); err != nil {
			t.Fatal(err)
		}
		if n, _, _, err := c.ReadFrom(make([]byte, 99)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%v has %d bytes, %v", c.LocalAddr(), n, err)
		}
	}
}

// Not even what comes while the socket is being opened is for another address.
func TestHostRestrictedFromTheBeginning(t *testing.T) {
	kernel(t)
	sender := host(t, icmp6.HostConfig{Protocol: 253})
	stop, flood := make(chan struct{}), sync.WaitGroup{}
	for _, dst := range []string{"2001:db8::1", "2001:db8::5"} { // without end, since some get lost
		flood.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					if _, err := sender.WriteTo([]byte(dst), nil, to(dst)); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	defer flood.Wait()
	defer close(stop)
	for i := range 1000 {
		c := host(t, icmp6.HostConfig{Protocol: 253, Local: netip.MustParseAddr("2001:db8::5")})
		if got, _ := receive(t, c); string(got) != "2001:db8::5" {
			t.Fatalf("socket %d: a packet for %s", i, got)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func index(t *testing.T, name string) int {
	t.Helper()
	ifi, err := net.InterfaceByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return ifi.Index
}

func TestHostRefuses(t *testing.T) {
	kernel(t)
	for _, tt := range []struct {
		cfg  icmp6.HostConfig
		err  error
		text string
	}{
		{icmp6.HostConfig{Protocol: 255}, syscall.EINVAL, "protocol 255: its packets would need"},
		{icmp6.HostConfig{Local: netip.MustParseAddr("192.0.2.1")}, syscall.EAFNOSUPPORT, "192.0.2.1 is not IPv6"},
		{icmp6.HostConfig{Local: netip.MustParseAddr("::ffff:192.0.2.1")}, syscall.EAFNOSUPPORT, "is not IPv6"},
		{icmp6.HostConfig{Local: netip.MustParseAddr("fe80::1")}, syscall.EINVAL, "fe80::1 without a zone"},
		{icmp6.HostConfig{Local: netip.MustParseAddr("fe80::1%v0"), Interface: "v1"}, syscall.EINVAL, "not of interface v1"},
		{icmp6.HostConfig{Local: netip.MustParseAddr("2001:db8::77")}, syscall.EADDRNOTAVAIL, "2001:db8::77"},
		{icmp6.HostConfig{Interface: "nosuch0"}, nil, "interface nosuch0"},
	} {
		c, err := icmp6.ListenHost(tt.cfg)
		if err == nil {
			c.Close()
			t.Errorf("%+v: no error", tt.cfg)
			continue
		}
		if tt.err != nil && !errors.Is(err, tt.err) || !strings.HasPrefix(err.Error(), "icmp6: ") || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("%+v: %v, want %v and %q", tt.cfg, err, tt.err, tt.text)
		}
	}
}

// Reads that wait end with Close, and everything later knows why.
func TestHostClose(t *testing.T) {
	kernel(t)
	c := host(t, icmp6.HostConfig{})
	if err := c.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() {
		_, _, _, err := c.ReadFrom(make([]byte, 99))
		ended <- err
	}()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("read: %v", err)
	}
	fill := icmp6.FillConn(c, icmp6.FillConfig{})
	for _, conn := range []icmp6.Conn{c, fill} {
		_, err := conn.WriteTo([]byte{128, 0, 0, 0}, nil, to("::1"))
		_, err2 := conn.WriteBatch([]ipv6.Message{{Buffers: [][]byte{{128, 0, 0, 0}}, Addr: to("::1")}}, 0)
		if !errors.Is(err, net.ErrClosed) || !errors.Is(err2, net.ErrClosed) {
			t.Errorf("%T: %v, %v", conn, err, err2)
		}
	}
}

// Without privileges the error says what is missing.
func TestHostPermission(t *testing.T) {
	if os.Getuid() == 0 {
		kernel(t) // and with it a thread that ends with the test
		const nobody = 65534
		if _, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, nobody, nobody, nobody); errno != 0 {
			t.Fatal(errno)
		}
	}
	c, err := icmp6.ListenHost(icmp6.HostConfig{})
	if err == nil {
		c.Close()
		t.Skip("SKIP(privilege): raw sockets need no privilege here")
	}
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "CAP_NET_RAW") {
		t.Error(err)
	}
}
