package vxlan_test

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/internal/peertest"
	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/vxlan"
	"golang.org/x/sys/unix"
)

// fabric puts the test into a namespace with the kernel's end of a wire, 10.0.0.1, on
// which it has a VXLAN device per VNI, in a bridge br<VNI> with addresses, and returns
// an endpoint on the other end, 10.0.0.2, which is in a second namespace.
func fabric(t *testing.T, vnis ...int) *vxlan.Endpoint {
	t.Helper()
	peertest.EnterNetns(t, "unshare", "nsenter", "ping", "sysctl", "bridge", "ethtool")
	far := exec.CommandContext(t.Context(), "unshare", "-n", "cat") // holds the second namespace
	in, err := far.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := far.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := far.Start(); err != nil {
		peertest.Netns.Missing(t, "unshare", err)
	}
	t.Cleanup(func() {
		in.Close()
		far.Wait()
	})
	// What cat echoes shows that unshare has done its work.
	if _, err := io.WriteString(in, "\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	pid := strconv.Itoa(far.Process.Pid)
	for _, cmd := range []string{
		"ip link add va mtu 9000 type veth peer name vb mtu 9000 netns " + pid,
		"ip addr add 10.0.0.1/24 dev va",
		"ip link set va up",
		"nsenter -t " + pid + " -n ip addr add 10.0.0.2/24 dev vb",
		"nsenter -t " + pid + " -n ip link set vb up",
	} {
		peertest.Run(t, cmd)
	}
	for _, vni := range vnis {
		for _, cmd := range []string{
			"ip link add br%[1]d type bridge",
			"sysctl -qw net.ipv6.conf.br%[1]d.accept_dad=0 net.ipv6.conf.br%[1]d.addr_gen_mode=1",
			"ip link add vx%[1]d type vxlan id %[1]d dstport 4789 local 10.0.0.1 remote 10.0.0.2",
			"ethtool -K vx%[1]d tx off", // a veth would leave the inner checksum to nobody
			"ip link set vx%[1]d master br%[1]d up",
			"ip link set br%[1]d mtu 1450 up",
			"ip addr add 2001:db8:%[1]d::1/64 dev br%[1]d nodad",
			"ip addr add 192.0.%[1]d.1/24 dev br%[1]d",
		} {
			if strings.Contains(cmd, "type vxlan") {
				if out, err := exec.Command("ip", strings.Fields(fmt.Sprintf(cmd, vni))[1:]...).CombinedOutput(); err != nil {
					peertest.Netns.Missing(t, "the kernel's vxlan device", fmt.Errorf("%w: %s", err, out))
				}
				continue
			}
			peertest.Run(t, fmt.Sprintf(cmd, vni))
		}
	}
	return endpoint(t, listenIn(t, pid, "10.0.0.2:4789"))
}

// listenIn opens a UDP socket in the namespace of a process.
func listenIn(t *testing.T, pid, address string) net.PacketConn {
	t.Helper()
	type result struct {
		conn net.PacketConn
		err  error
	}
	opened := make(chan result)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		fd, err := unix.Open("/proc/"+pid+"/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err == nil {
			err = unix.Setns(fd, unix.CLONE_NEWNET)
			unix.Close(fd)
		}
		if err != nil {
			opened <- result{nil, err}
			return
		}
		conn, err := net.ListenPacket("udp4", address)
		opened <- result{conn, err}
	}()
	r := <-opened
	if r.err != nil {
		t.Fatal(r.err)
	}
	return r.conn
}

func segment(vni uint32) vxlan.Segment {
	return vxlan.Segment{VNI: vni, Peers: []netip.AddrPort{netip.MustParseAddrPort("10.0.0.1:4789")}, PeersOnly: true}
}

