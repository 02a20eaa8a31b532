package dnsreg

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/hextet/hextet/dnsreg/dnsregtest"
)

// site is a network of servers, with a record of who was asked what.
type site struct {
	t     *testing.T
	net   memNet
	clock steppedClock

	mu      sync.Mutex
	asked   []string // "192.0.2.53:53 SOA example.test."
	dialled map[string]int
}

const resolverAddr = "198.51.100.53:53"

func newSite(t *testing.T) *site { return &site{t: t, dialled: make(map[string]int)} }

// steppedClock is the host's, moved on by hand.
type steppedClock struct {
	hostClock
	mu    sync.Mutex
	ahead time.Duration
}

func (c *steppedClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *steppedClock) step(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// serve starts a server that takes updates from everybody. fault may be nil.
func (s *site) serve(address string, fault func(dnsregtest.Request) dnsregtest.Fault, zones ...string) *dnsregtest.Server {
	return s.net.serve(s.t, address, dnsregtest.Config{Zones: zones, Fault: func(q dnsregtest.Request) dnsregtest.Fault {
		s.mu.Lock()
		s.asked = append(s.asked, address+" "+q.Type+" "+q.Name)
		s.mu.Unlock()
		if fault != nil {
			return fault(q)
		}
		return dnsregtest.Fault{}
	}})
}

func (s *site) insert(server *dnsregtest.Server, lines ...string) {
	s.t.Helper()
	if err := server.Insert(lines...); err != nil {
		s.t.Fatal(err)
	}
}

// soa is the SOA record of a zone with another primary.
func soa(zone, mname string) string {
	return zone + ". 300 SOA " + mname + " hostmaster.example.test. 1 3600 600 86400 60"
}

func (s *site) dial(ctx context.Context, network, address string) (net.Conn, error) {
	s.mu.Lock()
	s.dialled[address]++
	s.mu.Unlock()
	return s.net.dial(ctx, network, address)
}

// registrar is one without addresses.
func (s *site) registrar(change func(*Config)) *Registrar {
	s.t.Helper()
	cfg := Config{Name: "host.example.test", Source: new(AddressTable), Dial: s.dial, Clock: &s.clock}
	change(&cfg)
	r, err := New(cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

func (s *site) given(servers ...string) *places {
	return &s.registrar(func(c *Config) { c.Servers = servers }).places
}

func (s *site) resolving(servers ...string) *places {
	return &s.registrar(func(c *Config) { c.Resolvers, c.Servers = []string{resolverAddr}, servers }).places
}

// questions returns and forgets what was asked.
func (s *site) questions() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.asked
	s.asked = nil
	return out
}

func (s *site) locates(ps *places, name string, want place) {
	s.t.Helper()
	if got, err := ps.locate(s.t.Context(), name); err != nil || got != want {
		s.t.Errorf("%s is at %v, %v; want %v", name, got, err, want)
	}
}

// asks compares what was asked since the last time.
func (s *site) asks(want ...string) {
	s.t.Helper()
	if got := s.questions(); !slices.Equal(got, want) {
		s.t.Errorf("asked:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// rewrite changes the replies.
func rewrite(f func(*dns.Msg)) func(dnsregtest.Request) dnsregtest.Fault {
	return func(dnsregtest.Request) dnsregtest.Fault {
		return dnsregtest.Fault{Forge: func(wire []byte) [][]byte {
			m := new(dns.Msg)
			if m.Unpack(wire) != nil {
				return nil
			}
			f(m)
			wire, err := m.Pack()
			if err != nil {
				return nil
			}
			return [][]byte{wire}
		}}
	}
}

// strip is what dnsmasq and systemd-resolved do to what they forward: nothing is left but the answer.
func strip(m *dns.Msg) { m.Ns, m.Extra, m.Authoritative = nil, nil, false }

func refuse(dnsregtest.Request) dnsregtest.Fault { return dnsregtest.Fault{Rcode: dns.RcodeRefused} }
