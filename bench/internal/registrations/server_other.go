//go:build !unix

package registrations

import "github.com/hextet/hextet/bench/internal/suite"

func newProduct(name string) (*server, error) {
	return nil, suite.Unavailable("needs a Unix-like system for %s", name)
}
