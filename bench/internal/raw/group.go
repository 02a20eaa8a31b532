package raw

import (
	"fmt"
	"slices"

	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/bench/internal/suite"
)

// A group is a bench whose contenders are the senders of hosts.
type group struct {
	suite.Bench
	ours []*host
	peer *host
}

func newGroup(ours []*host, peer *host) *group {
	g := &group{ours: ours, peer: peer}
	hosts := append(ours[:len(ours):len(ours)], peer)
	for _, h := range hosts {
		for _, s := range h.senders {
			g.Contenders = append(g.Contenders, s.contender())
		}
	}
	g.Check = func() error {
		for _, h := range hosts {
			if err := h.check(); err != nil {
				return err
			}
		}
		return nil
	}
	g.Close = func() { closeAll(hosts) }
	g.Counts = []suite.Count{
		{Name: "lost", Unit: "packets", Goal: report.Goal{Kind: report.Total}, Get: g.lost},
		{Name: "allocs", Unit: "allocs", Goal: report.Goal{Kind: report.Total, Value: 1}, Get: g.allocations},
	}
	return g
}

func closeAll(hosts []*host) {
	for _, h := range hosts {
		h.close()
	}
}

// row adds a comparison of two contenders by their names, which there must be.
func (g *group) row(name, ours, peer string, kind report.Kind, value float64) {
	at := func(name string) int {
		i := slices.IndexFunc(g.Contenders, func(c measure.Contender) bool { return c.Name == name })
		if i < 0 {
			panic("raw: no contender is called " + name)
		}
		return i
	}
	g.Rows = append(g.Rows, suite.Row{Name: name, Ours: at(ours), Peer: at(peer), Goal: report.Goal{Kind: kind, Value: value}})
}

// lost counts what ours lost while it was measured. A peer that lost something did less
// than ours, and there are no figures then.
func (g *group) lost() (float64, error) {
	switch n, err := g.peer.lost(); {
	case err != nil:
		return 0, err
	case n > 0:
		return 0, fmt.Errorf("raw: %s lost %d packets", g.peer.senders[0].name, n)
	}
	all := uint64(0)
	for _, h := range g.ours {
		n, err := h.lost()
		if err != nil {
			return 0, err
		}
		all += n
	}
	return float64(all), nil
}

// allocations is the most that a sender of ours allocates for a packet to a destination
// that it has sent to before.
func (g *group) allocations() (float64, error) {
	most := 0.0
	for _, h := range g.ours {
		for _, s := range h.senders {
			if len(s.to) == 1 {
				most = max(most, measure.Allocations(s.contender(), 1000))
			}
		}
	}
	return most, nil
}
