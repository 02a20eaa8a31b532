package choices

import (
	"context"
	"fmt"
	"runtime"

	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/bench/internal/suite"
	"github.com/hextet/hextet/srcselect"
)

// counts are the numbers of addresses.
var counts = []int{1, 4, 8, 64, 1_000, 10_000, 100_000}

// scanGoals is how many times faster than the scan ours should be, by addresses. A
// few addresses have none: there ours is a scan too, and what it does besides (read a
// whole query, return a whole address) is what differs.
var scanGoals = map[int]float64{10_000: 150, 100_000: 800}

// A chooser is a Selector and the queries it is asked.
type chooser struct {
	*srcselect.Selector
	queries []srcselect.Query
}

// run asks n times. The queries give no errors: check made sure.
func (c *chooser) run(n int) {
	var r srcselect.Result
	for i := range n {
		r, _ = c.Select(c.queries[i%queryCount])
	}
	runtime.KeepAlive(r)
}

func (s *scan) run(qs []srcselect.Query) func(n int) {
	return func(n int) {
		var a *srcselect.Address
		for i := range n {
			a, _ = s.choose(&qs[i%queryCount])
		}
		runtime.KeepAlive(a)
	}
}

// growthBench measures ours and the scan at all counts of addresses, in the same
// rounds: so the ratio of few and many is one of medians of one run, too.
func growthBench(m mix) (*suite.Bench, error) {
	b := &suite.Bench{}
	var choosers []*chooser
	var scans []*scan
	ours := map[int]int{}
	for _, n := range counts {
		s, err := m.selector(n)
		if err != nil {
			return nil, err
		}
		c, sc := &chooser{s, queries(n)}, newScan(m.addresses(n))
		choosers, scans = append(choosers, c), append(scans, sc)
		at := len(b.Contenders)
		ours[n] = at
		b.Contenders = append(b.Contenders, measure.Contender{Name: fmt.Sprintf("hextet n=%d", n), Run: c.run},
			measure.Contender{Name: fmt.Sprintf("scan n=%d", n), Run: sc.run(c.queries)})
		row := suite.Row{Name: fmt.Sprintf("scan/%d", n), Ours: at, Peer: at + 1}
		if g, ok := scanGoals[n]; ok {
			row.Goal = report.Goal{Kind: report.AtLeast, Value: g}
		}
		b.Rows = append(b.Rows, row)
	}
	b.Rows = append(b.Rows, suite.Row{Name: "growth/100000", Ours: ours[100_000], Peer: ours[4], Goal: report.Goal{Kind: report.AtMost, Value: 20}})
	b.Counts = []suite.Count{{Name: "allocs", Unit: "allocs", Goal: report.Goal{Kind: report.Total}, Get: func() (float64, error) {
		most := 0.0
		for _, at := range ours {
			most = max(most, measure.Allocations(b.Contenders[at], 1000))
		}
		return most, nil
	}}}
	b.Check = func() error {
		for i, c := range choosers {
			if err := agree(c, scans[i]); err != nil {
				return err
			}
		}
		return nil
	}
	return b, nil
}

// agree says for which query a Selector and a scan differ, in the address or in the
// rule that decided.
func agree(c *chooser, s *scan) error {
	for _, q := range c.queries {
		r, err := c.Select(q)
		if err != nil {
			return err // a query that finds nothing would measure the error
		}
		if a, rule := s.choose(&q); a == nil || a.Prefix != r.Address.Prefix || a.Interface != r.Address.Interface || rule != r.Rule {
			return fmt.Errorf("choices: %v of %d addresses: scan %+v by %v, ours %v by %v", q.Destination, len(s.list), a, rule, r.Address.Prefix, r.Rule)
		}
	}
	return nil
}

func growthCases() (cases []suite.Case) {
	for _, m := range mixes {
		cases = append(cases, suite.Case{Name: "select/" + m.name, Open: func(context.Context) (*suite.Bench, error) { return growthBench(m) }})
	}
	return cases
}
