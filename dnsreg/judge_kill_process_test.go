//go:build unix

package dnsreg

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/hextet/hextet/dnsreg/dnsregtest"
	"github.com/hextet/hextet/internal/dnspeer"
)

// killEnv has the orders of a process that is to be killed, as JSON.
const killEnv = "DNSREG_TEST_KILL"

// killOrders say what a process does until it kills itself.
type killOrders struct {
	Server string
	State  string // path of the state file; empty: none
	Lives  []hostLife
	Points int  // of the last life, to the one at which the process dies; 0: it does not
	Coarse bool // the steps of saving the state are one point
}

// init turns the process into the child of the tests that follow, if it is to be one.
func init() {
	text := os.Getenv(killEnv)
	if text == "" {
		return
	}
	var orders killOrders
	if err := json.Unmarshal([]byte(text), &orders); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	if err := orders.obey(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

func (o killOrders) obey() error {
	f := &fuse{kill: true}
	f.burn = func() {
		fmt.Println(f.last)
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	return o.site(f).live(context.Background(), o.Points, o.Lives...)
}

func (o killOrders) site(f *fuse) killSite {
	s := killSite{server: o.Server, dial: new(net.Dialer).DialContext, fuse: f}
	if o.State != "" {
		file := StateFile(o.State).(*stateFile)
		if f != nil {
			file.step = func(step string) {
				if !o.Coarse || step == "rename" {
					f.at("state: " + step)
				}
			}
		}
		s.state = file
	}
	return s
}

// run runs a process until it is killed, and returns the point at which it was. alive means that it lived to
// the end.
func (o killOrders) run(t *testing.T) (point string, alive bool) {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), killEnv+"="+string(text))
	out, err := cmd.CombinedOutput()
	if err != nil && !killed(err) {
		t.Fatalf("point %d: the process ended with %v\n%s", o.Points, err, out)
	}
	return strings.TrimSpace(string(out)), err == nil
}

// converge has the host go on after the process has died: the zones are to be exactly what that makes them. Then
// the host takes everything away, and they are to be as they were before.
func (o killOrders) converge(t *testing.T, point string, next hostLife, before zones, read func() zones) {
	t.Helper()
	at := fmt.Sprintf("killed at %q, point %d, then %v", point, o.Points, next)
	site := o.site(nil)
	if err := site.live(t.Context(), 0, next); err != nil {
		t.Fatalf("%s: %v", at, err)
	}
	if diff := read().differ(before.with(next)); diff != "" {
		t.Fatalf("%s:\n%s", at, diff)
	}
	next.Remove = true
	if err := site.live(t.Context(), 0, next); err != nil {
		t.Fatalf("%s: %v", at, err)
	}
	if diff := read().differ(before); diff != "" {
		t.Fatalf("%s:\n%s", at, diff)
	}
}

// play kills a process at each point of a scene at which take says so.
func (o killOrders) play(t *testing.T, s scene, before zones, read func() zones, take func(point int) bool) (points []string) {
	o.Lives, o.State = s.lives, filepath.Join(t.TempDir(), "state")
	sequels := s.last().sequels()
	for alive := false; !alive; {
		o.Points++
		if !take(o.Points) {
			continue
		}
		var point string
		point, alive = o.run(t)
		points = append(points, point)
		o.converge(t, point, sequels[o.Points%len(sequels)], before, read)
	}
	return points
}

// A process is killed at each step of its work, those of saving its state included, and the next one, in another
// state of the host, leaves exactly what that is.
func TestJudgeKillProcess(t *testing.T) {
	stride := Size(1, 1, 12)
	for turn, s := range scenes {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			server, address := inMemory(t, dnsregtest.Config{Zones: append([]string{"example.test"}, reverseZones...), Keys: map[string][]byte{keyName: secret}})
			insertBeside(t, server)
			read := func() zones { return zonesOf(server) }
			points := killOrders{Server: address}.play(t, s, read(), read, func(point int) bool { return (point+turn)%stride == 0 })
			t.Logf("killed at %d points", len(points)-1)
			if stride > 1 {
				return
			}
			for _, want := range []string{"decided", "sending", "sent", "before a write", "after a write", "after a read",
				"state: create", "state: write", "state: sync", "state: rename", "state: sync directory"} {
				if !slices.Contains(points, want) {
					t.Errorf("the process was never killed at %q: %q", want, points)
				}
			}
		})
	}
}

// The same with real servers, each of which sees every third point, all of them together every one, or with -long each.
func TestPeersKill(t *testing.T) {
	eachPeer(t, func(t *testing.T, kind dnspeer.Kind) {
		t.Parallel() // they wait for disks
		var served []dnspeer.Zone
		for _, zone := range append([]string{"example.test"}, reverseZones...) {
			served = append(served, dnspeer.Zone{Name: zone, Records: beside[zone]})
		}
		p := startPeer(t, kind, served...)
		before := zones(p.all())
		stride := Size(1, len(dnspeer.Kinds), 5*len(dnspeer.Kinds))
		for i, s := range scenes {
			t.Run(s.name, func(t *testing.T) {
				p := p.in(t)
				turn := slices.Index(dnspeer.Kinds, kind) + i
				o, read := killOrders{Server: p.Address(), Coarse: true}, func() zones { return p.all() }
				o.play(t, s, before, read, func(point int) bool { return (point+turn)%stride == 0 })
			})
			if t.Failed() {
				return // what is left would show in every other scene
			}
		}
	})
}
