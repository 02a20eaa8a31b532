package hosts

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/suite"
)

// sizes are the numbers of addresses that show how a call grows with them.
var sizes = []int{1, 10, 100, 1_000, 10_000, 100_000}

// An adder gives new hosts their addresses. A turn is a host.
type adder struct {
	size  int
	make  func() (host, error)
	hosts []host
	err   error // the first
}

// contender makes the hosts, counts their addresses and closes them out of the time that
// is measured.
func (a *adder) contender(name string) measure.Contender {
	return measure.Contender{Name: name, Before: a.open, Run: a.add, After: a.verify, Limit: max(1, min(idleHosts, 100/a.size))}
}

func (a *adder) open(n int) {
	for range n {
		if a.err != nil {
			return
		}
		var h host
		if h, a.err = a.make(); a.err == nil {
			a.hosts = append(a.hosts, h)
		}
	}
}

func (a *adder) add(int) {
	for _, h := range a.hosts {
		if err := h.add(); a.err == nil {
			a.err = err
		}
	}
}

func (a *adder) verify(int) {
	for _, h := range a.hosts {
		if a.err == nil {
			a.err = has(h, a.size)
		}
	}
	a.close()
}

func (a *adder) close() {
	for _, h := range a.hosts {
		a.err = errors.Join(a.err, h.close())
	}
	clear(a.hosts)
	a.hosts = a.hosts[:0]
}

// curveBench compares with gVisor at n addresses.
func curveBench(ctx context.Context, n int) *suite.Bench {
	c := newCrowd(netip.MustParsePrefix("2001:db8::/64"), n, shuffled)
	hextet := &adder{size: n, make: func() (host, error) { return newOurs(ctx, c, false) }}
	gvisor := &adder{size: n, make: func() (host, error) { return newGvisor(ctx, c, false) }}
	return &suite.Bench{
		Contenders: []measure.Contender{measure.Clean(hextet.contender("hextet")), measure.Clean(gvisor.contender("gvisor"))},
		Rows:       []suite.Row{{Ours: 0, Peer: 1}},
		Fewer:      curveFewer(n),
		Err:        func() error { return errors.Join(hextet.err, gvisor.err) },
		Close:      func() { hextet.close(); gvisor.close() },
	}
}

// curveFewer bounds the time: a host of 100,000 addresses takes seconds to fill, to count and
// to close.
func curveFewer(n int) int {
	switch {
	case n > 10_000:
		return 30
	case n > 1000:
		return 10
	}
	return 4
}

func curveCases(sizes []int) (cases []suite.Case) {
	for _, n := range sizes {
		cases = append(cases, suite.Case{Name: fmt.Sprintf("addresses/curve/%d", n), Open: func(ctx context.Context) (*suite.Bench, error) { return curveBench(ctx, n), nil }})
	}
	return cases
}
