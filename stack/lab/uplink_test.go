package lab_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/lab"
)

// other says that this process is the other one of a test, and where the first one's uplink is.
const other = "LAB_TEST_OTHER"

// TestOtherProcess is the other process: a host whose router and web server are in the first.
func TestOtherProcess(t *testing.T) {
	peer := os.Getenv(other)
	if peer == "" {
		t.Skip("SKIP(child): it is TestTwoProcesses' other process")
	}
	l := lab.New(t, lab.Config{RealTime: true})
	u := l.Uplink(lab.UplinkConfig{VNI: 7, Listen: "127.0.0.1:0", Peers: []netip.AddrPort{netip.MustParseAddrPort(peer)}, PeersOnly: true})
	fmt.Println("UPLINK", u.LocalAddr())
	bufio.NewReader(os.Stdin).ReadString('\n') // the other side knows us
	h := l.Host(lab.HostConfig{Interfaces: []lab.InterfaceConfig{{Stack: stack.InterfaceConfig{SLAAC: true}}}})
	fmt.Println("LISTENING")
	for deadline := l.Now().Add(time.Minute); ; l.Sleep(10 * time.Millisecond) {
		c, err := h.DialContext(t.Context(), "tcp", "[2001:db8:2::80]:80")
		if err != nil && l.Now().Before(deadline) {
			continue // there is no route before the router was heard
		}
		if err != nil {
			t.Fatal(err)
		}
		said, err := io.ReadAll(c)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("HEARD %s from %v\n", said, c.LocalAddr())
		return
	}
}

// Two processes, one segment: a host in the one configures itself from a router in the other, and speaks through
// it to a host behind.
func TestTwoProcesses(t *testing.T) {
	l := lab.New(t, lab.Config{RealTime: true})
	lan, far := l.Segment(lab.SegmentConfig{Name: "lan"}), l.Segment(lab.SegmentConfig{Name: "far"})
	u := l.Uplink(lab.UplinkConfig{Segment: lan, VNI: 7, Listen: "127.0.0.1:0"})
	r := l.Router(lab.RouterConfig{Interfaces: []lab.InterfaceConfig{
		{Segment: lan, Addresses: lab.Addresses("2001:db8:1::1/64")}, {Segment: far, Addresses: lab.Addresses("2001:db8:2::1/64")},
	}})
	web := l.Host(lab.HostConfig{Segment: far, Addresses: lab.Addresses("2001:db8:2::80/64"), Routers: []netip.Addr{netip.MustParseAddr("2001:db8:2::1")}})
	ln, err := web.Listen(t.Context(), "tcp", ":80")
	if err != nil {
		t.Fatal(err)
	}
	l.Go("web", func(context.Context) error {
		c, err := ln.Accept()
		if err != nil {
			return err
		}
		io.WriteString(c, "hello")
		return c.Close()
	})

	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOtherProcess$", "-test.v")
	cmd.Env = append(os.Environ(), other+"="+u.LocalAddr().String())
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Skipf("SKIP(process): %v", err) // js and the like
	}
	var heard string
	var all strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		line := lines.Text()
		fmt.Fprintln(&all, line)
		if addr, ok := strings.CutPrefix(line, "UPLINK "); ok {
			if err := u.AddPeer(netip.MustParseAddrPort(addr)); err != nil {
				t.Error(err)
			}
			io.WriteString(in, "\n")
		}
		if line == "LISTENING" {
			if err := r.Advertise(lab.Advertisement{Prefixes: lab.Prefixes("2001:db8:1::/64")}); err != nil {
				t.Error(err)
			}
		}
		if said, ok := strings.CutPrefix(line, "HEARD "); ok {
			heard = said
		}
	}
	if err := cmd.Wait(); err != nil || !strings.HasPrefix(heard, "hello from [2001:db8:1:") {
		t.Errorf("%v, heard %q:\n%s", err, heard, &all)
	}
	if c := u.Counters(); c.PacketsRead == 0 || c.PacketsWritten == 0 {
		t.Errorf("%+v", c)
	}
	_, ok := l.LastPacket(func(p lab.Packet) bool { return p.From == "lan/uplink" })
	if !ok {
		t.Error("nothing in the trace is from the uplink")
	}
}

