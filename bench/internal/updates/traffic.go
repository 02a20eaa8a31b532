package updates

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/bench/internal/suite"
	"github.com/hextet/hextet/dnsreg"
	"github.com/hextet/hextet/dnsreg/dnsregtest"
	"github.com/hextet/hextet/srcselect"
)

// hostName is registered in the first of hostZones.
const hostName = "host.example.test"

var hostZones = []string{"example.test", "77.10.in-addr.arpa", "8.b.d.0.1.0.0.2.ip6.arpa"}

// population returns n addresses of each family, IPv4 first; flagged are all but the first ones.
func population(n int, flagged bool) (table []srcselect.Address) {
	for _, first := range []string{"10.77.0.1", "2001:db8::1"} {
		addr := netip.MustParseAddr(first)
		for i := range n {
			a := speaks(addr)
			a.SkipAsSource = flagged && i > 0
			table = append(table, a)
			addr = addr.Next()
		}
	}
	return table
}

// traffic is what reached a server, and what was there in the end.
type traffic struct {
	dnsregtest.Stats
	records []dnsregtest.Record
}

// send counts what f sends to a server of hostZones.
func send(f func(*server) error) (traffic, error) {
	s, address, err := inMemory(hostZones)
	if err != nil {
		return traffic{}, err
	}
	err = f(&server{address, s.Close})
	t := traffic{Stats: s.Stats()}
	for _, z := range hostZones {
		t.records = slices.Concat(t.records, s.Zone(z))
	}
	t.records = slices.DeleteFunc(t.records, func(r dnsregtest.Record) bool { return r.Type == "SOA" }) // the serials differ
	return t, errors.Join(err, s.Close())
}

// register registers n addresses of each family for the first time.
func register(ctx context.Context, n int, flagged bool) (traffic, error) {
	return send(func(s *server) error {
		h, err := newHost(s, hostName, unlimited)
		if err != nil {
			return err
		}
		h.table.Set(population(n, flagged)...)
		return h.registrar.Sync(ctx)
	})
}

func unlimited(c *dnsreg.Config) { c.MaxAddresses = 1000 }

// A footprint is what it takes to register n addresses of each family.
type footprint struct {
	n    int
	all  traffic // all of them
	one  traffic // the flag being on all but one of each
	each traffic // all of them, one record a message
}

// openCurve compares with one record a message.
func openCurve(ctx context.Context, n int) *suite.Bench {
	f := &footprint{n: n}
	figure := func(name, unit string, ours *traffic, of func(*traffic) int) suite.Count {
		return suite.Count{
			Name: name, Unit: unit, Get: func() (float64, error) { return float64(of(ours)), nil },
			Peer: "one record a message", PeerGet: func() (float64, error) { return float64(of(&f.each)), nil },
		}
	}
	return &suite.Bench{Check: func() error { return f.check(ctx) }, Counts: []suite.Count{
		figure("all", "msg", &f.all, updates),
		figure("all/bytes", "B", &f.all, updateBytes),
		figure("flagged", "msg", &f.one, updates),
		figure("flagged/bytes", "B", &f.one, updateBytes),
	}}
}

func updates(t *traffic) int     { return t.Updates }
func updateBytes(t *traffic) int { return t.UpdateBytes }
func queries(t *traffic) int     { return t.Queries }

// check registers, and compares what the zones hold.
func (f *footprint) check(ctx context.Context) error {
	var few traffic
	for _, step := range []struct {
		into *traffic
		do   func() (traffic, error)
	}{
		{&f.all, func() (traffic, error) { return register(ctx, f.n, false) }},
		{&f.one, func() (traffic, error) { return register(ctx, f.n, true) }},
		{&f.each, func() (traffic, error) { return plainly(ctx, f.n) }},
		{&few, func() (traffic, error) { return plainly(ctx, 1) }},
	} {
		var err error
		if *step.into, err = step.do(); err != nil {
			return err
		}
	}
	return errors.Join(same("all", f.all, f.each), same("flagged", f.one, few))
}

// same says if two servers don't hold the same in the end.
func same(what string, a, b traffic) error {
	if slices.Equal(a.records, b.records) {
		return nil
	}
	return fmt.Errorf("updates: %s: the zones hold %d records and %d, or others", what, len(a.records), len(b.records))
}

// openLimits has the figures for a thousand addresses of each family, of which all speak or one.
func openLimits(ctx context.Context, flagged bool, messages, bytes float64) *suite.Bench {
	var t traffic
	figure := func(name, unit string, most float64, of func(*traffic) int) suite.Count {
		c := suite.Count{Name: name, Unit: unit, Get: func() (float64, error) { return float64(of(&t)), nil }}
		if most > 0 {
			c.Goal = report.Goal{Kind: report.Total, Value: most}
		}
		return c
	}
	return &suite.Bench{
		Check: func() (err error) {
			if t, err = register(ctx, thousand, flagged); err != nil {
				return err
			}
			want := 2
			if !flagged {
				want = 2 * thousand
			}
			if got := pointers(t.records); got != want {
				return fmt.Errorf("updates: %d PTR records, not %d", got, want)
			}
			return nil
		},
		Counts: []suite.Count{
			figure("messages", "msg", messages, updates),
			figure("bytes", "B", bytes, updateBytes),
			figure("questions", "msg", 0, queries),
		},
	}
}

// pointers counts the PTR records that point to the host.
func pointers(records []dnsregtest.Record) (n int) {
	for _, r := range records {
		if r.Type == "PTR" && strings.TrimSuffix(r.Data, ".") == hostName {
			n++
		}
	}
	return n
}

// thousand is the number of addresses of each family that the goals are about.
const thousand = 1000
