package netsh_test

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hextet/hextet/dnsreg"
	"github.com/hextet/hextet/srcselect"
	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/lab"
	"github.com/hextet/hextet/stack/netsh"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var _ netsh.Registrar = (*dnsreg.Registrar)(nil)

// newHost returns a host on a wire to nobody, and a shell.
func newHost(t testing.TB) (*stack.Stack, *netsh.Shell) {
	t.Helper()
	s, err := stack.New(stack.Config{NoTCP: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	wire, _ := stack.Pipe(1500)
	i, err := s.Attach(stack.InterfaceConfig{Name: "Local Area Connection", Link: wire})
	if err != nil {
		t.Fatal(err)
	}
	if err := i.AddAddresses([]stack.Address{{Prefix: netip.MustParsePrefix("192.168.1.2/24")}, {Prefix: netip.MustParsePrefix("2001:db8::2/64")}}); err != nil {
		t.Fatal(err)
	}
	sh, err := netsh.New(netsh.Config{Stack: s})
	if err != nil {
		t.Fatal(err)
	}
	return s, sh
}

func TestNewWithoutStack(t *testing.T) {
	if _, err := netsh.New(netsh.Config{}); err == nil || !strings.Contains(err.Error(), "Config.Stack") {
		t.Errorf("error %v, want one about Config.Stack", err)
	}
}

// errors.Is and errors.As find what the package promises.
func TestErrors(t *testing.T) {
	_, sh := newHost(t)
	for _, tt := range []struct {
		line string
		is   error
	}{
		{"nonsense", netsh.ErrSyntax},
		{"netsh interface ipv4 add address 1 10.0.0.1", netsh.ErrSyntax},
		{`netsh "`, netsh.ErrSyntax},
		{strings.Repeat("x", netsh.MaxLine+1), netsh.ErrSyntax},
		{"netsh interface ipv4 add address nowhere 10.0.0.1/8", syscall.ENODEV},
		{"netsh interface ipv4 add address 1 10.0.0.1/8 store=persistent", errors.ErrUnsupported},
		{"netsh interface ipv4 add address 1 10.0.0.1/8 type=anycast", errors.ErrUnsupported},
		{"netsh interface ipv4 set address 1 source=dhcp", errors.ErrUnsupported},
		{"ipconfig /renew", errors.ErrUnsupported},
		{"ipconfig /registerdns", errors.ErrUnsupported},
		{"netsh interface ipv4 delete address 1 10.0.0.1", syscall.EADDRNOTAVAIL},
		{"netsh interface ipv6 delete route ::/0 1", syscall.ESRCH},
		{"netsh interface ipv6 delete prefixpolicy 2001:db8::/32", syscall.ESRCH},
		{"netsh interface ipv6 add prefixpolicy ::/0 1 1", syscall.EEXIST},
		{"netsh interface ipv4 add address 1 192.168.1.2/24", syscall.EEXIST},
		{"netsh interface ipv4 add address 1 127.0.0.1/8", syscall.EINVAL},
		{"netsh interface ipv4 add route 0.0.0.0/0 1 10.0.0.1", syscall.ENETUNREACH},
	} {
		err := sh.Run(t.Context(), tt.line, io.Discard)
		var e *netsh.Error
		if !errors.Is(err, tt.is) || !errors.As(err, &e) {
			t.Errorf("%.60s: error %v, want %v in an *Error", tt.line, err, tt.is)
		} else if tt.is != netsh.ErrSyntax && errors.Is(err, netsh.ErrSyntax) {
			t.Errorf("%.60s: error %v is ErrSyntax too", tt.line, err)
		}
	}
}

// The word that an Error names stands where it says.
func TestErrorColumn(t *testing.T) {
	_, sh := newHost(t)
	line := `netsh int ipv4  add  address "Local Area Connection" 10.0.0.1/8   skipassorce=true`
	var e *netsh.Error
	if err := sh.Run(t.Context(), line, io.Discard); !errors.As(err, &e) {
		t.Fatal(err)
	}
	if e.Command != "interface ipv4 add address" || e.Word != "skipassorce=true" || line[e.Column-1:] != e.Word || e.Nearest != "skipassource" {
		t.Errorf("%+v", e)
	}
}

// A line that can't be run leaves the context as it is.
func TestErrorContext(t *testing.T) {
	_, sh := newHost(t)
	if err := sh.Run(t.Context(), "interface ipv4", io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"netsh .. show", ".. show", "bye bye", "netsh bye bye"} {
		if err := sh.Run(t.Context(), line, io.Discard); !errors.Is(err, netsh.ErrSyntax) || sh.Prompt() != "netsh interface ipv4>" {
			t.Errorf("%s: %v, and then the prompt %s", line, err, sh.Prompt())
		}
	}
}

type fails struct{ err error }

func (f fails) Sync(context.Context) error { return f.err }

// An error is one line, whatever a registrar says.
func TestErrorLine(t *testing.T) {
	s, _ := newHost(t)
	sh, err := netsh.New(netsh.Config{Stack: s, Registrar: fails{errors.Join(errors.New("no A"), errors.New("no PTR"))}})
	if err != nil {
		t.Fatal(err)
	}
	const want = "netsh: ipconfig /registerdns: no A; no PTR"
	if err := sh.Run(t.Context(), "ipconfig /registerdns", io.Discard); err == nil || err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
}

// A line that can't be run does not prefer an address again that is deprecated.
func TestErrorLifetimes(t *testing.T) {
	l := lab.New(t)
	h := l.Host(lab.HostConfig{})
	sh, err := netsh.New(netsh.Config{Stack: h.Stack})
	if err != nil {
		t.Fatal(err)
	}
	if err := sh.Run(t.Context(), "netsh int ipv4 add address eth0 10.0.0.5/24 validlifetime=1h preferredlifetime=10", io.Discard); err != nil {
		t.Fatal(err)
	}
	l.Advance(time.Minute)
	deprecated := func() bool {
		for _, a := range h.Interfaces()[0].Addresses() {
			if a.Prefix.Addr().Is4() {
				return a.Deprecated
			}
		}
		return false
	}
	if !deprecated() {
		t.Fatal("preferred after its time")
	}
	if err := sh.Run(t.Context(), "netsh int ipv4 set address eth0 10.0.0.5 preferredlifetime=100 gateway=192.0.2.1", io.Discard); !errors.Is(err, syscall.ENETUNREACH) {
		t.Fatal(err)
	}
	if l.Advance(time.Second); !deprecated() {
		t.Error("preferred again by a line that failed")
	}
}

// What add route adds, delete route deletes, also where an address's prefix has a route already.
func TestRouteBesideAddress(t *testing.T) {
	s, sh := newHost(t)
	before := len(s.Routes())
	for _, metric := range []string{"0", "5"} {
		for _, line := range []string{"add route 192.168.1.0/24 1 metric=" + metric, "set route 192.168.1.0/24 1 metric=7", "delete route 192.168.1.0/24 1"} {
			if err := sh.Run(t.Context(), "netsh int ipv4 "+line, io.Discard); err != nil {
				t.Error(err)
			}
		}
		if n := len(s.Routes()); n != before {
			t.Errorf("%d routes, of %d: %v", n, before, s.Routes())
		}
	}
	if err := sh.Run(t.Context(), "netsh int ipv4 delete route 192.168.1.0/24 1", io.Discard); !errors.Is(err, syscall.ESRCH) || !strings.Contains(err.Error(), "goes with the address") {
		t.Error(err)
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

func TestWriteError(t *testing.T) {
	_, sh := newHost(t)
	want := errors.New("no room")
	if err := sh.Run(t.Context(), "netsh interface ipv4 show route", failingWriter{want}); err != want {
		t.Errorf("error %v, want %v", err, want)
	}
	if err := sh.Run(t.Context(), " # a comment", failingWriter{want}); err != nil {
		t.Errorf("a comment writes: %v", err)
	}
}

// The context that Run gets is the one that the registrar waits with, and its error is Run's.
func TestRegisterContext(t *testing.T) {
	s, _ := newHost(t)
	sh, err := netsh.New(netsh.Config{Stack: s, Registrar: waits{}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := sh.Run(ctx, "ipconfig /registerdns", io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}

type waits struct{}

func (waits) Sync(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// A row that the table got by itself for a known-local prefix stays one of these while others change, and
// becomes a configured one when it is set.
func TestKnownLocalRows(t *testing.T) {
	s, sh := newHost(t)
	a, b := netip.MustParsePrefix("fd00:1::/48"), netip.MustParsePrefix("fd00:2::/48")
	p, err := srcselect.UpdatePolicy().WithKnownLocal(a, b)
	if err != nil {
		t.Fatal(err)
	}
	s.SetPolicy(p)
	run := func(line string) {
		t.Helper()
		if err := sh.Run(t.Context(), "netsh interface ipv6 "+line, io.Discard); err != nil {
			t.Fatal(err)
		}
	}
	check := func(want ...netip.Prefix) {
		t.Helper()
		got := s.Policy().KnownLocal()
		if len(got) != len(want) {
			t.Fatalf("known-local: %v, want %v", got, want)
		}
		for k := range got {
			if got[k] != want[k] {
				t.Fatalf("known-local: %v, want %v", got, want)
			}
		}
	}
	run("add prefixpolicy 2001:db8::/32 45 7")
	check(a, b)
	run("set prefixpolicy fd00:1::/48 30 9")
	check(b)
	run("delete prefixpolicy fd00:2::/48")
	check()
	if row, _ := s.Policy().Lookup(netip.MustParseAddr("fd00:1::1"), 0); row.Precedence != 30 || row.Label != 9 {
		t.Errorf("row %+v", row)
	}
	if _, ok := s.Policy().Lookup(netip.MustParseAddr("fd00:2::1"), 0); !ok {
		t.Error("fc00::/7 is gone")
	}
}

// Rows of one interface are not touched by commands, which are about all interfaces.
func TestInterfaceRows(t *testing.T) {
	s, sh := newHost(t)
	p, err := srcselect.NewPolicy([]srcselect.PolicyEntry{
		{Prefix: netip.MustParsePrefix("::/0"), Precedence: 40, Label: 1},
		{Prefix: netip.MustParsePrefix("::/0"), Precedence: 41, Label: 2, Interface: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.SetPolicy(p)
	var b strings.Builder
	for _, line := range []string{"netsh interface ipv6 set prefixpolicy ::/0 30 3", "netsh interface ipv6 show prefixpolicies"} {
		if err := sh.Run(t.Context(), line, &b); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"        41      2  ::/0 (interface 1 only)\n", "        30      3  ::/0\n"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

// A name with = or blanks is one word in quotes, for Run and from Complete; and a host with many interfaces
// does not make errors long.
func TestInterfaceNames(t *testing.T) {
	s, sh := newHost(t)
	for _, name := range []string{"a=b", "x y = z", "c0", "c1", "c2", "c3", "c4", "c5", "c6"} {
		wire, _ := stack.Pipe(1500)
		if _, err := s.Attach(stack.InterfaceConfig{Name: name, Link: wire}); err != nil {
			t.Fatal(err)
		}
	}
	for _, line := range []string{`netsh interface ipv4 show addresses "a=b"`, `netsh interface ipv4 show addresses name="x y = z"`, `netsh interface ipv4 show addresses name=a=b`} {
		var b strings.Builder
		if err := sh.Run(t.Context(), line, &b); err != nil || strings.Count(b.String(), "Configuration for") != 1 {
			t.Errorf("%s: %v\n%s", line, err, b.String())
		}
	}
	if got := sh.Complete("netsh interface ipv4 show addresses name=a"); len(got) != 1 || got[0] != `netsh interface ipv4 show addresses name="a=b"` {
		t.Errorf("completed to %q", got)
	}
	err := sh.Run(t.Context(), "netsh interface ipv4 show addresses c9", io.Discard)
	if err == nil || !strings.Contains(err.Error(), "c4 or 2 others; did you mean c0?") {
		t.Errorf("error %v", err)
	}
}
