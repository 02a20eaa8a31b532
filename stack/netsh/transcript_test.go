package netsh_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/icmp6"
	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/internal/ndp"
	"github.com/hextet/hextet/stack/lab"
	"github.com/hextet/hextet/stack/netsh"
)

var update = flag.Bool("update", false, "write what is printed into the files of testdata, and COMMANDS.md")

// A world is a host with two interfaces, a neighbour, and a shell.
type world struct {
	l          *lab.Lab
	host, peer *lab.Host
	sh         *netsh.Shell
	registrar  *registrar
}

// registrar counts how often it was asked.
type registrar struct {
	asked int
	err   error
}

func (r *registrar) Sync(context.Context) error {
	r.asked++
	return r.err
}

// slaac makes the interfaces listen to routers, and detect duplicate addresses.
func newWorld(t *testing.T, slaac bool) *world {
	t.Helper()
	l := lab.New(t, lab.Config{Manual: true})
	lan, other := l.Segment(lab.SegmentConfig{Name: "lan"}), l.Segment(lab.SegmentConfig{Name: "other", MTU: 1400})
	w := &world{l: l, registrar: new(registrar)}
	w.host = l.Host(lab.HostConfig{
		Name: "web",
		Interfaces: []lab.InterfaceConfig{
			{Segment: lan, HardwareAddr: net.HardwareAddr{2, 0, 0, 0, 0, 0xa}, Stack: stack.InterfaceConfig{Name: "Local Area Connection", DAD: slaac, SLAAC: slaac}, Addresses: lab.Addresses("192.168.1.2/24", "2001:db8::2/64")},
			{Segment: other, HardwareAddr: net.HardwareAddr{2, 0, 0, 0, 0, 0xb}, Stack: stack.InterfaceConfig{Name: "Backup", DAD: slaac, SLAAC: slaac}},
		},
		Stack: stack.Config{Nameservers: []netip.AddrPort{netip.MustParseAddrPort("192.168.1.53:53"), netip.MustParseAddrPort("[2001:db8::53]:5353")}},
	})
	w.peer = l.Host(lab.HostConfig{Name: "peer", Interfaces: []lab.InterfaceConfig{
		{Segment: lan, HardwareAddr: net.HardwareAddr{2, 0, 0, 0, 0, 0xc}, Addresses: lab.Addresses("192.168.1.1/24", "2001:db8::1/64")},
	}})
	var err error
	w.sh, err = netsh.New(netsh.Config{Stack: w.host.Stack, Registrar: w.registrar, HostName: "web.example.org"})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// run returns what a line prints, its error included.
func (w *world) run(line string) string {
	var b strings.Builder
	if err := w.sh.Run(context.Background(), line, &b); err != nil {
		return b.String() + err.Error() + "\n"
	}
	return b.String()
}

// do is what stories do besides commands.
func (w *world) do(t *testing.T, line string) string {
	t.Helper()
	words := strings.Fields(line)
	switch words[0] {
	case "advance":
		d, err := time.ParseDuration(words[1])
		if err != nil {
			t.Fatal(err)
		}
		w.l.Advance(d)
	case "connect": // from the peer to a port
		ln, err := w.host.Listen(t.Context(), "tcp4", words[1])
		if err != nil {
			t.Fatal(err)
		}
		task := w.l.Go("connect", func(ctx context.Context) error {
			d := stack.Dialer{Stack: w.peer.Stack, LocalAddr: netip.MustParseAddrPort("192.168.1.1:40000")}
			_, err := d.DialContext(ctx, "tcp", words[1])
			return err
		})
		w.l.Advance(time.Second)
		if err := task.Wait(); err != nil {
			t.Fatal(err)
		}
		if _, err := ln.Accept(); err != nil {
			t.Fatal(err)
		}
	case "udp":
		if _, err := w.host.ListenPacket(t.Context(), words[1], words[2]); err != nil {
			t.Fatal(err)
		}
	case "advertise": // what a router would, to the interface on lan
		w.advertise(t)
	case "detach":
		if err := w.host.Interfaces()[1].Detach(); err != nil {
			t.Fatal(err)
		}
	case "forward":
		if err := w.host.Interfaces()[0].SetForward(true); err != nil {
			t.Fatal(err)
		}
	case "send": // a datagram, to who may not be there
		c, err := w.host.ListenPacket(t.Context(), "udp", ":0")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.WriteTo([]byte("hello"), net.UDPAddrFromAddrPort(netip.MustParseAddrPort(words[1]))); err != nil {
			t.Fatal(err)
		}
		c.Close()
		w.l.Advance(time.Second)
	case "source": // whom the host speaks from
		e, err := w.host.Explain(netip.MustParseAddr(words[1]))
		if err != nil {
			return err.Error() + "\n"
		}
		for _, c := range e.Candidates {
			if c.Chosen {
				return fmt.Sprintln(c.Address.Prefix.Addr())
			}
		}
	case "complete":
		_, text, _ := strings.Cut(line, " ")
		return strings.Join(w.sh.Complete(strings.TrimSuffix(text, "$")), "\n") + "\n"
	case "prompt":
		return w.sh.Prompt() + "\n"
	case "registrar":
		if w.registrar.err = nil; len(words) > 1 {
			w.registrar.err = errors.New(strings.Join(words[1:], " "))
		}
		return fmt.Sprintf("asked %d times\n", w.registrar.asked)
	default:
		t.Fatalf("a story can't %q", line)
	}
	return ""
}

// advertise sends a Router Advertisement with everything that a command shows.
func (w *world) advertise(t *testing.T) {
	t.Helper()
	router := w.peer.Interfaces()[0].Addresses()[0].Prefix.Addr() // link-local
	ra := ndp.Advertisement{
		Router: router, HopLimit: 63, Managed: true, Other: true, Lifetime: 30 * time.Minute, Reachable: 20 * time.Second, Retrans: 2 * time.Second, MTU: 1380,
		Prefixes: []ndp.Prefix{
			{Prefix: netip.MustParsePrefix("2001:db8:a::/64"), OnLink: true, Autonomous: true, Valid: 2 * time.Hour, Preferred: time.Hour},
			{Prefix: netip.MustParsePrefix("2001:db8:b::/64"), OnLink: true, Valid: 2 * time.Hour, Preferred: time.Hour},
		},
		Routes:  []ndp.Route{{Prefix: netip.MustParsePrefix("2001:db8:c::/48"), Lifetime: time.Hour}},
		Servers: []ndp.Server{{Addr: netip.MustParseAddr("fe80::53"), Lifetime: time.Hour}},
		Search:  []ndp.Domain{{Name: "lan.example.org", Lifetime: time.Hour}},
	}
	c, err := w.peer.ListenRaw(icmp6.Protocol, router.WithZone("eth0"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetMulticastHopLimit(255); err != nil {
		t.Fatal(err)
	}
	if _, err := c.WriteTo(ra.Packet(ndp.AllNodes, nil)[40:], nil, &net.IPAddr{IP: ndp.AllNodes.AsSlice(), Zone: "eth0"}); err != nil {
		t.Fatal(err)
	}
	w.l.Advance(time.Second)
}

// Each file of testdata is a story: lines that begin with > are commands, those with ! are what happens
// besides, those with # are comments; what follows a command is all that it prints.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 5 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			w := newWorld(t, strings.HasSuffix(file, "slaac.txt"))
			var got strings.Builder
			for line := range strings.Lines(string(want)) {
				line = strings.TrimSuffix(line, "\n")
				switch {
				case strings.HasPrefix(line, "> "):
					fmt.Fprintf(&got, "%s\n%s", line, w.run(line[2:]))
				case strings.HasPrefix(line, "! "):
					fmt.Fprintf(&got, "%s\n%s", line, w.do(t, line[2:]))
				case strings.HasPrefix(line, "#"):
					fmt.Fprintln(&got, line)
				}
			}
			compare(t, file, got.String(), string(want))
		})
	}
}

// compare compares with a file, or writes it.
func compare(t *testing.T, file, got, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got == want {
		return
	}
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for k := range g {
		if k >= len(w) || g[k] != w[k] {
			t.Fatalf("%s:%d: got\n%s\nwant\n%s\n(-update writes what is printed)", file, k+1, strings.Join(g[k:min(len(g), k+12)], "\n"), strings.Join(w[min(k, len(w)):min(len(w), k+12)], "\n"))
		}
	}
	t.Fatalf("%s: it goes on:\n%s", file, strings.Join(w[len(g):], "\n"))
}
