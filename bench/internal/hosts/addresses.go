package hosts

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/bench/internal/suite"
)

// whole is the number of addresses that the goals are about. For fewer, so is the share
// of the time in which a host may work; the second that duplicate address detection
// waits stays.
const whole = 65_536

// A scenario is a crowd and what becomes of it.
type scenario struct {
	name    string // of the case
	network string
	size    int
	order   order
	dad     bool
	gvisor  bool // as a peer
}

// goals are those of adding and of removing.
func (s *scenario) goals() (add, remove report.Goal) {
	work, wait := time.Second, time.Duration(0)
	if s.dad {
		work, wait = 2*time.Second, time.Second // RFC 4861 section 10: RETRANS_TIMER is 1,000 milliseconds
	}
	add = report.Goal{Kind: report.Total, Value: float64(wait + work*time.Duration(s.size)/whole)}
	remove = report.Goal{Kind: report.Total, Value: float64((wait + work) * time.Duration(s.size) / whole)}
	return add, remove
}

func (s *scenario) open(ctx context.Context) (*suite.Bench, error) {
	c := newCrowd(netip.MustParsePrefix(s.network), s.size, s.order)
	movers := []*mover{{size: s.size, make: func() (host, error) { return newOurs(ctx, c, s.dad) }}}
	add, remove := s.goals()
	b := &suite.Bench{
		Contenders: movers[0].contenders("hextet"),
		Rows:       []suite.Row{{Name: "add", Ours: 0, Peer: suite.Nobody, Goal: add}, {Name: "remove", Ours: 1, Peer: suite.Nobody, Goal: remove}},
		Fewer:      s.fewer(),
	}
	if s.gvisor {
		m := &mover{size: s.size, make: func() (host, error) { return newGvisor(ctx, c, s.dad) }}
		movers = append(movers, m)
		b.Contenders = append(b.Contenders, m.contenders("gvisor")...)
		b.Rows = append(b.Rows, suite.Row{Name: "add/gvisor", Ours: 0, Peer: 2}, suite.Row{Name: "remove/gvisor", Ours: 1, Peer: 3})
		b.Counts = []suite.Count{{Name: "memory", Unit: "B", Get: func() (float64, error) { return weigh(ctx, c) }}}
	}
	b.Err = func() error { return failure(movers) }
	b.Close = func() {
		for _, m := range movers {
			m.close()
		}
	}
	return b, nil
}

// fewer is how many rounds of others stand against one, in which nothing is done twice
// and which may take seconds.
func (s *scenario) fewer() int {
	if s.dad || s.size == whole {
		return 30
	}
	return 10
}

// weigh returns the bytes for each address.
func weigh(ctx context.Context, c crowd) (float64, error) {
	h, err := newOurs(ctx, c, false)
	if err != nil {
		return 0, err
	}
	bytes := measure.LiveBytes(func() any { err = h.add(); return h })
	if closed := h.close(); err == nil {
		err = closed
	}
	return bytes / float64(len(c)), err
}

// addressCases are those of n addresses.
func addressCases(n int) (cases []suite.Case) {
	scenarios := []scenario{
		{name: "ipv6", network: "2001:db8::/64", order: shuffled, gvisor: true},
		{name: "ipv4", network: "10.0.0.0/8", order: shuffled, gvisor: true},
		{name: "ipv6-dad", network: "2001:db8::/64", order: shuffled, dad: true},
	}
	if n == whole {
		scenarios = append(scenarios, scenario{name: "ipv6-up", network: "2001:db8::/64", order: up}, scenario{name: "ipv6-down", network: "2001:db8::/64", order: down},
			scenario{name: "ipv4-up", network: "10.0.0.0/8", order: up}, scenario{name: "ipv4-down", network: "10.0.0.0/8", order: down})
	}
	for _, s := range scenarios {
		s.size = n
		cases = append(cases, suite.Case{Name: fmt.Sprintf("addresses/%s/%d", s.name, n), Open: s.open})
	}
	return cases
}
