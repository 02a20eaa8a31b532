//go:build !linux

package choices

import (
	"context"
	"net/netip"
	"runtime"

	"github.com/hextet/hextet/bench/internal/suite"
	"github.com/hextet/hextet/srcselect"
)

// kernel is none here.
type kernel struct{}

func newKernel(context.Context, []srcselect.Address, []srcselect.Query) (*kernel, error) {
	return nil, suite.Unavailable("needs Linux; this is %s", runtime.GOOS)
}

func (*kernel) choose(int) (a netip.Addr, err error) { return a, err }
func (*kernel) run(int)                              {}
func (*kernel) close()                               {}
