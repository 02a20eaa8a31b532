package registrations

import (
	"context"
	"errors"
	"fmt"

	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/bench/internal/suite"
	"github.com/hextet/hextet/dnsreg"
)

// manyHosts is how many registrars of one process write at the same time.
const manyHosts = 16

// A race is writers at one server. What one of them does is seen by no other, but each change of the zone is.
type race struct {
	suite.Bench
	server  *server
	writers []writer
	failed  error // the first
}

// openRate sets up ours and nsupdate at a server.
func openRate(ctx context.Context, product string) (*suite.Bench, error) {
	if err := findNsupdate(); err != nil {
		return nil, err
	}
	s, err := open(product)
	if err != nil {
		return nil, err
	}
	r := &race{server: s}
	r.Close = func() { r.close() }
	for _, add := range []func() error{
		func() error { return r.ours(ctx, "hextet", 1, nil) },
		func() error {
			return r.ours(ctx, fmt.Sprintf("hextet, %d hosts", manyHosts), manyHosts, func(c *dnsreg.Config) { c.Pin = dnsreg.PinNever })
		},
		func() error {
			u, err := newNsupdate(ctx, s.address)
			if err == nil {
				r.add("nsupdate", u, 1, 0)
			}
			return err
		},
		func() error {
			r.add("nsupdate, a process each", newProcesses(ctx, s.address), 1, 4)
			return nil
		},
	} {
		if err := add(); err != nil {
			r.close()
			return nil, err
		}
	}
	r.Longer, r.Fewer = 30, 5
	r.Check, r.Err = r.check, r.err
	const one, many, fed, each = 0, 1, 2, 3
	r.Rows = []suite.Row{
		{Name: "nsupdate-16", Ours: many, Peer: fed, Goal: report.Goal{Kind: report.NotSlower}},
		{Name: "process-16", Ours: many, Peer: each, Goal: report.Goal{Kind: report.AtLeast, Value: 10}},
		{Name: "nsupdate-1", Ours: one, Peer: fed},
		{Name: "process-1", Ours: one, Peer: each},
	}
	return &r.Bench, nil
}

// open starts the server called so in the rows.
func open(product string) (*server, error) {
	if product == "dnsregtest" {
		s, _, err := newOwn()
		return s, err
	}
	return newProduct(product)
}

func (r *race) ours(ctx context.Context, name string, hosts int, change func(*dnsreg.Config)) error {
	o, err := newOurs(ctx, r.server.address, hosts, change)
	if err == nil {
		r.add(name, o, hosts, 0)
	}
	return err
}

// add adds a contender whose turns are of several addresses.
func (r *race) add(name string, w writer, addresses, limit int) {
	r.writers = append(r.writers, w)
	r.Contenders = append(r.Contenders, measure.Contender{Name: name, Ops: addresses, Limit: limit, Run: func(n int) {
		if r.failed == nil {
			r.failed = w.write(n * addresses)
		}
	}})
}

// check lets everybody write some addresses, and looks at what the server has then: the last one of each.
func (r *race) check() error {
	for i, w := range r.writers {
		if err := w.write(manyHosts); err != nil {
			return fmt.Errorf("%s: %w", r.Contenders[i].Name, err)
		}
	}
	return r.err()
}

func (r *race) err() error {
	errs := []error{r.failed}
	for i, w := range r.writers {
		for name, addr := range w.last() {
			if err := r.server.holds(name, addr); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", r.Contenders[i].Name, err))
			}
		}
	}
	return errors.Join(errs...)
}

func (r *race) close() {
	for _, w := range r.writers {
		w.close() // what it has done was looked at
	}
	r.server.close()
}
