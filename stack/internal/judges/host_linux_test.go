package judges_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/internal/peertest"
	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/tun"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Who is who on every wire. The skipped addresses are the stack's too: they answer, and never ask.
const (
	kernel4, kernel6   = "192.0.2.1", "2001:db8::1"
	stack4, stack6     = "192.0.2.2", "2001:db8::2"
	skipped4, skipped6 = "192.0.2.66", "2001:db8::66"

	kernelMAC, stackMAC = "02:00:00:00:00:01", "02:00:00:00:00:02"
	linkLocal           = "fe80::ff:fe00:2" // from stackMAC (RFC 4291 appendix A)
)

// A host is the stack under judgement, at the end of a device whose other end is the kernel's.
type host struct {
	*stack.Stack
	iface   *stack.Interface
	device  string // "tun0", "tap0": its name here and in the kernel
	link    *tun.Device
	wire    *wire
	hostile bool // what the judge sends may be broken
}

// onTUN runs a judge in a fresh namespace with a device that carries bare IP packets, onTAP with one
// that carries Ethernet frames. When the judge is done, its wire is judged.
func onTUN(t *testing.T, tools string, judge func(t *testing.T, h *host)) {
	t.Run("tun", func(t *testing.T) { session(t, tun.Config{Name: "tun0", MTU: 1500}, tools, judge) })
}

func onTAP(t *testing.T, tools string, judge func(t *testing.T, h *host)) {
	hw, err := net.ParseMAC(stackMAC)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("tap", func(t *testing.T) {
		session(t, tun.Config{Name: "tap0", TAP: true, MTU: 1500, HardwareAddr: hw}, tools, judge)
	})
}

func onBoth(t *testing.T, tools string, judge func(t *testing.T, h *host)) {
	onTUN(t, tools, judge)
	onTAP(t, tools, judge)
}

func session(t *testing.T, cfg tun.Config, tools string, judge func(t *testing.T, h *host)) {
	peertest.EnterNetns(t, append(strings.Fields(tools), "sysctl", "nstat", "tshark")...)
	h := newHost(t, cfg)
	judge(t, h)
	h.checkCounters(t)
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	h.wire.check(t, h.hostile)
}

func newHost(t *testing.T, cfg tun.Config) *host {
	t.Helper()
	link, err := tun.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	configureKernel(t, cfg)
	s, err := stack.New(stack.Config{})
	if err != nil {
		t.Fatal(err)
	}
	h := &host{Stack: s, device: cfg.Name, link: link, wire: newWire(t)}
	t.Cleanup(func() { s.Close() })
	h.iface, err = s.Attach(stack.InterfaceConfig{Name: cfg.Name, Link: h.wire.Tap(cfg.Name, link)})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.iface.AddAddresses([]stack.Address{
		{Prefix: netip.MustParsePrefix(skipped6 + "/64"), SkipAsSource: true},
		{Prefix: netip.MustParsePrefix(skipped4 + "/24"), SkipAsSource: true},
		{Prefix: netip.MustParsePrefix(stack6 + "/64")},
		{Prefix: netip.MustParsePrefix(stack4 + "/24")},
	}); err != nil {
		t.Fatal(err)
	}
	return h
}

// configureKernel gives the kernel's end its addresses and waits until they work.
func configureKernel(t *testing.T, cfg tun.Config) {
	t.Helper()
	conf := "net.ipv6.conf." + cfg.Name + "."
	commands := []string{
		"sysctl -qw " + conf + "accept_dad=0 " + conf + "accept_ra=0",
		"ip link set " + cfg.Name + " up",
		"ip -6 addr add " + kernel6 + "/64 dev " + cfg.Name + " nodad",
		"ip addr add " + kernel4 + "/24 dev " + cfg.Name,
	}
	if cfg.TAP {
		commands = slices.Insert(commands, 1, "ip link set "+cfg.Name+" address "+kernelMAC)
	}
	for _, c := range commands {
		run(t, c)
	}
	// The local route of a nodad address comes a moment later; what is sent before is lost.
	runUntil(t, "ip -6 route show table local", "local "+kernel6+" ")
}

// patience is a context for what must come to an end, generous to a busy machine.
func patience(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, errors.New("no end within a minute"))
	t.Cleanup(cancel)
	return ctx
}

// run is for commands that are to succeed.
func run(t *testing.T, command string) string {
	t.Helper()
	out, err := try(t, command)
	if err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	return out
}

// try is for commands that may fail.
func try(t *testing.T, command string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	words := strings.Fields(command)
	out, err := exec.CommandContext(ctx, words[0], words[1:]...).CombinedOutput()
	return string(out), err
}

// runUntil repeats a command until it prints something.
func runUntil(t *testing.T, command, prints string) {
	t.Helper()
	for limit := time.Now().Add(time.Minute); ; {
		out := run(t, command)
		if strings.Contains(out, prints) {
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("%s never printed %q:\n%s", command, prints, out)
		}
	}
}

// listen serves TCP ports of the stack with connections that are accepted and closed.
func (h *host) listen(t *testing.T, ports ...string) {
	t.Helper()
	for _, port := range ports {
		l, err := h.Listen(t.Context(), "tcp", ":"+port)
		if err != nil {
			t.Fatal(err)
		}
		go func() { // ends with the stack
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				c.Close()
			}
		}()
	}
}
