package stack_test

import (
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/internal/peertest"
	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/tun"
)

// The kernel behind the router: it takes the router's errors for what they are, and learns the MTU of a
// link that it can't see.
func TestKernelBehindRouter(t *testing.T) {
	peertest.EnterNetns(t, "ping", "sysctl")
	dev, err := tun.Open(tun.Config{Name: "tun0", MTU: 1500})
	if err != nil {
		t.Fatal(err)
	}
	for _, cmd := range []string{
		"sysctl -qw net.ipv6.conf.tun0.accept_dad=0 net.ipv6.conf.tun0.accept_ra=0 net.ipv6.conf.tun0.addr_gen_mode=1",
		"ip link set tun0 up",
		"ip -6 addr add 2001:db8:a::1/64 dev tun0 nodad",
		"ip addr add 192.0.2.1/24 dev tun0",
		"ip -6 route add default via 2001:db8:a::fe dev tun0",
		"ip route add default via 192.0.2.254 dev tun0",
	} {
		peertest.Run(t, cmd)
	}
	eventually(t, func() bool {
		return strings.Contains(peertest.Run(t, "ip -6 route show table local"), "local 2001:db8:a::1 ")
	})
	r, b := newStack(t, stack.Config{}), newStack(t, stack.Config{})
	narrow, far := stack.Pipe(1300)
	forwarding(t, r, "a", dev, skip("2001:db8:a::fe/64"), plain("2001:db8:a::fd/64"), plain("192.0.2.254/24"))
	forwarding(t, r, "b", narrow, plain("2001:db8:b::fe/64"), plain("198.51.100.254/24"))
	attach(t, b, "eth0", far, plain("2001:db8:b::1/64"), plain("198.51.100.1/24"))
	gateway(t, b, "2001:db8:b::fe", "198.51.100.254")

	for _, cmd := range []string{
		"ping -6 -c 3 -i 0.01 -W 5 2001:db8:b::1",
		"ping -4 -c 3 -i 0.01 -W 5 198.51.100.1",
		"ping -4 -c 1 -W 5 -s 1472 -M dont 198.51.100.1", // the router cuts it
		"ping -6 -c 1 -W 5 2001:db8:b::fe",
	} {
		t.Log(peertest.Run(t, cmd))
	}
	for _, tt := range []struct{ cmd, want string }{
		{"ping -6 -c 1 -W 5 -t 1 2001:db8:b::1", "From 2001:db8:a::fd icmp_seq=1 Time exceeded: Hop limit"},
		{"ping -4 -c 1 -W 5 -t 1 198.51.100.1", "From 192.0.2.254 icmp_seq=1 Time to live exceeded"},
		{"ping -6 -c 1 -W 5 -s 1400 -M do 2001:db8:b::1", "Packet too big: mtu=1300"},
		{"ping -4 -c 1 -W 5 -s 1400 -M do 198.51.100.1", "Frag needed and DF set (mtu = 1300)"},
		{"ping -6 -c 1 -W 5 2001:db8:ffff::1", "From 2001:db8:a::fd icmp_seq=1 Destination unreachable: No route"},
		{"ping -4 -c 1 -W 5 8.8.8.8", "From 192.0.2.254 icmp_seq=1 Destination Net Unreachable"},
	} {
		words := strings.Fields(tt.cmd)
		out, err := exec.CommandContext(t.Context(), words[0], words[1:]...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), tt.want) {
			t.Errorf("%s: %v, want %q in\n%s", tt.cmd, err, tt.want, out)
		}
	}
	for _, dst := range []string{"2001:db8:b::1", "198.51.100.1"} {
		l, err := b.Listen(deadline(t), "tcp", net.JoinHostPort(dst, "7"))
		if err != nil {
			t.Fatal(err)
		}
		kc, err := net.DialTimeout("tcp", l.Addr().String(), 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		peer, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		transfer(t, kc, peer)
		l.Close()
	}
}
