//go:build unix

package updates

import (
	"errors"
	"os"

	"github.com/hextet/hextet/internal/dnspeer"
)

// launchPeer starts an installed server in a directory of its own.
func launchPeer(product string, zones []string, options string) (*server, error) {
	dir, err := os.MkdirTemp("", "hextet-bench-")
	if err != nil {
		return nil, err
	}
	cfg := dnspeer.Config{Keys: []dnspeer.Key{{Name: keyName, Secret: secret}}, Options: options}
	for _, name := range zones {
		z := dnspeer.Zone{Name: name}
		if name == hostZones[0] {
			z.Records = []string{"ns1 IN A 127.0.0.1"} // the zones' name server, of which BIND wants to see the address
		}
		cfg.Zones = append(cfg.Zones, z)
	}
	s, err := dnspeer.Launch(dir, dnspeer.Kind(product), cfg)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &server{s.Address, func() error { return errors.Join(s.Close(), os.RemoveAll(dir)) }}, nil
}
