package lab_test

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hextet/hextet/icmp6"
	"github.com/hextet/hextet/internal/peertest"
	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/internal/ndp"
	"github.com/hextet/hextet/stack/lab"
	"github.com/hextet/hextet/stack/tun"
)

// subject is a host under the scenario: one in a lab, or the kernel in a namespace.
type subject interface {
	add(t *testing.T, prefix string)         // an address, with duplicate address detection
	addresses(t *testing.T) []string         // global ones that are assigned, or "duplicate"; in order
	source(t *testing.T, dst string) string  // that it chooses
	ping(t *testing.T, dst string, size int) // sends an echo request
	fragments() int                          // it has sent
	until(t *testing.T, ready func() bool)   // waits
}

var subjectHW = net.HardwareAddr{2, 0, 0, 0, 0, 0x99}

// The lab and the kernel give the same account of the same scenario.
func TestLabAndKernelAreAPair(t *testing.T) {
	l := lab.New(t)
	host := l.Host(lab.HostConfig{Name: "subject", Interfaces: []lab.InterfaceConfig{{HardwareAddr: subjectHW, Stack: stack.InterfaceConfig{SLAAC: true, DAD: true}}}})
	peer := l.Host(lab.HostConfig{Name: "peer", Addresses: peerAddresses})
	check(t, host.Interface("eth0").WaitAssigned(t.Context()))
	inLab := account(t, peer.Stack, labSubject{l, host})

	peertest.EnterNetns(t, "ping", "sysctl")
	dev, err := tun.Open(tun.Config{Name: "tap0", TAP: true, MTU: 1500, HardwareAddr: net.HardwareAddr{2, 0, 0, 0, 0, 1}})
	check(t, err)
	for _, cmd := range []string{
		"ip link set tap0 address " + subjectHW.String(),
		"sysctl -qw net.ipv6.conf.tap0.addr_gen_mode=0 net.ipv6.conf.tap0.accept_ra=2 net.ipv6.conf.tap0.use_tempaddr=0 net.ipv6.conf.tap0.router_solicitations=0",
	} {
		peertest.Run(t, cmd)
	}
	count := &countingLink{Link: dev}
	s, err := stack.New(stack.Config{})
	check(t, err)
	defer s.Close()
	i, err := s.Attach(stack.InterfaceConfig{Name: "eth0", Link: count})
	check(t, err)
	check(t, i.AddAddresses(peerAddresses))
	peertest.Run(t, "ip link set tap0 up")
	kernel := kernelSubject{count}
	kernel.until(t, func() bool { // its link-local address
		return regexp.MustCompile(`inet6 fe80::\S+ scope link\s*\n`).MatchString(peertest.Run(t, "ip -6 addr show dev tap0"))
	})
	inKernel := account(t, s, kernel)
	t.Log("\n" + inLab)
	if inLab != inKernel {
		t.Errorf("in the kernel:\n%s", inKernel)
	}
}

var peerAddresses = lab.Addresses("2001:db8:1::1/64", "2001:db8:1::7/64", "fe80::1/64")

