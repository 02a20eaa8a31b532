package main

import (
	"context"
	"encoding/json"
	"flag"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/dnsreg"
	"github.com/hextet/hextet/dnsreg/dnsregtest"
	"github.com/hextet/hextet/srcselect"
	"go.uber.org/goleak"
)

var update = flag.Bool("update", false, "write what is printed into testdata")

const testKey = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="

// asProgram in the environment makes the test binary the program itself.
const asProgram = "REGISTER_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	goleak.VerifyTestMain(m)
}

// world is what a run of the program sees: addresses on one interface, and a server.
type world struct {
	*dnsregtest.Server
	address  string // of the server
	table    table
	out, log strings.Builder
	again    chan os.Signal
}

// newWorld has the server on loopback. Updates are to be signed with testKey, by the name upd.
func newWorld(t *testing.T, fault func(dnsregtest.Request) dnsregtest.Fault, addrs ...srcselect.Address) *world {
	t.Helper()
	s, err := dnsregtest.New(dnsregtest.Config{
		Zones: []string{"example.test", "2.0.192.in-addr.arpa"}, Keys: map[string][]byte{"upd": []byte("kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk")}, Fault: fault,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	w := &world{Server: s, again: make(chan os.Signal)}
	if w.address, err = s.Listen("127.0.0.1"); err != nil {
		t.Fatal(err)
	}
	w.table.set(map[int]string{2: "eth0"}, addrs)
	return w
}

func address(prefix string) srcselect.Address {
	return srcselect.Address{Prefix: netip.MustParsePrefix(prefix), Interface: 2}
}

// run runs the program for host.example.test at the server, with more arguments.
func (w *world) run(ctx context.Context, args ...string) int {
	return w.program(append([]string{"-name", "host.example.test", "-server", w.address}, args...)...).run(ctx)
}

func (w *world) program(args ...string) *program {
	return &program{
		args: args, out: &w.out, log: &w.log, again: w.again,
		open: func(_ context.Context, s *settings, _ *slog.Logger) (*origin, error) {
			return &origin{
				source: skipping{&w.table, s.skip}, names: w.table.interfaceNames, dial: new(net.Dialer).DialContext,
				close: func() error { return nil },
			}, nil
		},
	}
}

// state is what tests read of a line of JSON.
type state struct {
	Kind       string
	Interfaces map[int]string
	Update     updateLine
	Status     struct {
		Name       string
		Addresses  []verdict
		Registered []netip.Addr
		Zones      []struct {
			Zone        string
			LastSuccess time.Time
		}
		Skipped  []struct{ Name string }
		Counters dnsreg.Counters
	}
}

type verdict struct {
	Address srcselect.Address
	Reason  string
	Names   []string
}

// verdict returns the reason for an address.
func (s state) reason(address string) string {
	for _, v := range s.Status.Addresses {
		if v.Address.Prefix.Addr() == netip.MustParseAddr(address) {
			return v.Reason
		}
	}
	return "not there"
}

// nextState returns the next status, and the updates told of before it.
func nextState(t *testing.T, from *json.Decoder) (s state, updates []updateLine) {
	t.Helper()
	for {
		s = state{}
		if err := from.Decode(&s); err != nil {
			t.Fatal(err)
		}
		if s.Kind == "status" {
			return s, updates
		}
		updates = append(updates, s.Update)
	}
}

// keyFile is a file with the key that the server wants, or with another secret.
func keyFile(t *testing.T, secret string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(name, []byte("hmac-sha256:upd:"+secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// golden compares with a file of testdata, or writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	name = filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}
