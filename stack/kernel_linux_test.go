package stack_test

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/icmp6"
	"github.com/hextet/hextet/internal/peertest"
	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/tun"
	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv6"
)

var _ stack.Link = (*tun.Device)(nil)

// kernelPeer returns a stack on a TUN device whose other end is the kernel of a fresh namespace: the
// kernel has .1, the stack .2, and .66 as an address to be skipped.
func kernelPeer(t *testing.T, tools ...string) (*stack.Stack, *stack.Interface) {
	t.Helper()
	peertest.EnterNetns(t, tools...)
	dev, err := tun.Open(tun.Config{Name: "tun0", MTU: 1500})
	if err != nil {
		t.Fatal(err)
	}
	for _, cmd := range []string{
		"sysctl -qw net.ipv6.conf.tun0.accept_dad=0 net.ipv6.conf.tun0.accept_ra=0 net.ipv6.conf.tun0.addr_gen_mode=1",
		"ip link set tun0 up",
		"ip -6 addr add 2001:db8::1/64 dev tun0 nodad",
		"ip addr add 192.0.2.1/24 dev tun0",
	} {
		peertest.Run(t, cmd)
	}
	// The kernel makes the local route of a nodad address a moment later, and drops what comes before.
	eventually(t, func() bool {
		return strings.Contains(peertest.Run(t, "ip -6 route show table local"), "local 2001:db8::1 ")
	})
	s := newStack(t, stack.Config{})
	i := attach(t, s, "tun0", dev,
		skip("2001:db8::66/64"), plain("2001:db8::2/64"), skip("192.0.2.66/24"), plain("192.0.2.2/24"))
	return s, i
}

func TestKernelPings(t *testing.T) {
	kernelPeer(t, "ping", "sysctl")
	for _, cmd := range []string{
		"ping -4 -c 3 -i 0.01 -W 5 192.0.2.2",
		"ping -6 -c 3 -i 0.01 -W 5 2001:db8::2",
		"ping -4 -c 3 -i 0.01 -W 5 -s 5000 192.0.2.2",
		"ping -6 -c 3 -i 0.01 -W 5 -s 5000 2001:db8::2",
		"ping -6 -c 3 -i 0.01 -W 5 -s 33 2001:db8::66", // skipped addresses answer
		"ping -4 -c 3 -i 0.01 -W 5 -s 33 192.0.2.66",
		"ping -6 -c 2000 -f -q -W 5 2001:db8::2",
	} {
		peertest.Run(t, cmd)
	}
}

func TestKernelPingsInVain(t *testing.T) {
	_, i := kernelPeer(t, "ping", "sysctl")
	i.SetEchoReply(stack.EchoReplyOff)
	for _, cmd := range [][]string{{"ping", "-4", "-c1", "-W1", "192.0.2.2"}, {"ping", "-6", "-c1", "-W1", "2001:db8::2"}} {
		if out, err := exec.Command(cmd[0], cmd[1:]...).CombinedOutput(); err == nil {
			t.Errorf("%v was answered:\n%s", cmd, out)
		}
	}
	i.SetEchoReply(stack.EchoReplyOn)
	peertest.Run(t, "ping -6 -c 1 -W 5 2001:db8::2")
}

// both are the two families' addresses: the kernel's and the stack's.
var both = []struct{ kernel, stack, skipped string }{
	{"192.0.2.1", "192.0.2.2", "192.0.2.66"},
	{"2001:db8::1", "2001:db8::2", "2001:db8::66"},
}