// The kernel's bridge and ours are one wire: for both families, in fragments and in
// floods, for two segments on one socket, and without a frame to where it does not
// belong.
func TestKernel(t *testing.T) {
	e := fabric(t, 7, 8)
	hosts := map[string]*stack.Stack{}
	for vni, own := range map[uint32]string{7: "7", 8: "8"} {
		hosts[own] = attach(t, e, segment(vni), "2001:db8:"+own+"::2/64", "192.0."+own+".2/24")
	}
	for _, cmd := range []string{
		"ping -6 -c 3 -i 0.05 -W 5 2001:db8:7::2",
		"ping -4 -c 3 -i 0.05 -W 5 192.0.7.2",
		"ping -6 -c 3 -i 0.05 -W 5 -s 5000 2001:db8:7::2",
		"ping -4 -c 3 -i 0.05 -W 5 -s 1422 -M do 192.0.7.2", // just fits
		"ping -6 -q -f -c 500 -W 5 2001:db8:7::2",
		"ping -6 -c 3 -i 0.05 -W 5 2001:db8:8::2",
	} {
		peertest.Run(t, cmd)
	}
	if out, err := exec.Command("ping", "-6", "-c1", "-W1", "2001:db8:7::99").CombinedOutput(); err == nil {
		t.Errorf("nobody answered:\n%s", out)
	}
	ping(t, hosts["7"], "2001:db8:7::1", 5000)
	if fdb := peertest.Run(t, "bridge fdb show dev vx7"); !strings.Contains(fdb, "dst 10.0.0.2") {
		t.Errorf("the kernel has learned nothing:\n%s", fdb)
	}
	if c := e.Counters(); c.Malformed != 0 || c.ReadErrors != 0 {
		t.Errorf("%+v", c)
	}
}

// TCP both ways: we listen and the kernel dials, then the other way round.
func TestKernelTCP(t *testing.T) {
	e := fabric(t, 7)
	host := attach(t, e, segment(7), "2001:db8:7::2/64", "192.0.7.2/24")
	listen(t, host, "from the stack")
	for _, address := range []string{"[2001:db8:7::2]:80", "192.0.7.2:80"} {
		c, err := net.DialTimeout("tcp", address, 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(c); string(b) != "from the stack" {
			t.Errorf("%s: %q, %v", address, b, err)
		}
		c.Close()
	}
	for _, address := range []string{"[2001:db8:7::1]:80", "192.0.7.1:80"} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			if c, err := l.Accept(); err == nil {
				io.WriteString(c, strings.Repeat("from the kernel", 100_000))
				c.Close()
			}
		}()
		if got := fetch(t, host, address); got != strings.Repeat("from the kernel", 100_000) {
			t.Errorf("%s: %d bytes", address, len(got))
		}
		l.Close()
		<-done
	}
}

// The kernel finds our address when it looks for a duplicate, and we its.
func TestKernelDuplicateAddress(t *testing.T) {
	e := fabric(t, 7)
	attach(t, e, segment(7), "2001:db8:7::2/64")
	peertest.Run(t, "sysctl -qw net.ipv6.conf.br7.accept_dad=1 net.ipv6.conf.br7.dad_transmits=1")
	peertest.Run(t, "ip addr add 2001:db8:7::2/64 dev br7")
	deadline := time.Now().Add(10 * time.Second)
	for !strings.Contains(peertest.Run(t, "ip -6 addr show dev br7 tentative"), "dadfailed") {
		if time.Now().After(deadline) {
			t.Fatalf("the kernel did not find the duplicate:\n%s", peertest.Run(t, "ip -6 addr show dev br7"))
		}
	}
}

// Packets larger than the segment's MTU are dropped and counted; smaller ones pass.
func TestKernelMTU(t *testing.T) {
	e := fabric(t, 7)
	peertest.Run(t, "ip link set vx7 mtu 1500")
	peertest.Run(t, "ip link set br7 mtu 1500") // the kernel's end believes in more than ours
	s := segment(7)
	s.MTU = 1400
	l, err := e.Open(s)
	if err != nil {
		t.Fatal(err)
	}
	host, err := stack.New(stack.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	i, err := host.Attach(stack.InterfaceConfig{Name: "eth0", Link: l})
	if err != nil {
		t.Fatal(err)
	}
	if err := i.AddAddress(stack.Address{Prefix: netip.MustParsePrefix("2001:db8:7::2/64")}); err != nil {
		t.Fatal(err)
	}
	peertest.Run(t, "ping -6 -c 1 -W 5 -s 1352 2001:db8:7::2") // 1400 with its headers
	if out, err := exec.Command("ping", "-6", "-c1", "-W1", "-s", "1353", "2001:db8:7::2").CombinedOutput(); err == nil {
		t.Errorf("a packet beyond the MTU arrived:\n%s", out)
	}
	if c := l.Counters(); c.ReadTooLarge != 1 {
		t.Errorf("%+v", c)
	}
	ping(t, host, "2001:db8:7::1", 1000)
}
