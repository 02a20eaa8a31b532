//go:build !linux

package raw

import (
	"context"
	"net/netip"
	"runtime"

	"github.com/hextet/hextet/bench/internal/suite"
)

// A device is none here.
type device struct{ kind string }

var devices = []device{{"ifb"}, {"veth"}}

// kernel is none here.
type kernel struct{ host }

func newKernel(context.Context, device, []netip.Prefix) (*kernel, error) {
	return nil, suite.Unavailable("needs Linux; this is %s", runtime.GOOS)
}
