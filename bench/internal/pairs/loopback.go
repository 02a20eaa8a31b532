package pairs

import (
	"context"
	"net"
	"runtime"

	"github.com/hextet/hextet/bench/internal/suite"
)

// Loopback returns the kernel, talking to itself over its loopback address in the
// plan's family, with that device's own MTU.
func Loopback(ctx context.Context, plan Plan) (*Pair, error) {
	address := "[::1]:0"
	if plan.Far.Addr().Is4() {
		address = "127.0.0.1:0"
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, suite.Unavailable("no loopback address: %v", err)
	}
	p := &Pair{Name: runtime.GOOS + " loopback", listener: l}
	p.closeWith(ctx)
	var d net.Dialer
	p.dial = func(ctx context.Context) (net.Conn, error) { return d.DialContext(ctx, "tcp", l.Addr().String()) }
	return p, nil
}
