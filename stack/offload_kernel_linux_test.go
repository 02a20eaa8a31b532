package stack_test

import (
	"io"
	"net"
	"testing"

	"github.com/hextet/hextet/internal/peertest"
	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/capture"
	"github.com/hextet/hextet/stack/tun"
)

// kernelBulk sends n bytes from the kernel to the stack, and as many back.
func kernelBulk(t *testing.T, s *stack.Stack, addr string, n int) {
	t.Helper()
	ctx := deadline(t)
	l, err := s.Listen(ctx, "tcp", ":7100")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	kernel, err := net.Dial("tcp", net.JoinHostPort(addr, "7100")) // from this thread: it is in the namespace
	if err != nil {
		t.Fatal(err)
	}
	defer kernel.Close()
	peer, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	limit, _ := ctx.Deadline()
	kernel.SetDeadline(limit)
	peer.SetDeadline(limit)
	if err := copyBody(kernel, peer, n); err != nil {
		t.Errorf("%s: kernel to stack: %v", addr, err)
	}
	if err := copyBody(peer, kernel, n); err != nil {
		t.Errorf("%s: stack to kernel: %v", addr, err)
	}
}

// 256 MB bodies cross a TUN device both ways, in segments that are cut on neither side, and arrive as
// they were sent.
func TestKernelBulk(t *testing.T) {
	s, i := kernelPeer(t, "sysctl")
	for _, tt := range []struct {
		addr string
		n    int
	}{{"2001:db8::2", 256_000_000}, {"192.0.2.2", 32_000_001}} {
		before := i.Counters()
		kernelBulk(t, s, tt.addr, tt.n)
		c := i.Counters()
		if least := uint64(tt.n / 1460); c.RxPackets-before.RxPackets < least || c.TxPackets-before.TxPackets < least || c.RxOffload+c.TxDropped+c.TxOversize != 0 {
			t.Errorf("%s: before %+v, after %+v", tt.addr, before, c)
		}
	}
}

// The same over Ethernet, and through a tap, whose file has the packets of the wire.
func TestKernelBulkTAP(t *testing.T) {
	peertest.EnterNetns(t, "sysctl")
	dev, err := tun.Open(tun.Config{Name: "tap0", TAP: true, MTU: 1500})
	if err != nil {
		t.Fatal(err)
	}
	for _, cmd := range []string{
		"sysctl -qw net.ipv6.conf.tap0.accept_dad=0 net.ipv6.conf.tap0.accept_ra=0 net.ipv6.conf.tap0.addr_gen_mode=1",
		"ip link set tap0 up",
		"ip addr add 192.0.2.1/24 dev tap0",
	} {
		peertest.Run(t, cmd)
	}
	largest, packets := 0, uint64(0)
	w, err := capture.NewWriter(io.Discard, capture.Options{Sink: func(p capture.Packet) {
		largest = max(largest, p.Length)
		packets++
	}})
	if err != nil {
		t.Fatal(err)
	}
	s := newStack(t, stack.Config{})
	i := attach(t, s, "tap0", w.Tap("tap0", dev), plain("192.0.2.2/24"))
	kernelBulk(t, s, "192.0.2.2", 16_000_001)
	s.Close()
	w.Close()
	if c := i.Counters(); largest != 1514 || packets != c.RxPackets+c.TxPackets+c.TxDropped || packets < 2*16_000_001/1460 || c.RxOffload != 0 {
		t.Errorf("%d packets of at most %d bytes were recorded, %+v", packets, largest, c)
	}
}

// Without offload the kernel is another judge: it sees, and verifies, each packet.
func TestKernelBulkWithoutOffload(t *testing.T) {
	peertest.EnterNetns(t)
	dev, err := tun.Open(tun.Config{Name: "tun0", MTU: 1500, NoOffload: true})
	if err != nil {
		t.Fatal(err)
	}
	peertest.Run(t, "ip link set tun0 up")
	peertest.Run(t, "ip addr add 192.0.2.1/24 dev tun0")
	s := newStack(t, stack.Config{})
	attach(t, s, "tun0", dev, plain("192.0.2.2/24"))
	kernelBulk(t, s, "192.0.2.2", 16_000_001)
}

// BenchmarkKernelTCP is a bulk transfer between the kernel and a stack, over a TUN device of MTU 1500.
func BenchmarkKernelTCP(b *testing.B) {
	for _, bb := range []struct {
		name       string
		no, toward bool
	}{
		{"kernel-to-stack", false, true}, {"stack-to-kernel", false, false},
		{"kernel-to-stack-no-offload", true, true}, {"stack-to-kernel-no-offload", true, false},
	} {
		b.Run(bb.name, func(b *testing.B) {
			peertest.EnterNetns(b)
			dev, err := tun.Open(tun.Config{MTU: 1500, NoOffload: bb.no})
			if err != nil {
				b.Fatal(err)
			}
			peertest.Run(b, "ip link set tun0 up")
			peertest.Run(b, "ip addr add 192.0.2.1/24 dev tun0")
			s := newStack(b, stack.Config{})
			attach(b, s, "tun0", dev, plain("192.0.2.2/24"))
			l, err := s.Listen(b.Context(), "tcp", ":7")
			if err != nil {
				b.Fatal(err)
			}
			kernel, err := net.Dial("tcp", "192.0.2.2:7")
			if err != nil {
				b.Fatal(err)
			}
			peer, err := l.Accept()
			if err != nil {
				b.Fatal(err)
			}
			if bb.toward {
				stream(b, kernel, peer)
			} else {
				stream(b, peer, kernel)
			}
		})
	}
}
