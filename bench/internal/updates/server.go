package updates

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"slices"

	"github.com/hextet/hextet/bench/internal/suite"
	"github.com/hextet/hextet/dnsreg/dnsregtest"
)

// keyName and secret are the TSIG key of all zones, hmac-sha256.
const keyName = "bench.test"

var secret = []byte("0123456789abcdef0123456789abcdef")

// A server is one that takes updates of some zones.
type server struct {
	address string // host:port
	close   func() error
}

// A kind of server.
type kind struct {
	name  string
	batch int  // changes that a round has where one name changes
	slow  bool // a change takes longer here than a tenth of what a process takes
	open  func(zones []string) (*server, error)
}

// inProcess is the server that is always there.
const inProcess = "dnsregtest"

// kinds are all servers.
func kinds() []kind {
	return []kind{
		{inProcess, 8, false, func(zones []string) (*server, error) {
			s, address, err := inMemory(zones)
			if err != nil {
				return nil, err
			}
			return &server{address, s.Close}, nil
		}},
		{"bind", 4, false, func(zones []string) (*server, error) {
			return launch("BIND", "named", zones, "max-records-per-type 0;\n")
		}},
		{"knot", 4, true, func(zones []string) (*server, error) { return launch("Knot", "knotd", zones, "") }},
	}
}

// inMemory serves zones from this process.
func inMemory(zones []string) (s *dnsregtest.Server, address string, err error) {
	return watched(zones, nil)
}

// watched is inMemory with a hook that sees each request.
func watched(zones []string, hook func(dnsregtest.Request) dnsregtest.Fault) (s *dnsregtest.Server, address string, err error) {
	s, err = dnsregtest.New(dnsregtest.Config{Zones: zones, Keys: map[string][]byte{keyName: secret}, Fault: hook})
	if err != nil {
		return nil, "", err
	}
	if address, err = s.Listen("127.0.0.1"); err != nil {
		return nil, "", errors.Join(err, s.Close())
	}
	return s, address, nil
}

// launch starts a server in a process of its own.
func launch(product, program string, zones []string, options string) (*server, error) {
	if err := installed(program); err != nil {
		return nil, err
	}
	return launchPeer(product, zones, options)
}

// installed says if a program is not there.
func installed(programs ...string) error {
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			return suite.Unavailable("needs the program %s: %v", p, err)
		}
	}
	return nil
}

// addresses asks for the addresses of one family ("ip4" or "ip6") at a name, by the standard library.
func (s *server) addresses(ctx context.Context, network, name string) ([]netip.Addr, error) {
	r := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, s.address)
	}}
	addrs, err := r.LookupNetIP(ctx, network, name+".")
	if e, ok := errors.AsType[*net.DNSError](err); ok && e.IsNotFound {
		return nil, nil
	}
	slices.SortFunc(addrs, netip.Addr.Compare)
	return addrs, err
}

// holds says if the IPv4 addresses at a name are not these, which are sorted.
func (s *server) holds(ctx context.Context, name string, want ...netip.Addr) error {
	got, err := s.addresses(ctx, "ip4", name)
	if err == nil && !slices.Equal(got, want) {
		err = fmt.Errorf("updates: %s is at %v, not %v", name, got, want)
	}
	return err
}
