//go:build !linux

package pairs

import (
	"context"
	"runtime"

	"github.com/hextet/hextet/bench/internal/suite"
)

// HextetTUN is Linux's.
func HextetTUN(context.Context, Plan) (*Pair, error) {
	return nil, suite.Unavailable("needs Linux; this is %s", runtime.GOOS)
}

// GVisorTUN is Linux's.
func GVisorTUN(context.Context, Plan) (*Pair, error) {
	return nil, suite.Unavailable("needs Linux; this is %s", runtime.GOOS)
}
