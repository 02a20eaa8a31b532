//go:build !android

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hextet/hextet/dnsreg/dnsregtest"
	"github.com/hextet/hextet/internal/peertest"
)

// start runs the program in a process of its own.
func startProcess(t *testing.T, args ...string) (p *exec.Cmd, states *json.Decoder) {
	t.Helper()
	p = exec.CommandContext(t.Context(), os.Args[0], args...)
	p.Env = append(os.Environ(), asProgram+"=1")
	p.Stderr = t.Output()
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	return p, json.NewDecoder(out)
}

func signalTo(t *testing.T, p *exec.Cmd, s os.Signal) {
	t.Helper()
	if err := p.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// ear tells of what arrives at a server, and can have it lost.
type ear struct {
	updates, lost chan struct{} // hold a token once something has come
	deaf          atomic.Bool
}

func newEar() *ear { return &ear{updates: make(chan struct{}, 1), lost: make(chan struct{}, 1)} }

func (e *ear) fault(r dnsregtest.Request) dnsregtest.Fault {
	deaf := e.deaf.Load()
	to := e.updates
	switch {
	case deaf:
		to = e.lost
	case !r.Update:
		return dnsregtest.Fault{}
	}
	select {
	case to <- struct{}{}:
	default:
	}
	return dnsregtest.Fault{Drop: deaf}
}

// await waits for a token.
func await(t *testing.T, what string, from <-chan struct{}) {
	t.Helper()
	select {
	case <-from:
	case <-time.After(30 * time.Second):
		t.Fatalf("no %s", what)
	}
}

// The program itself, with the kernel's addresses and the kernel's signals.
func TestProcess(t *testing.T) {
	peertest.EnterNetns(t)
	peertest.Run(t, "ip link add reg0 type veth peer name reg1")
	peertest.Run(t, "ip link set reg0 up")
	for _, a := range []string{"192.0.2.7/24", "192.0.2.8/24", "203.0.113.7/24"} {
		peertest.Run(t, "ip address add "+a+" dev reg0")
	}
	e := newEar()
	w := newWorld(t, e.fault)
	has := func() string {
		var all []string
		for _, r := range w.Records("host.example.test") {
			all = append(all, r.Data)
		}
		return strings.Join(all, " ")
	}
	p, states := startProcess(t, "-name", "host.example.test", "-server", w.address, "-key", keyFile(t, testKey), "-json",
		"-skip", "192.0.2.8", "-deregister-on-exit")
	first, _ := nextState(t, states)
	if has() != "192.0.2.7 203.0.113.7" || len(first.Status.Skipped) != 1 || first.reason("192.0.2.8") != "skip-as-source" {
		t.Errorf("DNS has %s\n%+v", has(), first)
	}

	await(t, "update", e.updates)
	peertest.Run(t, "ip address add 192.0.2.9/24 dev reg0")
	await(t, "update that nobody asked for", e.updates)
	signalTo(t, p, syscall.SIGHUP)
	if second, _ := nextState(t, states); has() != "192.0.2.7 192.0.2.9 203.0.113.7" || second.Status.Counters.Probes == 0 {
		t.Errorf("DNS has %s\n%+v", has(), second)
	}

	signalTo(t, p, os.Interrupt)
	nextState(t, states)
	p.Wait()
	if code := p.ProcessState.ExitCode(); code != exitInterrupted || has() != "" {
		t.Errorf("exit status %d, DNS has %q", code, has())
	}
}

// A hangup while the program starts, and waits for its configuration here, is a wish for a pass like any other.
func TestHangupAtStart(t *testing.T) {
	w := newWorld(t, nil)
	file := filepath.Join(t.TempDir(), "conf")
	if err := syscall.Mkfifo(file, 0o600); err != nil {
		t.Fatal(err)
	}
	p, states := startProcess(t, "-config", file, "-json")
	conf, err := os.OpenFile(file, os.O_WRONLY, 0) // waits for who reads
	if err != nil {
		t.Fatal(err)
	}
	signalTo(t, p, syscall.SIGHUP)
	fmt.Fprintf(conf, "name = host.example.test\nserver = %s\nkey = %s\n", w.address, keyFile(t, testKey))
	if err := conf.Close(); err != nil {
		t.Fatal(err)
	}
	nextState(t, states) // of the first pass
	nextState(t, states) // of the one that was asked for
	signalTo(t, p, syscall.SIGTERM)
	nextState(t, states)
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
}

// A second interruption ends the program at once, whatever it waits for.
func TestSecondInterruption(t *testing.T) {
	peertest.EnterNetns(t)
	e := newEar()
	peertest.Run(t, "ip address add 192.0.2.7/32 dev lo")
	w := newWorld(t, e.fault)
	p, states := startProcess(t, "-name", "host.example.test", "-server", w.address, "-key", keyFile(t, testKey), "-json",
		"-deregister-on-exit", "-timeout", "1h")
	nextState(t, states)
	e.deaf.Store(true)
	signalTo(t, p, os.Interrupt)
	await(t, "attempt to remove records", e.lost)
	signalTo(t, p, os.Interrupt)
	p.Wait()
	if s, ok := p.ProcessState.Sys().(syscall.WaitStatus); !ok || s.Signal() != syscall.SIGINT {
		t.Errorf("ended by %v", p.ProcessState)
	}
}

// A stack behind a TUN device registers its own addresses, through itself.
func TestStackProcess(t *testing.T) {
	peertest.EnterNetns(t)
	peertest.Run(t, "ip tuntap add dev reg0 mode tun")
	peertest.Run(t, "ip address add 192.0.2.1/24 dev reg0")
	peertest.Run(t, "ip address add 198.51.100.1/32 dev reg0")
	peertest.Run(t, "ip link set reg0 up")
	w := newWorld(t, nil)
	at, err := w.Listen("198.51.100.1")
	if err != nil {
		t.Fatal(err)
	}
	p, states := startProcess(t, "-name", "host.example.test", "-server", at, "-key", keyFile(t, testKey), "-json", "-once",
		"-stack", "reg0", "-address", "192.0.2.7/24", "-address", "192.0.2.8/24", "-skip", "192.0.2.8", "-gateway", "192.0.2.1")
	l, _ := nextState(t, states)
	if err := p.Wait(); err != nil || len(l.Status.Registered) != 1 || len(w.Records("7.2.0.192.in-addr.arpa")) != 1 ||
		len(w.Records("host.example.test")) != 1 || l.reason("192.0.2.8") != "skip-as-source" {
		t.Errorf("%v, %+v, DNS has %v", err, l, w.Records("host.example.test"))
	}
}

// What can't be a stack is said before anything is opened.
func TestStackSettings(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"-stack reg0", "stack without address"},
		{"-address 192.0.2.7/24", "give stack too"},
		{"-stack this-name-is-too-long -address 192.0.2.7/24", "at most 15"},
	} {
		var w world
		p := w.program(append(strings.Fields(tt.args), "-name", "host.example.test", "-server", "192.0.2.53")...)
		p.open = openOrigin
		if code := p.run(t.Context()); code != exitUsage || !strings.Contains(w.log.String(), tt.want) {
			t.Errorf("%s: exit status %d\n%s", tt.args, code, &w.log)
		}
	}
}
