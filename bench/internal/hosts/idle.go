package hosts

import (
	"context"
	"errors"
	"net/netip"

	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/bench/internal/suite"
	"github.com/hextet/hextet/stack"
)

// idleHosts is how many hosts there are at a time.
const idleHosts = 64

// An idler makes hosts that do nothing and closes them.
type idler struct {
	prefixes []netip.Prefix // what the interface of each has; none: it has no interface
	hosts    []*stack.Stack
	err      error
}

func (d *idler) open(n int) {
	for range n {
		if d.err != nil {
			return
		}
		d.err = d.openOne()
	}
}

func (d *idler) openOne() error {
	s, err := stack.New(stack.Config{})
	if err != nil {
		return err
	}
	d.hosts = append(d.hosts, s)
	if len(d.prefixes) == 0 {
		return nil
	}
	wire, _ := stack.Pipe(1500)
	eth, err := s.Attach(stack.InterfaceConfig{Link: wire})
	for _, p := range d.prefixes {
		if err == nil {
			err = eth.AddAddress(stack.Address{Prefix: p})
		}
	}
	return err
}

func (d *idler) close(int) {
	for _, s := range d.hosts {
		d.err = errors.Join(d.err, s.Close())
	}
	clear(d.hosts)
	d.hosts = d.hosts[:0]
}

// bytes returns what one host takes, the stacks of its goroutines included.
func (d *idler) bytes() (float64, error) {
	bytes := measure.HeldBytes(func() any { d.open(idleHosts); return d.hosts })
	d.close(0)
	return bytes / idleHosts, d.err
}

// idleBench is of hosts that were made and did nothing yet.
func idleBench(prefixes ...netip.Prefix) *suite.Bench {
	d := &idler{prefixes: prefixes}
	return &suite.Bench{
		Contenders: []measure.Contender{{Name: "hextet", Before: d.open, Run: d.close, Limit: idleHosts}},
		Rows:       []suite.Row{{Name: "close", Ours: 0, Peer: suite.Nobody, Goal: report.Goal{Kind: report.Total, Value: 5e6}}},
		Counts: []suite.Count{{Name: "memory", Unit: "KiB", Goal: report.Goal{Kind: report.Total, Value: 64}, Get: func() (float64, error) {
			bytes, err := d.bytes()
			return bytes / 1024, err
		}}},
		Err: func() error { return d.err },
	}
}

func idleCases() []suite.Case {
	return []suite.Case{
		{Name: "addresses/idle-stack", Open: func(context.Context) (*suite.Bench, error) { return idleBench(), nil }},
		{Name: "addresses/idle-stack-one-address", Open: func(context.Context) (*suite.Bench, error) {
			return idleBench(netip.MustParsePrefix("2001:db8::1/64")), nil
		}},
	}
}