// The clock of such a lab is the world's: not faster, and latencies are waited for.
func TestRealTime(t *testing.T) {
	l := lab.New(t, lab.Config{RealTime: true})
	if d := time.Since(l.Now()); d < 0 || d > time.Minute {
		t.Errorf("the lab's time is %v ago", d)
	}
	l.Segment(lab.SegmentConfig{Impair: lab.Impairment{Latency: 20 * time.Millisecond}})
	a := l.Host(lab.HostConfig{Addresses: lab.Addresses("10.0.0.1/24")})
	b := l.Host(lab.HostConfig{Addresses: lab.Addresses("10.0.0.2/24")})
	ln, err := b.Listen(t.Context(), "tcp", ":80")
	if err != nil {
		t.Fatal(err)
	}
	go ln.Accept() // no task: there is no order to keep
	start, lab0 := time.Now(), l.Now()
	c, err := a.DialContext(t.Context(), "tcp", "10.0.0.2:80")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	l.Sleep(30 * time.Millisecond)
	real, inLab := time.Since(start), l.Now().Sub(lab0)
	if real < 110*time.Millisecond { // ARP and SYN there and back, and the sleep
		t.Errorf("took %v", real)
	}
	if d := inLab - real; d < -50*time.Millisecond || d > 50*time.Millisecond {
		t.Errorf("%v in the lab, %v outside", inLab, real)
	}
	c.SetReadDeadline(l.Now().Add(10 * time.Millisecond))
	if _, err := c.Read(make([]byte, 1)); !os.IsTimeout(err) {
		t.Error(err)
	}
}

// A lab that is closed takes no uplink, and leaves nothing open of one.
func TestUplinkClosed(t *testing.T) {
	l, err := lab.Start(t.Context(), lab.Config{RealTime: true})
	if err != nil {
		t.Fatal(err)
	}
	s := l.Segment(lab.SegmentConfig{})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.AddUplink(lab.UplinkConfig{Segment: s, Conn: conn}); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Error(err)
	}
	if err := conn.SetDeadline(time.Time{}); err == nil {
		t.Error("the socket is open")
	}
}

func TestUplinkErrors(t *testing.T) {
	if _, err := lab.Start(t.Context(), lab.Config{RealTime: true, Manual: true}); err == nil || !strings.Contains(err.Error(), "Manual") {
		t.Error(err)
	}
	l := lab.New(t)
	if _, err := l.AddUplink(lab.UplinkConfig{}); err == nil || !strings.Contains(err.Error(), "Config.RealTime") {
		t.Error(err)
	}
	l = lab.New(t, lab.Config{RealTime: true})
	for want, cfg := range map[string]lab.UplinkConfig{
		"24 bits":     {VNI: 1 << 24},
		"another lab": {Segment: lab.New(t).Segment(lab.SegmentConfig{})},
		"no address":  {Peers: []netip.AddrPort{{}}},
		"a Conn and":  {Listen: "127.0.0.1:0"},
		"256.0.0.1":   {Listen: "256.0.0.1:0"},
		"Impairment.": {Impair: lab.Impairment{Loss: 2}},
	} {
		var conn net.PacketConn
		if cfg.Listen != "256.0.0.1:0" {
			var err error
			if conn, err = net.ListenPacket("udp", "127.0.0.1:0"); err != nil {
				t.Fatal(err)
			}
			cfg.Conn = conn
		}
		if _, err := l.AddUplink(cfg); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "lab: uplink: ") {
			t.Errorf("%v, want %q", err, want)
		}
		if conn != nil {
			if err := conn.SetDeadline(time.Time{}); err == nil {
				t.Errorf("%s: the socket is open", want)
			}
		}
	}
}