// account lets things happen to a subject and tells what came of them.
func account(t *testing.T, peer *stack.Stack, sub subject) string {
	var b strings.Builder
	raw, err := peer.ListenRaw(icmp6.Protocol, netip.Addr{})
	check(t, err)
	defer raw.Close()
	check(t, raw.SetMulticastHopLimit(255))
	check(t, raw.SetMulticastInterface(peer.Interfaces()[0].NetInterface()))

	ra := ndp.Advertisement{
		Router: netip.MustParseAddr("fe80::1"), HopLimit: 64, Lifetime: 1800 * time.Second, MTU: 1400,
		Prefixes: []ndp.Prefix{
			{Prefix: netip.MustParsePrefix("2001:db8:1::/64"), OnLink: true, Autonomous: true, Valid: time.Hour, Preferred: time.Hour},
			{Prefix: netip.MustParsePrefix("2001:db8:2::/64"), Autonomous: true, Valid: time.Hour, Preferred: time.Hour},
			{Prefix: netip.MustParsePrefix("2001:db8:3::/64"), OnLink: true, Valid: time.Hour, Preferred: time.Hour},
			{Prefix: netip.MustParsePrefix("2001:db8:4::/64"), Autonomous: true, Valid: time.Hour, Preferred: 2 * time.Hour}, // RFC 4862 section 5.5.3 c)
			{Prefix: netip.MustParsePrefix("2001:db8:5::/56"), Autonomous: true, Valid: time.Hour, Preferred: time.Hour},     // d)
		},
	}
	_, err = raw.WriteTo(ra.Packet(ndp.AllNodes, net.HardwareAddr{2, 0, 0, 0, 0, 1})[40:], nil, &net.IPAddr{IP: ndp.AllNodes.AsSlice()})
	check(t, err)
	sub.until(t, func() bool { return len(sub.addresses(t)) >= 2 })
	fmt.Fprintln(&b, "advertised:", sub.addresses(t))
	// Where the rules of RFC 6724 leave a tie, each has its own way: these are none.
	for _, dst := range []string{"2001:db8:1::1", "2001:db8:2::99", "2001:db8:3::1", "2001:db8:0:9::1"} {
		fmt.Fprintln(&b, "source for", dst, sub.source(t, dst))
	}

	sub.add(t, "2001:db8:1::7/64") // the peer has it
	sub.add(t, "2001:db8:1::8/64")
	sub.until(t, func() bool { return len(sub.addresses(t)) >= 4 })
	fmt.Fprintln(&b, "configured:", sub.addresses(t))

	for _, size := range []int{0, 1, 33, 1200} {
		fmt.Fprintln(&b, "answer to", size, "bytes:", answer(t, raw, "2001:db8:1::8", size))
	}
	sub.ping(t, "2001:db8:1::1", 1300)
	fmt.Fprintln(&b, "fragments before Packet Too Big:", sub.fragments())
	tooBig(t, raw, sub)
	sub.ping(t, "2001:db8:1::1", 1300)
	sub.until(t, func() bool { return sub.fragments() >= 2 })
	fmt.Fprintln(&b, "fragments after it:", sub.fragments())
	return b.String()
}

// answer describes the reply to an echo request.
func answer(t *testing.T, raw *stack.RawConn, dst string, size int) string {
	request := append([]byte{128, 0, 0, 0, 3, 4, 5, 6}, make([]byte, size)...)
	for n := range size {
		request[8+n] = byte(n)
	}
	to := netip.MustParseAddr(dst)
	_, err := raw.WriteTo(request, nil, &net.IPAddr{IP: to.AsSlice()})
	check(t, err)
	reply, src := next(t, raw, 129)
	return fmt.Sprintf("from %v, code %d, the same: %v", src, reply[1], slices.Equal(reply[4:], request[4:]))
}

// next returns the next message of a type.
func next(t *testing.T, raw *stack.RawConn, kind byte) ([]byte, net.Addr) {
	for b := make([]byte, 2000); ; {
		n, _, src, err := raw.ReadFrom(b)
		check(t, err)
		if b[0] == kind {
			return b[:n], src
		}
	}
}

// tooBig answers the subject's echo request as a router with an MTU of 1280 does.
func tooBig(t *testing.T, raw *stack.RawConn, sub subject) {
	request, src := next(t, raw, 128)
	about := binary.BigEndian.AppendUint32([]byte{2, 0, 0, 0}, 1280)
	about = append(about, 0x60, 0, 0, 0, byte(len(request)>>8), byte(len(request)), icmp6.Protocol, 64)
	about = append(append(about, src.(*net.IPAddr).IP.To16()...), netip.MustParseAddr("2001:db8:1::1").AsSlice()...)
	about = append(about, request...)
	_, err := raw.WriteTo(about[:1280-40], nil, src)
	check(t, err)
	sub.ping(t, "2001:db8:1::1", 0) // it has arrived when this is answered
}

