//go:build unix

package registrations

import (
	"errors"
	"os"
	"os/exec"
	"strings"

	"github.com/hextet/hextet/bench/internal/suite"
	"github.com/hextet/hextet/internal/dnspeer"
)

// products are the name servers that are measured, by their names in rows, with the program of each.
var products = map[string]struct {
	kind    dnspeer.Kind
	program string
}{
	"bind": {dnspeer.BIND, "named"},
	"knot": {dnspeer.Knot, "knotd"},
}

// newProduct starts a name server on loopback, and fails with an *UnavailableError where it is not installed.
func newProduct(name string) (*server, error) {
	p := products[name]
	if _, err := exec.LookPath(p.program); err != nil {
		return nil, suite.Unavailable("needs %s: %v", p.program, err)
	}
	dir, err := os.MkdirTemp("", "bench-"+name+"-")
	if err != nil {
		return nil, err
	}
	cfg := dnspeer.Config{Keys: []dnspeer.Key{{Name: keyName, Secret: secret}}}
	cfg.Zones = []dnspeer.Zone{{Name: zone, Records: []string{"ns1 IN A 127.0.0.1"}}}
	for _, z := range reverseZones {
		cfg.Zones = append(cfg.Zones, dnspeer.Zone{Name: z})
	}
	s, err := dnspeer.Launch(dir, p.kind, cfg)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &server{
		s.Address,
		func(name string) ([]string, error) { return s.Query(strings.TrimSuffix(name, ".")+".", "A") },
		func() error { return errors.Join(s.Close(), os.RemoveAll(dir)) },
	}, nil
}
