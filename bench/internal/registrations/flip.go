package registrations

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/bench/internal/suite"
	"github.com/hextet/hextet/dnsreg"
	"github.com/hextet/hextet/srcselect"
)

// flipPatience is when a change counts as lost.
const flipPatience = 20 * time.Second

// A flipper flags one of two addresses, or takes the flag back, while a Registrar with default settings runs,
// and waits until the server says so.
type flipper struct {
	server  *server
	name    string
	table   dnsreg.AddressTable
	flagged bool
	err     error
}

func openFlip(ctx context.Context, product string) (*suite.Bench, error) {
	s, err := open(product)
	if err != nil {
		return nil, err
	}
	f := &flipper{server: s, name: "flip." + zone}
	r, err := dnsreg.New(dnsreg.Config{Name: f.name, Source: &f.table, Servers: []string{s.address}, Auth: dnsreg.TSIG(keyName, "", secret)})
	if err != nil {
		s.close()
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	f.set()
	go func() { ended <- r.Run(ctx) }()
	return &suite.Bench{
		Check:      func() error { return f.await() },
		Contenders: []measure.Contender{{Name: "hextet", Limit: 1, Before: f.rest, Run: f.flip}},
		Rows:       []suite.Row{{Ours: 0, Peer: suite.Nobody, Goal: report.Goal{Kind: report.Total, Value: float64(2 * time.Second)}}},
		Fewer:      10,
		Err:        func() error { return f.err },
		Close: func() {
			stop()
			<-ended
			s.close()
		},
	}, nil
}

func (f *flipper) set() {
	f.table.Set(
		srcselect.Address{Prefix: netip.PrefixFrom(address(1), 8), Interface: 1},
		srcselect.Address{Prefix: netip.PrefixFrom(address(2), 8), Interface: 1, SkipAsSource: f.flagged})
}

// rest lets go by what a Registrar leaves between two changes.
func (f *flipper) rest(int) { <-time.After(1100 * time.Millisecond) }

func (f *flipper) flip(int) {
	if f.err != nil {
		return
	}
	f.flagged = !f.flagged
	f.set()
	f.err = f.await()
}

// await asks the server until it has just the addresses that speak.
func (f *flipper) await() error {
	want := []string{fmt.Sprintf("%s. %d IN A %v", f.name, ttl, address(1))}
	if !f.flagged {
		want = append(want, fmt.Sprintf("%s. %d IN A %v", f.name, ttl, address(2)))
	}
	for end := time.Now().Add(flipPatience); ; {
		got, err := f.server.lookup(f.name)
		slices.Sort(got)
		if err != nil || slices.Equal(got, want) {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("registrations: %v after a flag was changed, the server has %q, not %q", flipPatience, got, want)
		}
	}
}
