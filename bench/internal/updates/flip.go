package updates

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/bench/internal/suite"
	"github.com/hextet/hextet/srcselect"
)

// A flip is a host of two addresses, followed by a Registrar with its defaults. One of them is flagged
// SkipAsSource, then the other.
type flip struct {
	ctx    context.Context
	server *server
	host   *host
	turns  int
	err    error
	end    func() error // of Run
}

// openFlip measures from the flip until the server gives the right answer.
func openFlip(ctx context.Context, k kind) (*suite.Bench, error) {
	s, err := k.open(hostZones)
	if err != nil {
		return nil, err
	}
	f := &flip{ctx: ctx, server: s}
	if f.host, err = newHost(s, hostName, nil); err != nil {
		return nil, errors.Join(err, s.close())
	}
	f.host.table.Set(f.state()...)
	f.end = f.start()
	return &suite.Bench{
		Check:      f.await,
		Contenders: []measure.Contender{{Name: "hextet", Limit: 1, Run: f.run}},
		Rows:       []suite.Row{{Ours: 0, Peer: suite.Nobody, Goal: report.Goal{Kind: report.Total, Value: float64(2 * time.Second)}}},
		Err:        func() error { return f.err },
		Close:      func() { f.end(); s.close() },
	}, nil
}

// start runs the Registrar until the returned function is called.
func (f *flip) start() (end func() error) {
	ctx, cancel := context.WithCancel(f.ctx)
	var done sync.WaitGroup
	var err error
	done.Go(func() { err = f.host.registrar.Run(ctx) })
	return func() error {
		cancel()
		done.Wait()
		return err
	}
}

// state is the table after so many turns.
func (f *flip) state() []srcselect.Address {
	table := population(2, false)
	table[f.turns%2].SkipAsSource, table[2+f.turns%2].SkipAsSource = true, true
	return table
}

func (f *flip) run(int) {
	if f.err == nil {
		f.turns++
		f.host.table.Set(f.state()...)
		f.err = f.await()
	}
}

// await asks, again and again, until the answers of both families are right.
func (f *flip) await() error {
	ctx, cancel := context.WithTimeout(f.ctx, 20*time.Second)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		right, err := f.right(ctx)
		if err != nil || right {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (f *flip) right(ctx context.Context) (bool, error) {
	table := f.state()
	for i, network := range []string{"ip4", "ip6"} {
		speaker := table[2*i+1-f.turns%2].Prefix.Addr()
		got, err := f.server.addresses(ctx, network, hostName)
		if err != nil || !slices.Equal(got, []netip.Addr{speaker}) {
			return false, err
		}
	}
	return true, nil
}
