//go:build !linux

package networks

import (
	"context"
	"runtime"

	"github.com/hextet/hextet/bench/internal/suite"
)

// newKernel is Linux's.
func newKernel(context.Context, plan) (network, error) {
	return nil, suite.Unavailable("needs Linux; this is %s", runtime.GOOS)
}
