//go:build !unix

package updates

import "github.com/hextet/hextet/bench/internal/suite"

func launchPeer(product string, _ []string, _ string) (*server, error) {
	return nil, suite.Unavailable("%s is started on Unix-like systems only", product)
}
