package dnsreg

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hextet/hextet/dnsreg/dnsregtest"
	"github.com/hextet/hextet/srcselect"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	hostName   = "host.example.test."
	keyName    = "upd.example.test."
	serverAddr = "192.0.2.53:53"
)

var (
	secret       = []byte("kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk")
	reverseZones = []string{"2.0.192.in-addr.arpa", "8.b.d.0.1.0.0.2.ip6.arpa"}
)

// world is a host with a table of addresses, and a server that holds its zones.
type world struct {
	t      *testing.T
	net    memNet
	server *dnsregtest.Server
	table  AddressTable

	mu      sync.Mutex
	fault   func(dnsregtest.Request) dnsregtest.Fault
	updates []dnsregtest.Request // as they arrived
	queries []dnsregtest.Request
}

// newWorld serves example.test, the reverse zones and further ones.
func newWorld(t *testing.T, zones ...string) *world {
	w := &world{t: t}
	w.server = w.net.serve(t, serverAddr, dnsregtest.Config{
		Zones: append(append([]string{"example.test"}, reverseZones...), zones...),
		Keys:  map[string][]byte{keyName: secret},
		Fault: w.observe,
	})
	return w
}

func (w *world) observe(r dnsregtest.Request) dnsregtest.Fault {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r.Update {
		w.updates = append(w.updates, r)
	} else {
		w.queries = append(w.queries, r)
	}
	if w.fault != nil {
		return w.fault(r)
	}
	return dnsregtest.Fault{}
}

// misbehave sets what goes wrong from now on; nil mends it.
func (w *world) misbehave(f func(dnsregtest.Request) dnsregtest.Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault = f
}

// sent returns and forgets the updates that have arrived.
func (w *world) sent() []dnsregtest.Request {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.updates
	w.updates = nil
	return out
}

// asked returns the queries that have arrived.
func (w *world) asked() []dnsregtest.Request {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.queries)
}

func (w *world) config() Config {
	return Config{
		Name: "host.example.test", Source: &w.table, Servers: []string{serverAddr},
		Auth: TSIG(keyName, "hmac-sha256", secret), Dial: w.net.dial,
	}
}

func (w *world) registrar(change ...func(*Config)) *Registrar {
	w.t.Helper()
	cfg := w.config()
	for _, f := range change {
		f(&cfg)
	}
	r, err := New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) sync(r *Registrar) {
	w.t.Helper()
	if err := r.Sync(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// holds checks the addresses at the name and that exactly these have PTR records to it.
func (w *world) holds(addrs ...string) {
	w.t.Helper()
	addrs = slices.Sorted(slices.Values(addrs))
	var forward []string
	for _, r := range w.server.Records(hostName) {
		forward = append(forward, r.Data)
	}
	slices.Sort(forward)
	if !slices.Equal(forward, addrs) {
		w.t.Errorf("%s has %v, want %v", hostName, forward, addrs)
	}
	var reverse, want []string
	for _, z := range reverseZones {
		for _, r := range w.server.Zone(z) {
			if r.Type == "PTR" && r.Data == hostName {
				reverse = append(reverse, r.Name)
			}
		}
	}
	for _, a := range addrs {
		want = append(want, reverseName(netip.MustParseAddr(a)))
	}
	slices.Sort(reverse)
	slices.Sort(want)
	if !slices.Equal(reverse, want) {
		w.t.Errorf("PTR records %v, want %v", reverse, want)
	}
}

// host parses addresses: "192.0.2.1" is eligible, "192.0.2.1 skip" is not.
func host(lines ...string) []srcselect.Address {
	var out []srcselect.Address
	for _, line := range lines {
		addr, flags, _ := strings.Cut(line, " ")
		ip := netip.MustParseAddr(addr)
		bits := 64
		if ip.Is4() {
			bits = 24
		}
		out = append(out, srcselect.Address{
			Prefix: netip.PrefixFrom(ip, bits), Interface: 1,
			SkipAsSource: strings.Contains(flags, "skip"), Tentative: strings.Contains(flags, "tentative"),
			Deprecated: strings.Contains(flags, "deprecated"), Temporary: strings.Contains(flags, "temporary"),
		})
	}
	return out
}

func zoneText(s *dnsregtest.Server, zone string) []string {
	var out []string
	for _, r := range s.Zone(zone) {
		if r.Type != "SOA" {
			out = append(out, r.String())
		}
	}
	return out
}

// only applies a fault to updates of one zone.
func only(zone string, f dnsregtest.Fault) func(dnsregtest.Request) dnsregtest.Fault {
	return func(r dnsregtest.Request) dnsregtest.Fault {
		if r.Update && r.Name == zone {
			return f
		}
		return dnsregtest.Fault{}
	}
}

func serverError(t *testing.T, err error) *ServerError {
	t.Helper()
	e, ok := errors.AsType[*ServerError](err)
	if !ok {
		t.Fatalf("error %v is no *ServerError", err)
	}
	return e
}

// skewedClock is ahead of the host's, or behind.
type skewedClock struct {
	Clock
	by time.Duration
}

func (c skewedClock) Now() time.Time { return c.Clock.Now().Add(c.by) }