type labSubject struct {
	l *lab.Lab
	h *lab.Host
}

func (s labSubject) add(t *testing.T, prefix string) {
	check(t, s.h.Interface("eth0").AddAddresses(lab.Addresses(prefix)))
}

func (s labSubject) addresses(t *testing.T) (all []string) {
	for _, a := range s.h.Interface("eth0").Addresses() {
		switch {
		case a.Prefix.Addr().IsLinkLocalUnicast() || a.State == stack.Tentative:
		case a.State == stack.Duplicate:
			all = append(all, a.Prefix.String()+" duplicate")
		default:
			all = append(all, a.Prefix.String())
		}
	}
	slices.Sort(all)
	return all
}

func (s labSubject) source(t *testing.T, dst string) string {
	c, err := s.h.DialContext(t.Context(), "udp", net.JoinHostPort(dst, "9"))
	check(t, err)
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).IP.String()
}

func (s labSubject) ping(t *testing.T, dst string, size int) {
	c, err := s.h.ListenRaw(icmp6.Protocol, netip.Addr{})
	check(t, err)
	defer c.Close()
	_, err = c.WriteTo(append([]byte{128, 0, 0, 0, 9, 9, 9, 9}, make([]byte, size)...), nil, &net.IPAddr{IP: net.ParseIP(dst)})
	check(t, err)
	next(t, c, 129)
}

func (s labSubject) fragments() (n int) {
	for _, p := range s.l.Packets() {
		if p.From == "subject/eth0" && isFragment(p.Data) {
			n++
		}
	}
	return n
}

func (s labSubject) until(t *testing.T, ready func() bool) {
	for range 100 {
		if ready() {
			return
		}
		s.l.Advance(100 * time.Millisecond)
	}
	t.Fatal("it does not happen in the lab: ", s.addresses(t))
}

func isFragment(frame []byte) bool {
	return len(frame) > 20 && binary.BigEndian.Uint16(frame[12:]) == 0x86dd && frame[20] == 44
}

// countingLink counts fragments that come by it.
type countingLink struct {
	stack.Link
	n atomic.Int64
}

func (c *countingLink) ReadPackets(bufs [][]byte, sizes []int) (int, error) {
	n, err := c.Link.ReadPackets(bufs, sizes)
	for i := range max(n, 0) {
		if isFragment(bufs[i][:sizes[i]]) {
			c.n.Add(1)
		}
	}
	return n, err
}

type kernelSubject struct{ link *countingLink }

func (kernelSubject) add(t *testing.T, prefix string) {
	peertest.Run(t, "ip -6 addr add "+prefix+" dev tap0")
}

func (kernelSubject) addresses(t *testing.T) (all []string) {
	for line := range strings.Lines(peertest.Run(t, "ip -6 addr show dev tap0 scope global")) {
		words := strings.Fields(line)
		switch {
		case len(words) < 2 || words[0] != "inet6":
		case slices.Contains(words, "dadfailed"):
			all = append(all, words[1]+" duplicate")
		case !slices.Contains(words, "tentative"):
			all = append(all, words[1])
		}
	}
	slices.Sort(all)
	return all
}

func (kernelSubject) source(t *testing.T, dst string) string {
	_, src, _ := strings.Cut(peertest.Run(t, "ip -6 route get "+dst), " src ")
	return strings.Fields(src)[0]
}

func (kernelSubject) ping(t *testing.T, dst string, size int) {
	out, err := exec.Command("ping", "-6", "-c1", "-W5", "-s", fmt.Sprint(size), dst).CombinedOutput()
	if err != nil {
		t.Errorf("ping: %v\n%s", err, out)
	}
}

func (s kernelSubject) fragments() int { return int(s.link.n.Load()) }

func (s kernelSubject) until(t *testing.T, ready func() bool) {
	tick, late := time.NewTicker(20*time.Millisecond), time.After(10*time.Second)
	defer tick.Stop()
	for !ready() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatal("it does not happen in the kernel: ", s.addresses(t))
		}
	}
}
