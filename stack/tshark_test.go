package stack_test

import (
	"bytes"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/internal/peertest"
	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/capture"
)

// tshark returns how many packets of a file a display filter matches, all checksums being verified.
func tshark(t *testing.T, file, filter string) int {
	t.Helper()
	args := []string{"-n", "-r", file, "-Y", filter}
	for _, p := range []string{"ip", "tcp", "udp"} {
		args = append(args, "-o", p+".check_checksum:TRUE")
	}
	out, err := exec.CommandContext(t.Context(), "tshark", args...).Output()
	if err != nil {
		t.Fatalf("tshark %q: %v", filter, err)
	}
	return strings.Count(string(out), "\n")
}

// Another implementation verifies every checksum that two stacks put on a wire, and is seen to do so:
// the packets with a good sum are counted, and a bad one is planted and found.
func TestTsharkVerifiesEveryChecksum(t *testing.T) {
	peertest.Netns.Tools(t, "tshark")
	file := filepath.Join(t.TempDir(), "run.pcapng")
	w, err := capture.Create(file, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	la, lb := stack.Pipe(1500)
	a, b := newStack(t, stack.Config{}), newStack(t, stack.Config{})
	attach(t, a, "eth0", w.Tap("a", la), plain("2001:db8::1/64"), plain("192.0.2.1/24"))
	attach(t, b, "eth0", lb, plain("2001:db8::2/64"), plain("192.0.2.2/24"))
	for _, dst := range []string{"192.0.2.2", "2001:db8::2"} {
		exchange(t, a, b, dst)
		talkTCP(t, a, b, dst)
		echo(t, a, dst)
	}
	bad := []byte{ // an echo request without its checksum
		0x60, 0, 0, 0, 0, 8, 58, 64, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
		0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 128, 0, 0, 0, 0, 7, 0, 7,
	}
	if err := w.WritePacket(capture.Packet{Interface: "planted", Data: bad}); err != nil {
		t.Fatal(err)
	}
	a.Close()
	b.Close()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		filter string
		least  int
	}{{"ip", 20}, {"tcp", 20}, {"udp", 4}, {"icmpv6", 4}, {"icmp", 4}} {
		// A fragment has no transport checksum of its own, and an error's quotation is not a message.
		all := tshark(t, file, tt.filter+".checksum")
		good := tshark(t, file, tt.filter+".checksum.status == 1")
		planted := 0
		if tt.filter == "icmpv6" {
			planted = 1
		}
		if good < tt.least || good != all-planted {
			t.Errorf("%s: of %d packets with a checksum %d are verified good, want all but %d, and %d at least", tt.filter, all, good, planted, tt.least)
		}
	}
	if n := tshark(t, file, "ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0 || icmpv6.checksum.status == 0 || icmp.checksum.status == 0"); n != 1 {
		t.Errorf("%d bad packets found, want the planted one", n)
	}
	if n := tshark(t, file, "_ws.malformed"); n != 0 {
		t.Errorf("%d malformed packets", n)
	}
}

// talkTCP sends some segments of odd sizes over a connection and ends it.
func talkTCP(t *testing.T, a, b *stack.Stack, dst string) {
	t.Helper()
	ctx := deadline(t)
	l, err := b.Listen(ctx, "tcp", ":7")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := a.DialContext(ctx, "tcp", net.JoinHostPort(dst, "7"))
	if err != nil {
		t.Fatal(err)
	}
	peer, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	transfer(t, c, peer)
}

// echo pings with an odd and a fragmented message whose checksum is left 0.
func echo(t *testing.T, a *stack.Stack, dst string) {
	t.Helper()
	network, request, answer := "ip6:ipv6-icmp", byte(128), byte(129)
	if !strings.Contains(dst, ":") {
		network, request, answer = "ip4:icmp", 8, 0
	}
	pc, err := a.ListenPacket(deadline(t), network, "")
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	pc.SetDeadline(time.Now().Add(30 * time.Second))
	for _, size := range []int{33, 3000} {
		msg := append([]byte{request, 0, 0, 0, 0, 7, 0, byte(size)}, bytes.Repeat([]byte{0xa5}, size)...)
		if request == 8 { // IPv4 has no option for it: the checksum is the program's
			msg[2], msg[3] = ones(msg)
		}
		if _, err := pc.WriteTo(msg, &net.IPAddr{IP: net.ParseIP(dst)}); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 4000)
		for {
			n, _, err := pc.ReadFrom(buf)
			if err != nil {
				t.Fatalf("echo of %d bytes to %s: %v", size, dst, err)
			}
			if buf[0] == answer && bytes.Equal(buf[4:n], msg[4:]) {
				break
			}
		}
	}
}

// ones is the Internet checksum as RFC 1071 section 4.1 has it.
func ones(b []byte) (hi, lo byte) {
	sum := 0
	for i := 0; i < len(b); i++ {
		sum += int(b[i]) << (8 * (1 - i%2))
		sum = sum&0xffff + sum>>16
	}
	return byte(^sum >> 8), byte(^sum)
}