func TestKernelTCP(t *testing.T) {
	s, _ := kernelPeer(t, "sysctl")
	ctx := deadline(t)
	for _, f := range both {
		t.Logf("stack to kernel, %s", f.kernel)
		kl, err := net.Listen("tcp", net.JoinHostPort(f.kernel, "7001"))
		if err != nil {
			t.Fatal(err)
		}
		defer kl.Close()
		c, err := s.DialContext(ctx, "tcp", kl.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		peer, err := kl.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if got := peer.RemoteAddr().(*net.TCPAddr).IP.String(); got != f.stack {
			t.Errorf("the stack came from %s, want %s", got, f.stack)
		}
		transfer(t, c, peer)

		t.Logf("kernel to stack, %s", f.stack)
		for _, to := range []string{f.stack, f.skipped} {
			l, err := s.Listen(ctx, "tcp", net.JoinHostPort(to, "7002"))
			if err != nil {
				t.Fatal(err)
			}
			kc, err := net.DialTimeout("tcp", l.Addr().String(), 10*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			peer, err = l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			transfer(t, kc, peer)
			l.Close()
		}
	}
}

func TestKernelUDP(t *testing.T) {
	s, i := kernelPeer(t, "sysctl")
	ctx := deadline(t)
	limit, _ := ctx.Deadline()
	buf := make([]byte, 2000)
	for _, f := range both {
		kc, err := net.ListenPacket("udp", net.JoinHostPort(f.kernel, "7003"))
		if err != nil {
			t.Fatal(err)
		}
		defer kc.Close()
		pc, err := s.ListenPacket(ctx, "udp", ":7004")
		if err != nil {
			t.Fatal(err)
		}
		defer pc.Close()
		kc.SetDeadline(limit)
		pc.SetDeadline(limit)
		for _, size := range []int{0, 1, 1001, 1452} {
			payload := bytes.Repeat([]byte{byte(size)}, size)
			if _, err := pc.WriteTo(payload, kc.LocalAddr()); err != nil {
				t.Fatal(err)
			}
			n, from, err := kc.ReadFrom(buf)
			if err != nil || !bytes.Equal(buf[:n], payload) || from.(*net.UDPAddr).IP.String() != f.stack {
				t.Fatalf("the kernel got %d bytes from %v: %v", n, from, err)
			}
			if _, err := kc.WriteTo(payload, from); err != nil {
				t.Fatal(err)
			}
			if n, from, err = pc.ReadFrom(buf); err != nil || !bytes.Equal(buf[:n], payload) || from.(*net.UDPAddr).IP.String() != f.kernel {
				t.Fatalf("the stack got %d bytes from %v: %v", n, from, err)
			}
		}
		pc.Close()
		// With the one address flagged too, nothing is left to speak from.
		i.SetSkipAsSource(netip.MustParseAddr(f.stack), true)
		if c, err := s.DialContext(ctx, "udp", kc.LocalAddr().String()); err == nil {
			t.Errorf("sent from %v", c.LocalAddr())
		}
	}
}

// The kernel drops an ICMPv6 message whose checksum is wrong, so what its raw socket sees was right.
func TestKernelChecksRawICMPv6(t *testing.T) {
	s, _ := kernelPeer(t, "sysctl")
	kernel, err := net.ListenPacket("ip6:ipv6-icmp", "2001:db8::1")
	if err != nil {
		t.Fatal(err)
	}
	defer kernel.Close()
	var requests ipv6.ICMPFilter
	requests.SetAll(true)
	requests.Accept(ipv6.ICMPTypeEchoRequest)
	if err := ipv6.NewPacketConn(kernel).SetICMPFilter(&requests); err != nil {
		t.Fatal(err)
	}
	raw, err := s.ListenRaw(icmp6.Protocol, netip.Addr{})
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	limit := time.Now().Add(30 * time.Second)
	kernel.SetDeadline(limit)
	raw.SetDeadline(limit)
	buf := make([]byte, 6000)
	for _, size := range []int{0, 1, 8, 33, 1400, 4999} { // odd ones, and one in fragments
		for _, stale := range []uint16{0, 0xdead} {
			msg, err := (&icmp.Message{Type: ipv6.ICMPTypeEchoRequest, Body: &icmp.Echo{ID: 7, Seq: size, Data: make([]byte, size)}}).Marshal(nil)
			if err != nil {
				t.Fatal(err)
			}
			msg[2], msg[3] = byte(stale>>8), byte(stale)
			if _, err := raw.WriteTo(msg, nil, &net.IPAddr{IP: net.ParseIP("2001:db8::1")}); err != nil {
				t.Fatal(err)
			}
			n, from, err := kernel.ReadFrom(buf)
			if err != nil {
				t.Fatalf("%d bytes with %04x: the kernel did not take it: %v", size, stale, err)
			}
			if n != len(msg) || !bytes.Equal(buf[4:n], msg[4:]) || from.String() != "2001:db8::2" {
				t.Errorf("%d bytes with %04x: the kernel got %d from %v", size, stale, n, from)
			}
			reply := make([]byte, 6000)
			for {
				n, _, _, err := raw.ReadFrom(reply)
				if err != nil {
					t.Fatalf("%d bytes with %04x: no reply: %v", size, stale, err)
				}
				if reply[0] == 129 {
					if !bytes.Equal(reply[4:n], msg[4:]) {
						t.Errorf("%d bytes: the reply holds something else", size)
					}
					break
				}
			}
		}
	}
}

// The stack's raw socket sees the kernel's echo requests, whole.
func TestRawSeesKernelPing(t *testing.T) {
	s, _ := kernelPeer(t, "ping", "sysctl")
	raw, err := s.ListenRaw(icmp6.Protocol, netip.MustParseAddr("2001:db8::2"))
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	raw.SetReadDeadline(time.Now().Add(30 * time.Second))
	raw.SetControlMessage(ipv6.FlagHopLimit, true)
	buf := make([]byte, 6000)
	for _, size := range []int{56, 3000} {
		peertest.Run(t, fmt.Sprintf("ping -6 -c 1 -W 5 -p c5 -s %d 2001:db8::2", size))
		n, cm, src, err := raw.ReadFrom(buf)
		if err != nil {
			t.Fatal(err)
		}
		if n != size+8 || buf[0] != 128 || buf[n-1] != 0xc5 || src.String() != "2001:db8::1" || cm == nil || cm.HopLimit != 64 {
			t.Errorf("%d bytes of type %d from %v, %v", n, buf[0], src, cm)
		}
		if !icmp6.Valid(netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2"), buf[:n]) {
			t.Error("the checksum is not the one that came")
		}
	}
}
