package registrations

import (
	"fmt"
	"slices"

	"github.com/hextet/hextet/dnsreg/dnsregtest"
)

const (
	zone    = "example.test"
	keyName = "bench.example.test"
)

var (
	secret       = []byte("a secret of this suite's own: 32")
	reverseZones = []string{"10.in-addr.arpa", "8.b.d.0.1.0.0.2.ip6.arpa"}
)

// A server holds the zones.
type server struct {
	address string // host:port
	// lookup returns the A records at a name, each as a master file line.
	lookup func(name string) ([]string, error)
	close  func() error
}

// newOwn starts dnsregtest on loopback. It shares this process's processors with whoever writes to it.
func newOwn() (*server, *dnsregtest.Server, error) {
	s, err := dnsregtest.New(dnsregtest.Config{
		Zones: append([]string{zone}, reverseZones...),
		Keys:  map[string][]byte{keyName: secret},
	})
	if err != nil {
		return nil, nil, err
	}
	address, err := s.Listen("127.0.0.1")
	if err != nil {
		return nil, nil, err
	}
	lookup := func(name string) (lines []string, err error) {
		for _, r := range s.Records(name) {
			if r.Type == "A" {
				lines = append(lines, fmt.Sprintf("%s %d IN A %s", r.Name, r.TTL, r.Data))
			}
		}
		return lines, nil
	}
	return &server{address, lookup, s.Close}, s, nil
}

// holds returns an error unless just this record is at the name.
func (s *server) holds(name, addr string) error {
	got, err := s.lookup(name)
	if want := []string{fmt.Sprintf("%s. %d IN A %s", name, ttl, addr)}; err == nil && !slices.Equal(got, want) {
		err = fmt.Errorf("registrations: the server has %q, not %q", got, want)
	}
	return err
}
