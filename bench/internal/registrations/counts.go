package registrations

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/bench/internal/suite"
	"github.com/hextet/hextet/dnsreg"
	"github.com/hextet/hextet/srcselect"
)

// many returns n IPv4 and n IPv6 addresses, of which one of each speaks, or all do.
func many(n int, all bool) (table []srcselect.Address) {
	for i := range n {
		a6 := netip.MustParseAddr("2001:db8::").As16()
		a6[14], a6[15] = byte((i+1)>>8), byte(i+1)
		table = append(table,
			srcselect.Address{Prefix: netip.PrefixFrom(address(i+1), 8), Interface: 1, SkipAsSource: i > 0 && !all},
			srcselect.Address{Prefix: netip.PrefixFrom(netip.AddrFrom16(a6), 64), Interface: 1, SkipAsSource: i > 0 && !all})
	}
	return table
}

// cost is what one registration of a table took.
type cost struct{ updates, bytes, tcp, queries float64 }

// register registers a table, forward and reverse, and checks that just what speaks is there. The counts are
// the server's.
func register(ctx context.Context, n int, all bool) (cost, error) {
	s, counted, err := newOwn()
	if err != nil {
		return cost{}, err
	}
	defer s.close()
	var table dnsreg.AddressTable
	table.Set(many(n, all)...)
	r, err := dnsreg.New(dnsreg.Config{
		Name: "host." + zone, Source: &table, Servers: []string{s.address}, MaxAddresses: n,
		Auth: dnsreg.TSIG(keyName, "", secret),
	})
	if err != nil {
		return cost{}, err
	}
	if err := r.Sync(ctx); err != nil {
		return cost{}, err
	}
	want := 2
	if all {
		want = 2 * n
	}
	pointers := 0
	for _, z := range reverseZones {
		for _, rec := range counted.Zone(z) {
			if rec.Type == "PTR" {
				pointers++
			}
		}
	}
	if got := len(counted.Records("host." + zone)); got != want || pointers != want {
		return cost{}, fmt.Errorf("registrations: the server has %d addresses and %d PTR records, not %d", got, pointers, want)
	}
	st, c := counted.Stats(), r.Status().Counters
	return cost{updates: float64(st.Updates), bytes: float64(st.UpdateBytes), tcp: float64(c.OverTCP), queries: float64(st.Queries)}, nil
}

// costCase tells what n and n addresses cost.
func costCase(name string, n int, all bool, updates, bytes report.Goal) suite.Case {
	return suite.Case{Name: fmt.Sprintf("dnsreg/%s/%d", name, n), Open: func(ctx context.Context) (*suite.Bench, error) {
		var c cost
		b := &suite.Bench{Check: func() (err error) {
			c, err = register(ctx, n, all)
			return err
		}}
		figure := func(name, unit string, goal report.Goal, v func() float64) {
			b.Counts = append(b.Counts, suite.Count{Name: name, Unit: unit, Goal: goal, Get: func() (float64, error) { return v(), nil }})
		}
		figure("updates", "messages", updates, func() float64 { return c.updates })
		figure("bytes", "B", bytes, func() float64 { return c.bytes })
		figure("queries", "messages", report.Goal{}, func() float64 { return c.queries })
		return b, nil
	}}
}

// costCases are those of a host whose addresses but one of each family are flagged, and of one without flags:
// the updates and bytes of KB975808.
func costCases() (cases []suite.Case) {
	for _, n := range []int{10, 100, 1000, 2000} {
		var updates, bytes report.Goal
		if n >= 1000 {
			updates, bytes = report.Goal{Kind: report.Total, Value: 3}, report.Goal{Kind: report.Total, Value: 600}
		}
		cases = append(cases, costCase("flagged", n, false, updates, bytes))
	}
	for _, n := range []int{10, 100, 1000, 2000} {
		var updates, bytes report.Goal
		if n == 1000 {
			updates, bytes = report.Goal{Kind: report.Total, Value: 10}, report.Goal{Kind: report.Total, Value: 80_000}
		}
		cases = append(cases, costCase("unflagged", n, true, updates, bytes))
	}
	return cases
}
