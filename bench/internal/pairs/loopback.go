package pairs

import (
	"context"
	"net"
	"net/netip"
	"runtime"

	"github.com/hextet/hextet/bench/internal/suite"
)

// LoopbackPlan returns the kernel's own addresses in p's family.
func LoopbackPlan(p Plan) Plan {
	loopback := netip.MustParsePrefix("::1/128")
	if p.Far.Addr().Is4() {
		loopback = netip.MustParsePrefix("127.0.0.1/8")
	}
	return Plan{Near: []netip.Prefix{loopback}, Far: loopback}
}

// Loopback returns the kernel, talking to itself, with that device's own MTU. Of the plan
// it takes the family.
func Loopback(ctx context.Context, plan Plan) (*Pair, error) {
	address := netip.AddrPortFrom(LoopbackPlan(plan).Far.Addr(), 0).String() // any free port
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
