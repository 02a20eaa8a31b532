package connects

import (
	"context"
	"fmt"

	"github.com/hextet/hextet/bench/internal/pairs"
	"github.com/hextet/hextet/bench/internal/suite"
)

// A bench collects dialers, of which each becomes a contender.
type bench struct {
	suite.Bench
	dialers []*dialer
}

// dials are connections that are opened in some way.
type dials struct {
	name string
	plan pairs.Plan
	open func(context.Context, pairs.Plan) (*pairs.Pair, error)
}

// newBench opens the pairs, and returns what has rounds of many connects.
func newBench(ctx context.Context, contenders ...dials) (*suite.Bench, error) {
	b := &bench{}
	b.Longer, b.Fewer = 4, 2
	b.Check, b.Err, b.Close = b.check, b.err, b.close
	for _, c := range contenders {
		p, err := c.open(ctx, c.plan)
		if err != nil {
			b.close()
			return nil, err
		}
		d := newDialer(ctx, p, c.plan)
		b.dialers = append(b.dialers, d)
		b.Contenders = append(b.Contenders, d.contender(c.name))
	}
	return &b.Bench, nil
}

func (b *bench) check() error {
	for i, d := range b.dialers {
		if err := d.check(); err != nil {
			return fmt.Errorf("%s: %w", b.Contenders[i].Name, err)
		}
	}
	return nil
}

func (b *bench) err() error {
	for i, d := range b.dialers {
		if d.err != nil {
			return fmt.Errorf("%s: %w", b.Contenders[i].Name, d.err)
		}
	}
	return nil
}

func (b *bench) close() {
	for _, d := range b.dialers {
		d.after(0)
		d.pair.Close()
	}
}
