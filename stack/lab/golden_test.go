package lab_test

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/stack/lab"
)

// The flag that Lab.Golden looks for.
var _ = flag.Bool("update", false, "write golden files anew")

func TestGolden(t *testing.T) {
	l := lab.New(t, lab.Config{Seed: 1})
	seg := l.Segment(lab.SegmentConfig{Impair: lab.Impairment{Latency: time.Millisecond}})
	a := l.Host(lab.HostConfig{Name: "a", Segment: seg, Addresses: lab.Addresses("10.0.0.100/24", "10.0.0.50/24 skip")})
	l.Host(lab.HostConfig{Name: "b", Segment: seg, Addresses: lab.Addresses("10.0.0.2/24")})
	askAt(t, a, "10.0.0.2:9")
	l.Sleep(time.Second)
	l.Golden("testdata/ask.txt", lab.Match("arp or udp or icmp"))
}

func TestGoldenDiff(t *testing.T) {
	if flag.Lookup("update").Value.String() == "true" || os.Getenv("LAB_UPDATE") != "" {
		t.Skip("files are being written")
	}
	l := lab.New(t)
	a, _ := two(l)
	for range 4 {
		askAt(t, a, "[2001:db8::2]:9")
		l.Sleep(3 * time.Second)
	}
	name := filepath.Join(t.TempDir(), "deep", "trace.txt")
	if err := l.CheckGolden(name); err == nil || !strings.Contains(err.Error(), "LAB_UPDATE=1 writes it") {
		t.Error(err)
	}
	t.Setenv("LAB_UPDATE", "1")
	if err := l.CheckGolden(name, lab.Match("udp")); err != nil {
		t.Error(err)
	}
	t.Setenv("LAB_UPDATE", "")
	if err := l.CheckGolden(name, lab.Match("udp")); err != nil {
		t.Error(err)
	}
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(whole), "\n")
	other := lines[0] + lines[2] + "another line\n" + lines[3]
	if err := os.WriteFile(name, []byte(other), 0o666); err != nil {
		t.Fatal(err)
	}
	j := judge(t, func(tb lab.TB) {
		t.Setenv("LAB_TRACE_DIR", t.TempDir())
		l := lab.New(tb)
		a, _ := two(l)
		for range 4 {
			askAt(t, a, "[2001:db8::2]:9")
			l.Sleep(3 * time.Second)
		}
		l.Golden(name, lab.Match("udp"))
	})
	want := "line 2; 4 lines are wanted, 4 are there\n  " + lines[0] + "+ " + lines[1] + "  " + lines[2] + "- another line\n  " + lines[3]
	if !j.failed || !strings.Contains(j.text()+"\n", want) {
		t.Errorf("%s\nnot\n%s", j.text(), want)
	}
}

func TestGoldenOfPartIsRefused(t *testing.T) {
	l := lab.New(t, lab.Config{MaxTrace: -1})
	a, _ := two(l)
	askAt(t, a, "[2001:db8::2]:9")
	l.Sleep(time.Second)
	if err := l.CheckGolden("testdata/ask.txt"); err == nil || !strings.Contains(err.Error(), "no longer in the trace") {
		t.Error(err)
	}
}

func ExampleLab_Text() {
	l, err := lab.Start(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()
	seg := l.Segment(lab.SegmentConfig{Impair: lab.Impairment{Latency: time.Millisecond}})
	web := l.Host(lab.HostConfig{Name: "web", Segment: seg, Addresses: lab.Addresses("10.0.0.100/24", "10.0.0.50/24 skip")})
	l.Host(lab.HostConfig{Name: "peer", Segment: seg, Addresses: lab.Addresses("10.0.0.9/24")})
	ping, err := web.ListenPacket(context.Background(), "ip4:icmp", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	ping.WriteTo([]byte{8, 0, 0xf7, 0xfe, 0, 0, 0, 1}, &net.IPAddr{IP: net.IPv4(10, 0, 0, 9)})
	l.Sleep(time.Second)
	fmt.Print(l.Text(lab.Match("arp or icmp")))
	// Output:
	// +0.000000s lan1 web/eth0 ARP who has 10.0.0.9? tell 10.0.0.100
	// +0.001000s lan1 peer/eth0 ARP 10.0.0.9 is at 02:00:00:00:00:02
	// +0.002000s lan1 web/eth0 10.0.0.100 > 10.0.0.9 ICMP EchoRequest id 0 seq 1, 8 bytes
	// +0.003000s lan1 peer/eth0 10.0.0.9 > 10.0.0.100 ICMP EchoReply id 0 seq 1, 8 bytes
}
